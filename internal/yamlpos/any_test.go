package yamlpos_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestFromAny(t *testing.T) {
	type word string
	one := 1
	at := yamlpos.Pos{File: "f", Line: 2, Col: 3}
	for _, tt := range []struct{ in, want any }{
		{nil, nil}, {"yes", "yes"}, {true, true}, {int64(3), int64(3)}, {2.5, 2.5},
		{7, int64(7)}, {uint8(7), int64(7)}, {uint64(1 << 63), 9223372036854775808.0}, {uint64(1<<63 + 1), "9223372036854775809"}, {float32(0.5), 0.5},
		{json.Number("12"), int64(12)}, {json.Number("1.5"), 1.5}, {json.Number("1e999"), "1e999"},
		{word("x"), "x"}, {&one, int64(1)}, {(*int)(nil), nil},
		{[]string{"a"}, []any{"a"}}, {[2]int{1, 2}, []any{int64(1), int64(2)}},
		{map[string]any{"b": 1, "a": []any{nil}}, map[string]any{"a": []any{nil}, "b": int64(1)}},
		{map[int]string{80: "x"}, map[string]any{"80": "x"}},
		{struct{ A int }{1}, "{1}"},
	} {
		node := yamlpos.FromAny(tt.in, at)
		if got := node.Any(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("FromAny(%#v).Any() = %#v, want %#v", tt.in, got, tt.want)
		}
		if node.Pos != at {
			t.Errorf("FromAny(%#v) stands at %v, want %v", tt.in, node.Pos, at)
		}
	}
	node := yamlpos.FromAny(map[string]any{"b": 1, "a": 2}, at)
	if node.Entries[0].Key != "a" || node.Entries[1].Value.Text != "1" || node.Entries[1].KeyPos != at {
		t.Errorf("entries are not in order of keys, with text and place: %+v", node.Entries)
	}
	if sub := yamlpos.FromAny([]any{node}, yamlpos.Pos{}); sub.Items[0] != node {
		t.Error("a node inside a value was not kept")
	}
}

func TestFromAnyEndsOnACycle(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	depth := 0
	for node := yamlpos.FromAny(cycle, yamlpos.Pos{}); node != nil; node = node.Get("self") {
		depth++
	}
	if depth > 1100 {
		t.Errorf("went %d deep into a value that contains itself", depth)
	}
}

func TestErrorsInOrder(t *testing.T) {
	var errs yamlpos.Errors
	if errs.Err() != nil {
		t.Error("no problems are an error")
	}
	pos := func(line, col int) yamlpos.Pos { return yamlpos.Pos{File: "f", Line: line, Col: col} }
	errs.Add(pos(3, 1), "third")
	errs.Add(pos(1, 5), "second")
	errs.Append(pos(9, 9), &yamlpos.Error{Pos: pos(1, 2), Msg: "first"})
	errs.Append(pos(4, 1), json.Unmarshal([]byte("x"), new(any)))
	errs.Append(pos(9, 9), nil)
	var more yamlpos.Errors
	more.Add(yamlpos.Pos{}, "nowhere")
	errs.Append(pos(9, 9), more.Err())
	const want = "nowhere\nf:1:2: first\nf:1:5: second\nf:3:1: third\nf:4:1: invalid character 'x' looking for beginning of value"
	if got := errs.Err().Error(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	var some, all yamlpos.Errors
	for i := range 150 {
		some.Add(yamlpos.Pos{Line: i + 1, Col: 1}, "wrong")
	}
	for range 3 {
		all.Append(yamlpos.Pos{}, some.Err())
	}
	all.Add(yamlpos.Pos{}, "one more")
	if n := len(all.List()); n != 200 {
		t.Errorf("%d problems are kept, want 200", n)
	}
	if text := all.Error(); !strings.HasSuffix(text, "\nand 251 more") {
		t.Errorf("the text ends with %q", text[len(text)-20:])
	}
}
