package catalog_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

func typ(kind, name, prefix string, aliases ...string) *catalog.Type {
	return &catalog.Type{Type: hook.Type{Kind: kind, Name: name, Prefix: prefix, Aliases: aliases}}
}

func TestGet(t *testing.T) {
	r, err := catalog.New(
		typ(catalog.Entity, "org.example.Redis", "", "redis", "brooklyn.entity.Redis"),
		typ(catalog.Entity, "org.example.Container", "docker:"),
		typ(catalog.Policy, "org.example.Restarter", "", "redis"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ kind, name, want, err string }{
		{"entity", "org.example.Redis", "org.example.Redis", ""},
		{"entity", "java:brooklyn.entity.Redis", "org.example.Redis", ""},
		{"policy", "redis", "org.example.Restarter", ""},
		{"entity", "docker:redis:3", "org.example.Container", ""},
		{"entity", "docker:", "", `unknown entity type "docker:"`},
		{"entity", "rediss", "", `unknown entity type "rediss"; did you mean "redis"?`},
		{"strategy", "redis", "", `"redis" is the name of an entity type, not of a strategy type`},
	} {
		got, err := r.Get(tt.kind, tt.name)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err || fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s %s: error %v, want %s", tt.kind, tt.name, err, tt.err)
			}
			continue
		}
		if err != nil || got.Name != tt.want {
			t.Errorf("%s %s: %v, %v", tt.kind, tt.name, got, err)
		}
	}
	if all := r.Types(); len(all) != 3 || all[0].Name != "org.example.Container" || all[2].Name != "org.example.Restarter" {
		t.Errorf("types are not in the order of their names: %v", all)
	}
}

func TestNamesAreTakenOnce(t *testing.T) {
	first := typ(catalog.Entity, "a", "", "b")
	first.Module = "m"
	_, err := catalog.New(first, typ(catalog.Entity, "c", "", "b"))
	if err == nil || err.Error() != "entity type b is registered already, by module m" || fault.KindOf(err) != fault.Conflict {
		t.Errorf("error %v", err)
	}
	r, err := catalog.New(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.With(typ(catalog.Entity, "c", "", "b")); err == nil {
		t.Error("taken twice")
	}
	if _, err := r.Get(catalog.Entity, "c"); err == nil {
		t.Error("half of a refused type was registered")
	}
}
