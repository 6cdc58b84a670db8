package scenario

import (
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// callFields are the keys that a call may have in a scenario of its kind.
func (r *reader) callFields(s *Scenario, c *call) fields {
	f := fields{"expect": func(n *yamlpos.Node) {
		c.expect = n
		r.expectation(s, n)
	}}
	if s.kind == "" {
		f["hook"] = func(n *yamlpos.Node) { c.hook = r.hook(n) }
		f["in"] = func(n *yamlpos.Node) { c.in = n }
		return f
	}
	maps.Copy(f, fields{
		"after":    func(n *yamlpos.Node) { c.after = r.duration(n, "after") },
		"sensors":  func(n *yamlpos.Node) { c.sensors = r.mapping(n, "sensors") },
		"migrate":  func(n *yamlpos.Node) { c.migrate = r.migration(n) },
		"entities": func(n *yamlpos.Node) { c.entities = r.beings(n, "entities") },
	})
	switch s.kind {
	case catalog.Entity:
		f["effector"] = func(n *yamlpos.Node) { c.effector = r.text(n, "effector") }
		f["init"] = func(n *yamlpos.Node) { r.oneOf(n, "init", "true") }
		fallthrough
	case catalog.Step:
		f["args"] = func(n *yamlpos.Node) { c.args = r.mapping(n, "args") }
		f["continue"] = func(n *yamlpos.Node) { c.goOn, c.outputs = true, n }
	case catalog.Policy, catalog.Enricher:
		f["event"] = func(n *yamlpos.Node) { c.event = r.event(n) }
	case catalog.Strategy:
		f["demand"] = func(n *yamlpos.Node) { c.demand = r.mapping(n, "demand") }
		f["hosts"] = func(n *yamlpos.Node) { c.hosts = n }
	case catalog.Format:
		f["text"] = func(n *yamlpos.Node) { c.text = r.anyText(n, "text") }
		f["file"] = func(n *yamlpos.Node) { c.file = r.text(n, "file") }
	case catalog.Location:
		f["op"] = func(n *yamlpos.Node) { c.op = r.oneOf(n, "op", locationOps...) }
		f["demand"] = func(n *yamlpos.Node) { c.demand = r.mapping(n, "demand") }
		f["machine"] = func(n *yamlpos.Node) { c.machine = r.mapping(n, "machine") }
		f["continue"] = func(n *yamlpos.Node) { c.goOn, c.outputs = true, n }
	case catalog.Network:
		f["op"] = func(n *yamlpos.Node) { c.op = r.oneOf(n, "op", networkOps...) }
		f["host"] = func(n *yamlpos.Node) { c.host = r.text(n, "host") }
		f["address"] = func(n *yamlpos.Node) { c.address = r.text(n, "address") }
		f["network"] = func(n *yamlpos.Node) { c.network = n }
		f["continue"] = func(n *yamlpos.Node) { c.goOn, c.outputs = true, n }
	}
	return f
}

// The operations of sdk/ABI.md.
var (
	locationOps = []string{"obtain", "release", "list"}
	networkOps  = []string{"create", "delete", "attach", "detach", "join-host", "leave-host", "policy"}
)

// asks gives the keys that say what a call asks, by the kind of its scenario.
var asks = map[string][]string{
	catalog.Entity:   {"effector", "continue", "init", "migrate"},
	catalog.Step:     {"args", "continue", "migrate"},
	catalog.Policy:   {"event", "migrate"},
	catalog.Enricher: {"event", "migrate"},
	catalog.Strategy: {"migrate"},
	catalog.Format:   {"text", "migrate"},
	catalog.Location: {"op", "continue", "migrate"},
	catalog.Network:  {"op", "continue", "migrate"},
}

// complete checks that a call asks one thing, or only lets time pass.
func (r *reader) complete(s *Scenario, c *call) {
	if s.kind == "" {
		if c.given != nil && !c.given["hook"] {
			r.errs.Add(c.pos, "a raw call needs a hook")
		}
		return
	}
	var found []string
	for _, key := range asks[s.kind] {
		if c.given[key] {
			found = append(found, key)
		}
	}
	changes := !c.only && (c.given["after"] || c.given["sensors"] || c.given["entities"])
	if s.kind == catalog.Step && len(found) == 0 && c.only {
		c.given["args"] = true // a step may go without
		return
	}
	switch {
	case len(found) > 1:
		r.errs.Add(c.pos, "a call asks one thing, this one has %s", strings.Join(found, " and "))
	case len(found) == 0 && s.kind != catalog.Strategy && c.only:
		r.errs.Add(c.pos, "%s scenario needs calls, or one of %s", article(s.kind), strings.Join(asks[s.kind], ", "))
	case len(found) == 0 && s.kind != catalog.Strategy && !changes:
		r.errs.Add(c.pos, "a call of %s scenario needs one of %s, or after, sensors or entities", article(s.kind), strings.Join(asks[s.kind], ", "))
	case c.given["args"] && s.kind == catalog.Entity && !c.given["effector"]:
		r.errs.Add(c.pos, "args need an effector")
	}
}

// asks tells whether the module is asked something, besides timers.
func (s *Scenario) asks(c *call) bool {
	if s.kind == "" || s.kind == catalog.Strategy {
		return true
	}
	return slices.ContainsFunc(asks[s.kind], func(key string) bool { return c.given[key] })
}

// hook reads the name of a hook.
func (r *reader) hook(n *yamlpos.Node) hook.ID {
	name := r.text(n, "hook")
	var names []string
	for id := hook.Describe; id.String() != "unknown"; id++ {
		if id.String() == name {
			return id
		}
		names = append(names, id.String())
	}
	if name != "" {
		hint := nearest.Hint(name, names)
		if hint == "" {
			hint = "; expected " + strings.Join(names, ", ")
		}
		r.errs.Add(n.Pos, "unknown hook %q%s", name, hint)
	}
	return -1
}

func (r *reader) event(n *yamlpos.Node) *event {
	e := &event{pos: n.Pos}
	given := r.fields(n, "an event", fields{
		"sensor": func(n *yamlpos.Node) { e.sensor = r.text(n, "sensor") },
		"value":  func(n *yamlpos.Node) { e.value = n.Any() },
		"source": func(n *yamlpos.Node) { e.source = r.text(n, "source") },
		"change": func(n *yamlpos.Node) { e.change = r.oneOf(n, "change", "joined", "left") },
		"of":     func(n *yamlpos.Node) { e.of = r.oneOf(n, "of", "members", "children") },
	})
	switch {
	case n.Kind != yamlpos.Map:
	case given["sensor"] == given["change"]:
		r.errs.Add(n.Pos, "an event has either a sensor, with its value, or a change")
	case given["of"] && !given["change"]:
		r.errs.Add(n.Pos, "of says what a change is of; an event of a sensor has a source")
	case given["change"] && !given["source"]:
		r.errs.Add(n.Pos, "a change needs the source, the id of who %s", e.change)
	case given["sensor"] && !given["value"]:
		r.errs.Add(n.Pos, "an event of a sensor needs its value")
	}
	return e
}

func (r *reader) migration(n *yamlpos.Node) *migration {
	m := &migration{}
	given := r.fields(n, "migrate", fields{
		"from":  func(n *yamlpos.Node) { m.from = r.text(n, "from") },
		"state": func(n *yamlpos.Node) { m.state, m.set = n.Any(), true },
	})
	if !given["from"] && n.Kind == yamlpos.Map {
		r.errs.Add(n.Pos, "migrate needs from, the version that handed the state back")
	}
	return m
}
