package coerce_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{
		``: 0, `1`: 0, `"[["`: 0, `"\"[["`: 0, `"\\"`: 0, `["\\",[]]`: 2, `{"a":[{}],"b":[]}`: 3, `[][]`: 1, strings.Repeat("[", 3): 3,
	} {
		if got := coerce.Depth([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestEncode(t *testing.T) {
	nested := func(n int) (v any) {
		for v = "x"; n > 0; n-- {
			v = []any{v}
		}
		return v
	}
	if text, err := coerce.Encode(nested(coerce.MaxDepth)); err != nil || json.Unmarshal(text, new(any)) != nil {
		t.Errorf("as deep as it may be: %v", err)
	}
	if coerce.Deep(nested(coerce.MaxDepth)) || !coerce.Deep(nested(coerce.MaxDepth+1)) || !coerce.Deep(map[string]any{"a": nested(coerce.MaxDepth)}) {
		t.Error("a value counts otherwise than its JSON")
	}
	_, err := coerce.Encode(nested(coerce.MaxDepth + 1))
	if fault.KindOf(err) != fault.Limit || err.Error() != "it is nested 1001 deep, the limit MaxDepth allows 1000" {
		t.Errorf("deeper: %v", err)
	}
	if _, err := coerce.Encode(func() {}); err == nil {
		t.Error("a function is JSON")
	}
}

// FuzzDepth: what encoding/json reads is as deep as a decoder finds it.
func FuzzDepth(f *testing.F) {
	f.Add(`{"a\\\"[": [1, {"b": "]"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		if got, want := coerce.Depth([]byte(text)), depth(v); got != want && !strings.Contains(text, ":") { // a key may stand there twice
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	})
}

func depth(v any) (deepest int) {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			deepest = max(deepest, depth(item))
		}
	case map[string]any:
		for _, item := range x {
			deepest = max(deepest, depth(item))
		}
	default:
		return 0
	}
	return deepest + 1
}
