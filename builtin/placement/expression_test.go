package placement_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	native "github.com/gowanus-project/gowanus/builtin/placement"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

func table() *placement.Table {
	t := placement.NewTable()
	t.SetHosts([]location.Host{
		{ID: "h1", Up: true, CPUs: 4, Memory: 8 << 30, Labels: map[string]string{"zone": "a", "docker.version": "20.10"}, Usage: &location.Usage{CPU: 0.5, Memory: 6 << 30}},
		{ID: "h2", Up: true, CPUs: 2, Memory: 4 << 30, Labels: map[string]string{"zone": "b"}, Usage: &location.Usage{CPU: 0.1, Memory: 1 << 30}},
		{ID: "h3", Up: true},
	})
	seat := func(id, host, typ string) {
		t.Seat(placement.Resident{Ref: hook.Ref{ID: id, Application: "a1", Name: "the " + id, Type: typ}, Parent: "p", Host: host})
	}
	seat("redis", "h1", "docker:redis")
	seat("web", "h1", "docker:nginx")
	seat("web2", "h2", "docker:nginx")
	return t
}

func strategy(t *testing.T, config map[string]any, l native.Limits) (placement.Strategy, error) {
	t.Helper()
	return native.Types(l)[0].Strategy(config)
}

func choose(t *testing.T, config map[string]any, l native.Limits) string {
	t.Helper()
	s, err := strategy(t, config, l)
	if err != nil {
		t.Fatalf("%v: %v", config, err)
	}
	d := &placement.Demand{
		Entity: hook.Ref{ID: "new", Application: "a1", Name: "shop", Type: "docker:nginx"}, Location: "cloud",
		Needs: map[string]any{"memory": int64(2 << 30)}, Sequence: 3,
	}
	c, err := placement.Choose(t.Context(), table().Snapshot("a1", "p"), d, []placement.Strategy{s})
	var words []string
	for _, h := range c.Hosts() {
		words = append(words, h.ID)
	}
	if err != nil && fault.KindOf(err) != fault.Capacity {
		return fault.KindOf(err).String() + ": " + err.Error()
	}
	for _, r := range c.Explain.Refusals() {
		words = append(words, r.String())
	}
	return strings.Join(words, "; ")
}

