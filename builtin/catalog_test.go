package builtin

import (
	"bufio"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
	"github.com/gowanus-project/gowanus/modules"
)

// everything gives the registry of a server as it is shipped.
func everything(t *testing.T) *catalog.Registry {
	t.Helper()
	runnable := All(Config{Plane: "test", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}).Types
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		g, err := guest.Load(m.Description, nil, guest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		g.GrantAll()
		runnable = append(runnable, g.Types()...)
	}
	all, err := Catalog(runnable)
	if err != nil {
		t.Fatal(err)
	}
	r, err := catalog.New(all...)
	if err != nil {
		t.Fatal(err) // one name for two types
	}
	return r
}

// find gives the type of any kind, or nil.
func find(r *catalog.Registry, name string) *catalog.Type {
	for _, kind := range catalog.Kinds {
		if t, err := r.Get(kind, name); err == nil {
			return t
		}
	}
	return nil
}

func lines(t *testing.T, file string) (out [][]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if words := strings.Fields(s.Text()); len(words) > 0 && words[0] != "#" {
			out = append(out, words)
		}
	}
	return out
}

func TestFormerNames(t *testing.T) {
	r := everything(t)
	found := 0
	for _, words := range lines(t, "names/testdata/former.txt") {
		former, present := words[0], words[1]
		want := find(r, present)
		if want == nil {
			continue // of a type that nobody needed so far
		}
		found++
		if got := find(r, former); got != want {
			t.Errorf("%s is %v, want %s", former, got, present)
		}
	}
	if found < 120 {
		t.Errorf("only %d names are those of a type, expected 120 at least", found)
	}
}

// TestNamesInUse has every type that published blueprints name, with the keys
// that they write at the top level of a service: a key that the type does not
// declare would be ignored silently.
func TestNamesInUse(t *testing.T) {
	r := everything(t)
	for _, words := range lines(t, "testdata/in-use.txt") {
		typ := find(r, words[0])
		if typ == nil {
			t.Errorf("%s is unknown", words[0])
			continue
		}
		for _, key := range words[1:] {
			if !declares(typ, key) {
				t.Errorf("%s, which is %s, does not declare %s", words[0], typ.Name, key)
			}
		}
	}
}

func declares(t *catalog.Type, key string) bool {
	return slices.ContainsFunc(t.Config, func(k hook.ConfigKey) bool { return k.Name == key || slices.Contains(k.Flags, key) })
}

// typeKeys are the keys whose values are names of types.
var typeKeys = []string{"type", "serviceType", "policyType", "enricherType"}

func TestSeedsNameKnownTypes(t *testing.T) {
	r := everything(t)
	files, err := filepath.Glob("../dsl/camp/testdata/seed/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("there are %d seeds, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root, err := yamlpos.Parse(file, text, yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		walk(root, func(e yamlpos.Entry) {
			if slices.Contains(typeKeys, e.Key) && e.Value.Kind == yamlpos.Scalar && find(r, e.Value.Text) == nil {
				t.Errorf("%s: %s is unknown", e.Value.Pos, e.Value.Text)
			}
		})
	}
}

func walk(n *yamlpos.Node, visit func(yamlpos.Entry)) {
	for _, item := range n.Items {
		walk(item, visit)
	}
	for _, e := range n.Entries {
		visit(e)
		walk(e.Value, visit)
	}
}

// A type that can run keeps its names from one that is only known.
func TestRunnableTypesCount(t *testing.T) {
	r := everything(t)
	for _, name := range []string{
		"brooklyn.entity.basic.BasicApplication", "brooklyn.entity.basic.BasicEntity", "brooklyn.policy.ha.ServiceRestarter",
		"brooklyn.location.docker.strategy.MaxContainersPlacementStrategy", "docker-container", "docker:redis:3",
		"brooklyn.entity.container.docker.application.VanillaDockerApplication",
	} {
		if typ := find(r, name); typ == nil || typ.Unbuilt != "" {
			t.Errorf("%s is %+v", name, typ)
		}
	}
	if typ := find(r, "brooklyn.entity.nosql.redis.RedisStore"); typ == nil || typ.Unbuilt != "use docker:redis on a Docker location" {
		t.Errorf("RedisStore is %+v", typ)
	}
}

func BenchmarkCatalog(b *testing.B) {
	types := All(Config{Plane: "test", Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)}).Types
	for b.Loop() {
		all, err := Catalog(types)
		if err == nil {
			_, err = catalog.New(all...)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
