package yamlpos_test

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestFormat(t *testing.T) {
	const text = `name: app
empty: {}
none: null
list:
- a
- - b
  - []
- x: 1
  list:
  - 2.50
  map:
    deep: true
quoted: "yes"
number: "80"
"y": 0x1F
"80": "a\nb"
expr: '$brooklyn:entity("x''s")'
'': 1e+300
`
	node, err := yamlpos.Parse("f", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := yamlpos.Format(node); got != text {
		t.Errorf("Format gave\n%s\nwant\n%s", got, text)
	}
}

func TestFormatOfPlainValues(t *testing.T) {
	for _, v := range []any{
		nil, "", "a b", "null", "~", "Off", "a:", "- x", "#", "é", "\u0085", "\x7f", "\U0001F600", "\u2028", " x ", "%", "'", `"`, "1", "1.5", "<<", "0x1",
		true, int64(-3), 3.0, 1e300, -0.25, []any{}, map[string]any{}, []any{nil, []any{map[string]any{"a": []any{[]any{"x"}}}}},
		map[string]any{"<<": "x", "a\n": map[string]any{"b": nil}},
	} {
		text := yamlpos.Format(yamlpos.FromAny(v, yamlpos.Pos{}))
		node, err := yamlpos.Parse("f", []byte(text), yamlpos.Limits{})
		if err != nil {
			t.Errorf("%#v became %q: %v", v, text, err)
		} else if got := node.Any(); !reflect.DeepEqual(got, v) {
			t.Errorf("%#v became %q, which reads as %#v", v, text, got)
		}
	}
	if got := yamlpos.Format(nil); got != "null\n" {
		t.Errorf("Format(nil) = %q", got)
	}
}