func TestExpression(t *testing.T) {
	for _, c := range []struct{ filter, score, want string }{
		{`containers < 2`, ``, "h2; h3; 1× FALSE (h1)"},
		{``, `-containers`, "h3; h2; h1"},
		{`cpu.used < 0.3`, ``, "h2; 1× cpu.used is not known of it (h3); 1× FALSE (h1)"},
		{`(cpu.used ?? 1) < 0.3`, ``, "h2; 2× FALSE (h1, h3)"},
		{`memory.free > demand.memory`, `memory.free / memory.total`, "h2; 1× FALSE (h1); 1× memory.free is not known of it (h3)"},
		{`label.zone == "a"`, ``, "h1; 1× FALSE (h2); 1× label.zone is not known of it (h3)"},
		{`label["docker.version"] startsWith "20."`, ``, "h1; 2× label.docker.version is not known of it (h2, h3)"},
		{`any(entities, .type == "docker:redis")`, ``, "h1; 2× FALSE (h2, h3)"},
		{`none(entities, .type == entity.type)`, ``, "h3; 2× FALSE (h1, h2)"},
		{`all(entities, {.type == entity.type})`, ``, "h2; h3; 1× FALSE (h1)"},
		{`len(entities) == 0 or not all(entities, {.type == entity.type})`, ``, "h1; h3; 1× FALSE (h2)"},
		{`len(entities) == app.members and app.siblings <= 1`, ``, "h2; h3; 1× FALSE (h1)"},
		{`id in ["h1", "h3"] and up`, `id == "h3" ? 1 : 0`, "h3; h1; 1× FALSE (h2)"},
		{`sequence == 3`, `cpu.cores ?? 0`, "h1; h2; h3"},
		{`containers`, ``, "1× filter: expected true or false, got 0 (h3); 1× filter: expected true or false, got 1 (h2); 1× filter: expected true or false, got 2 (h1)"},
		{``, `id`, "1× score: expected a number, got h1 (h1); 1× score: expected a number, got h2 (h2); 1× score: expected a number, got h3 (h3)"},
		{``, `1 / containers`, "h2; h1; 1× the expression 1 / containers fails: +Inf is not a number that a value can hold (h3)"},
		{`demand.cpus > 1`, ``, "3× the expression demand.cpus fails: invalid reference: demand.cpus is not defined (h1, h2, h3)"},
	} {
		config := map[string]any{}
		if c.filter != "" {
			config["filter"] = c.filter
		}
		if c.score != "" {
			config["comparator"] = c.score
		}
		c.want = strings.ReplaceAll(c.want, "FALSE", "does not satisfy the filter "+c.filter)
		if got := choose(t, config, native.Limits{}); got != c.want {
			t.Errorf("%s, %s:\ngot  %s\nwant %s", c.filter, c.score, got, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	s, err := strategy(t, map[string]any{"filter": `cpu.used < 1 and label.zone == "a" and len(entities) < 2 and entity.name != "x"`, "score": "-containers"}, native.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Columns(), " "); got != "containers cpu.used entity.applications entity.ids entity.names entity.types label:zone" {
		t.Error(got)
	}
}

func TestRefusedExpressions(t *testing.T) {
	for _, c := range []struct {
		config   map[string]any
		at, want string
	}{
		{map[string]any{}, "", "expression needs a filter or a score"},
		{map[string]any{"filtre": "x"}, "", `expression has no config key "filtre"; did you mean "filter"?`},
		{map[string]any{"filter": "containres < 3"}, "filter", `filter: nothing is called "containres"; did you mean "containers"?`},
		{map[string]any{"filter": "weather == 1"}, "filter", `filter: nothing is called "weather"; expected one of address, app, containers, cpu, demand, entities, entity, id, label, latitude, longitude, memory, name, sequence, up`},
		{map[string]any{"score": "cpu.load"}, "score", `score: cpu has no "load"; expected one of cores, used, reserved`},
		{map[string]any{"predicate": "true"}, "filter", `predicate: "true" does not ask for anything of a host`},
		{map[string]any{"filter": "containers <"}, "filter", "filter: column 13: Unexpected end of expression to parse, looking for content since position 12"},
		{map[string]any{"filter": "containers) < 3"}, "filter", "filter: column 11: Unexpected character at position 10: ) closes nothing"},
		{map[string]any{"filter": "containers < 3} and ${id"}, "filter", "filter: column 15: Unexpected character at position 14: } closes nothing"},
	} {
		_, err := strategy(t, c.config, native.Limits{})
		var at *placement.At
		if errors.As(err, &at) != (c.at != "") || at != nil && at.Path != c.at {
			t.Errorf("%v: at %+v", c.config, at)
		}
		if err == nil || fault.KindOf(err) != fault.Invalid || err.Error() != c.want {
			t.Errorf("%v:\ngot  %v\nwant %s", c.config, err, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	endless := map[string]any{"filter": `len(filter(1..9000, len(filter(1..9000, # > containers)) > 0)) > 0`}
	if got := choose(t, endless, native.Limits{}); !strings.Contains(got, "limit: strategy expression: ") || !strings.Contains(got, "limit Iterations of 1000000 rounds exceeded") {
		t.Error(got)
	}
	l := native.Limits{Expression: expr.Limits{Iterations: 1 << 40}, Ranking: 20 * time.Millisecond}
	if got := choose(t, endless, l); got != "limit: strategy expression: the expressions take longer than the limit Ranking of 20ms for 3 hosts" {
		t.Error(got)
	}
}

// BenchmarkExpression10k judges 10,000 hosts.
func BenchmarkExpression10k(b *testing.B) {
	s, err := native.Types(native.Limits{})[0].Strategy(map[string]any{"filter": `cpu.used < 0.5 and (label.zone ?? "") == "a"`, "score": "-containers"})
	if err != nil {
		b.Fatal(err)
	}
	hosts := make([]location.Host, 10_000)
	for i := range hosts {
		hosts[i] = location.Host{ID: strconv.Itoa(i), Up: true, Labels: map[string]string{"zone": "a"}, Usage: &location.Usage{CPU: float64(i%10) / 10}}
	}
	table := placement.NewTable()
	table.SetHosts(hosts)
	d := &placement.Demand{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := placement.Choose(b.Context(), table.Snapshot("a", "p"), d, []placement.Strategy{s}); err != nil {
			b.Fatal(err)
		}
	}
}
