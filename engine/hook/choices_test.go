package hook_test

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
)

func TestChoices(t *testing.T) {
	type m = map[string]any
	type l = []any
	equals := func(v any) any { return m{"equals": v} }
	for _, test := range []struct {
		constraint any
		want       []any
	}{
		{"required", nil},
		{m{"regex": "red|green"}, l{"red", "green"}},
		{m{"regex": "^(red|green|)$"}, l{"red", "green", ""}},
		{m{"regex": "(?:red|dark blue)"}, l{"red", "dark blue"}},
		{m{"regex": "(red)|(green)"}, nil},
		{m{"regex": "[a-z]+"}, nil},
		{m{"regex": "1.0|2.0"}, nil},
		{m{"regex": ""}, nil},
		{m{"regex": int64(1)}, nil},
		{equals("one"), l{"one"}},
		{equals(m{"a": int64(1)}), nil},
		{m{"any": l{equals(int64(1)), equals(true)}}, l{int64(1), true}},
		{m{"or": l{equals("a"), m{"regex": "b"}}}, nil},
		{m{"any": l{m{"equals": "a", "size": int64(1)}}}, nil},
		{m{"any": l{}}, nil},
		{m{"any": "a"}, nil},
		{m{"glob": "*"}, nil},
	} {
		k := hook.ConfigKey{Constraints: []any{"notNull", test.constraint}}
		if got := k.Choices(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.constraint, got, test.want)
		}
	}
}
