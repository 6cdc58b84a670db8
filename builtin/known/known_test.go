package known

import (
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
)

func types(t testing.TB) []*catalog.Type {
	t.Helper()
	list, err := Types()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTypes(t *testing.T) {
	list := types(t)
	if _, err := catalog.New(list...); err != nil {
		t.Error(err) // a name that two types have
	}
	for _, typ := range list {
		for _, text := range []string{typ.Description, typ.Unbuilt} {
			if text != strings.TrimSpace(text) || strings.HasSuffix(text, ".") || strings.ToLower(text[:1]) != text[:1] && !isName(text) {
				t.Errorf("%s: %q does not read as the end of a sentence", typ.Name, text)
			}
		}
		taken := map[string]string{}
		for _, k := range typ.Config {
			for _, name := range append([]string{k.Name}, k.Flags...) {
				if other, ok := taken[name]; ok && other != k.Name && name != k.Name {
					t.Errorf("%s: %s is a flag of %s and of %s", typ.Name, name, other, k.Name)
				}
				taken[name] = k.Name
			}
			if k.Description == "" {
				t.Errorf("%s: config key %s has no description", typ.Name, k.Name)
			}
		}
		for _, s := range typ.Sensors {
			if s.Description == "" {
				t.Errorf("%s: sensor %s has no description", typ.Name, s.Name)
			}
		}
	}
}

// isName tells whether a text begins with a name: Marathon, MySQL.
func isName(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return slices.Contains([]string{"Marathon", "Aurora", "MySQL", "MongoDB", "Redis", "Docker"}, strings.Trim(word, ","))
}

func TestBesides(t *testing.T) {
	const redis, mysql = "org.apache.brooklyn.entity.nosql.redis.RedisStore", "org.apache.brooklyn.entity.database.mysql.MySqlNode"
	typ := func(kind, name string, aliases ...string) *catalog.Type {
		return &catalog.Type{Type: hook.Type{Name: name, Kind: kind, Aliases: aliases}}
	}
	mine := []*catalog.Type{
		typ(catalog.Entity, redis),
		typ(catalog.Entity, "my-mysql", "brooklyn.entity.database.mysql.MySqlNode"),
		typ(catalog.Policy, "org.apache.brooklyn.entity.nosql.solr.SolrServer"),
	}
	list, err := Besides(mine)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(list), len(types(t))-1; got != want {
		t.Errorf("there are %d types, want %d", got, want)
	}
	for _, typ := range list {
		if typ.Name == redis || typ.Name == mysql && len(typ.Aliases) > 0 {
			t.Errorf("%s %v is there", typ.Name, typ.Aliases)
		}
	}
	if _, err := catalog.New(append(mine, list...)...); err != nil {
		t.Error(err)
	}
}

func BenchmarkTypes(b *testing.B) {
	for b.Loop() {
		if _, err := Types(); err != nil {
			b.Fatal(err)
		}
	}
}
