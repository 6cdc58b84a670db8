package entity_test

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// at describes one entity: what it declares of the key k, and sets.
type at struct {
	declares *hook.ConfigKey
	sets     any // "" does not set it
}

func declared(mode string, def any) *hook.ConfigKey {
	return &hook.ConfigKey{Name: "k", Type: "any", Inherit: mode, Default: def}
}

// TestInheritance looks at a key from the last of a line of entities, the
// application first.
func TestInheritance(t *testing.T) {
	m := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	none := any("")
	for _, tt := range []struct {
		name string
		line []at
		want any
	}{
		{"nobody knows it", []at{{nil, none}, {nil, none}}, nil},
		{"set above, undeclared", []at{{nil, "v"}, {nil, none}, {nil, none}}, "v"},
		{"the nearest wins", []at{{nil, "v"}, {nil, "w"}, {nil, none}}, "w"},
		{"null ends it", []at{{nil, "v"}, {nil, nil}, {nil, none}}, nil},
		{"default of the reader", []at{{nil, none}, {declared("", "d"), none}}, "d"},
		{"a value above before the reader's default", []at{{nil, "v"}, {declared("", "d"), none}}, "v"},
		{"default of one above", []at{{declared("", "d"), none}, {nil, none}}, "d"},
		{"never: not from above", []at{{nil, "v"}, {declared("never", "d"), none}}, "d"},
		{"never: not to below", []at{{declared("never", "d"), "v"}, {nil, none}}, nil},
		{"never: not even where it is declared again", []at{{declared("never", "d"), "v"}, {declared("", nil), none}}, nil},
		{"never: its own", []at{{nil, "v"}, {declared("never", "d"), "w"}}, "w"},
		{"not_reinherited: by the first that declares it", []at{{nil, "v"}, {declared("not_reinherited", nil), none}}, "v"},
		{"not_reinherited: not by the next", []at{{nil, "v"}, {declared("not_reinherited", nil), none}, {declared("not_reinherited", nil), none}}, nil},
		{"not_reinherited: not below", []at{{declared("not_reinherited", nil), "v"}, {nil, none}}, nil},
		{"not_reinherited: through those who do not declare it", []at{{nil, "v"}, {nil, none}, {declared("not_reinherited", nil), none}}, "v"},
		{"deep_merge: all levels", []at{{nil, m("a", "1", "n", m("x", "1", "y", "1"))}, {declared("deep_merge", nil), m("b", "2", "n", m("y", "2"))}, {declared("deep_merge", nil), m("c", "3")}},
			m("a", "1", "b", "2", "c", "3", "n", m("x", "1", "y", "2"))},
		{"deep_merge: null takes a leaf away", []at{{nil, m("a", "1", "b", "1")}, {declared("deep_merge", nil), m("a", nil)}}, m("b", "1")},
		{"deep_merge: what is no map ends it", []at{{nil, m("a", "1")}, {nil, "x"}, {declared("deep_merge", nil), m("b", "2")}}, m("b", "2")},
		{"deep_merge: not with a default", []at{{declared("deep_merge", m("d", "0")), none}, {declared("deep_merge", m("e", "0")), m("b", "2")}}, m("b", "2")},
		{"the mode of the nearest that declares it", []at{{nil, m("a", "1")}, {declared("deep_merge", nil), m("b", "2")}, {nil, none}}, m("a", "1", "b", "2")},
	} {
		tree := entity.NewTree(store.NewMemory())
		var parent *entity.Entity
		for i, a := range tt.line {
			n := &entity.New{Record: entity.Record{ID: entity.ID(rune('a' + i)), Name: "e", Type: "t"}, Declaration: &entity.Declaration{}}
			if a.declares != nil {
				n.Declaration.Config = []hook.ConfigKey{*a.declares}
			}
			if a.sets != "" {
				n.Config = map[string]any{"k": a.sets}
			}
			var err error
			if parent, err = tree.Add(t.Context(), parent, n, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := parent.Config(t.Context(), "k"); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestMode(t *testing.T) {
	for word, want := range map[string]string{"": "overwrite", "always": "overwrite", "none": "never", "deep_merge": "deep_merge", "not_reinherited": "not_reinherited"} {
		if got, ok := entity.Mode(word); got != want || !ok {
			t.Errorf("Mode(%q) = %q, %v", word, got, ok)
		}
	}
	if _, ok := entity.Mode("sometimes"); ok {
		t.Error("an unknown mode is known")
	}
}
