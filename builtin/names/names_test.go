package names

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// former reads the table of former names: each to its present one.
func former(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("testdata/former.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 2 {
			out[words[1]] = append(out[words[1]], words[0])
		}
	}
	return out
}

func TestOf(t *testing.T) {
	names := 0
	for present, old := range former(t) {
		of := Of(present)
		for _, name := range old {
			names++
			if !slices.Contains(of, name) {
				t.Errorf("%s is no former name of %s; there are %v", name, present, of)
			}
		}
	}
	if names < 120 {
		t.Errorf("the table has %d names, expected 120 at least", names)
	}
}

func TestOfIsExact(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"org.apache.brooklyn.entity.stock.BasicApplication", "brooklyn.entity.basic.BasicApplication org.apache.brooklyn.entity.basic.BasicApplication"},
		{"org.apache.brooklyn.entity.nosql.redis.RedisStore", "brooklyn.entity.nosql.redis.RedisStore"},
		{"clocker.docker.networking.entity.VirtualNetwork", "brooklyn.networking.ManagedNetwork brooklyn.networking.sdn.VirtualNetwork brooklyn.networking.VirtualNetwork"},
		{"clocker.docker.location.strategy.basic.RandomPlacementStrategy", "brooklyn.location.docker.strategy.RandomPlacementStrategy clocker.docker.location.strategy.RandomPlacementStrategy"},
		{"org.apache.brooklyn.entity.", ""},
		{"brooklyn.entity.basic.BasicApplication", ""},
		{"my.own.Type", ""},
		{"", ""},
	} {
		if got := strings.Join(Of(tt.name), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A rule behind one for a package around it would never be asked.
func TestInnerPackagesComeFirst(t *testing.T) {
	for i, r := range rules {
		for _, before := range rules[:i] {
			if strings.HasPrefix(r.pkg, before.pkg) {
				t.Errorf("the rule for %s stands before that for %s", before.pkg, r.pkg)
			}
		}
		for _, pkg := range append([]string{r.pkg}, r.old...) {
			if !strings.HasSuffix(pkg, ".") {
				t.Errorf("package %s does not end with a dot", pkg)
			}
		}
	}
}

func TestComplete(t *testing.T) {
	typ := func(kind, name string, aliases ...string) *catalog.Type {
		return &catalog.Type{Type: hook.Type{Name: name, Kind: kind, Aliases: aliases}}
	}
	const basic = "brooklyn.entity.basic."
	for _, tt := range []struct {
		name  string
		types []*catalog.Type
		want  []string // the aliases of each
	}{
		{"by name", []*catalog.Type{typ(catalog.Policy, "org.apache.brooklyn.policy.ha.ServiceRestarter")}, []string{"brooklyn.policy.ha.ServiceRestarter"}},
		{
			"by alias",
			[]*catalog.Type{typ(catalog.Strategy, "random", "clocker.docker.location.strategy.basic.R")},
			[]string{"clocker.docker.location.strategy.basic.R brooklyn.location.docker.strategy.R clocker.docker.location.strategy.R"},
		},
		{"its own already", []*catalog.Type{typ(catalog.Policy, "org.apache.brooklyn.policy.P", "brooklyn.policy.P")}, []string{"brooklyn.policy.P"}},
		{
			"what a type says itself counts",
			[]*catalog.Type{typ(catalog.Entity, "org.apache.brooklyn.entity.nosql.X"), typ(catalog.Entity, "mine", "brooklyn.entity.nosql.X")},
			[]string{"", "brooklyn.entity.nosql.X"},
		},
		{
			"the first has it",
			[]*catalog.Type{typ(catalog.Entity, "org.apache.brooklyn.entity.stock.X"), typ(catalog.Entity, "org.apache.brooklyn.entity.software.base.X")},
			[]string{basic + "X org.apache.brooklyn.entity.basic.X", ""},
		},
		{
			"kinds do not meet",
			[]*catalog.Type{typ(catalog.Policy, "org.apache.brooklyn.policy.P"), typ(catalog.Enricher, "org.apache.brooklyn.policy.P")},
			[]string{"brooklyn.policy.P", "brooklyn.policy.P"},
		},
		{
			"versions of one type",
			[]*catalog.Type{typ(catalog.Policy, "org.apache.brooklyn.policy.P"), typ(catalog.Policy, "org.apache.brooklyn.policy.P")},
			[]string{"brooklyn.policy.P", "brooklyn.policy.P"},
		},
	} {
		Complete(tt.types)
		Complete(tt.types) // changes nothing more
		for i, typ := range tt.types {
			if got := strings.Join(typ.Aliases, " "); got != tt.want[i] {
				t.Errorf("%s: type %d: got %q, want %q", tt.name, i, got, tt.want[i])
			}
		}
	}
}

// The lists that a module shares between its types are not written to.
func TestCompleteLeavesSharedLists(t *testing.T) {
	shared := make([]string, 1, 8)
	shared[0] = "short"
	a := &catalog.Type{Type: hook.Type{Name: "org.apache.brooklyn.policy.A", Kind: catalog.Policy, Aliases: shared}}
	Complete([]*catalog.Type{a})
	if got := shared[:2][1]; got != "" {
		t.Errorf("the list was written to: %s", got)
	}
}
