package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// raw asks one hook with the document that the scenario has, as the engine
// would hand it over.
func (p *play) raw(ctx context.Context, c *call) (answer, error) {
	a := answer{what: c.hook.String()}
	var err error
	switch c.hook {
	case hook.Describe:
		a.said = outcome(p.m.Description, nil)
	case hook.EntityInit:
		a.said, err = exchange(ctx, p, c, catalog.Entity, func(t *catalog.Type, d *hook.InitCall) (any, error) { return t.Init(ctx, d) })
	case hook.EntityEffector:
		a.said, err = exchange(ctx, p, c, catalog.Entity, func(t *catalog.Type, d *hook.EffectorCall) (any, error) { return t.Entity.Effector(ctx, d) })
	case hook.EntityContinue:
		a.said, err = exchange(ctx, p, c, catalog.Entity, func(t *catalog.Type, d *hook.EffectorCall) (any, error) { return t.Entity.Continue(ctx, d) })
	case hook.PolicyEvent:
		a.said, err = exchange(ctx, p, c, catalog.Policy, func(t *catalog.Type, d *hook.PolicyCall) (any, error) { return t.Policy.Event(ctx, d) })
	case hook.EnricherEvent:
		a.said, err = exchange(ctx, p, c, catalog.Enricher, func(t *catalog.Type, d *hook.PolicyCall) (any, error) { return t.Policy.Event(ctx, d) })
	case hook.StepPlan:
		a.said, err = exchange(ctx, p, c, catalog.Step, func(t *catalog.Type, d *hook.EffectorCall) (any, error) { return t.Step(ctx, d) })
	case hook.NetworkPlan:
		a.said, err = exchange(ctx, p, c, catalog.Network, func(t *catalog.Type, d *hook.NetworkCall) (any, error) { return t.Networks(ctx, d) })
	case hook.LocationPlan:
		a.said, err = exchange(ctx, p, c, catalog.Location, func(t *catalog.Type, d *hook.LocationCall) (any, error) { return t.Machines(ctx, d) })
	case hook.BlueprintParse:
		a.said, err = exchange(ctx, p, c, catalog.Format, func(t *catalog.Type, d *hook.ParseCall) (any, error) { return t.Format(ctx, d) })
	case hook.Migrate:
		a.said, err = exchange(ctx, p, c, "", func(t *catalog.Type, d *hook.MigrateCall) (any, error) {
			state, err := t.Migrate(ctx, d)
			return hook.Migrated{State: state}, err
		})
	default:
		err = at(c.pos, "%s has columns instead of a document: write a scenario with the keys strategy and hosts", c.hook)
	}
	return a, err
}

// exchange reads the document, finds the type that it is about and asks it.
func exchange[D any](_ context.Context, p *play, c *call, kind string, ask func(*catalog.Type, *D) (any, error)) (map[string]any, error) {
	if c.in == nil || c.in.Kind != yamlpos.Map {
		return nil, at(c.pos, "hook %s needs in, the document that it is given", c.hook)
	}
	document, _ := c.in.Any().(map[string]any)
	if _, set := document["now"]; !set && c.hook != hook.EntityInit && c.hook != hook.BlueprintParse && c.hook != hook.Migrate {
		document["now"] = p.now.Format(time.RFC3339Nano)
	}
	d := new(D)
	text, err := json.Marshal(document)
	if err != nil {
		return nil, at(c.in.Pos, "in: %s", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, misread(c, err)
	}
	t, err := p.subject(c, kind, document)
	if err != nil {
		return nil, err
	}
	if c.hook == hook.EntityInit && t.Init == nil {
		return nil, at(c.pos, "type %s does not declare init", t.Name)
	}
	effector, _ := document["effector"].(string)
	if op, isOp := document["op"].(string); isOp {
		effector = op
	}
	if token, _ := document["token"].(string); token != "" {
		effector = branchContinue + token
	} else if c.hook == hook.StepPlan {
		effector = ""
	}
	p.m.cover(t.Name, c.hook, rawBranch(t, document, effector))
	out, err := ask(t, d)
	return outcome(out, err), nil
}

// rawBranch says which part of a hook a document is about.
func rawBranch(t *catalog.Type, document map[string]any, branch string) string {
	if t.Kind != catalog.Policy && t.Kind != catalog.Enricher {
		return branch
	}
	if document["timer"] == true {
		return branchTimer
	}
	event, _ := document["event"].(map[string]any)
	for i, spec := range t.Events {
		change := event["change"] != nil && spec.Sensor+spec.SensorFrom == ""
		if change || event["sensor"] != nil && (event["sensor"] == spec.Sensor || spec.SensorFrom != "") {
			return eventBranch(spec, i)
		}
	}
	return ""
}

// subject finds the type that a document is about.
func (p *play) subject(c *call, kind string, document map[string]any) (*catalog.Type, error) {
	name, _ := document["type"].(string)
	pos := c.in.Pos
	if n := c.in.Get("type"); n != nil {
		pos = n.Pos
	}
	if name == "" {
		return nil, at(pos, "in: a document names a type")
	}
	of := []string{kind}
	if kind == "" {
		of = kinds
	}
	var err error
	for _, kind := range of {
		t, ferr := p.m.find(kind, name)
		if ferr == nil {
			return t, nil
		}
		if err == nil || fault.KindOf(err) != fault.NotFound {
			err = ferr
		}
	}
	return nil, at(pos, "%s", err)
}

// misread gives the error of a document's field the field's place.
func misread(c *call, err error) error {
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		n := c.in
		for part := range strings.SplitSeq(typed.Field, ".") {
			if next := n.Get(part); next != nil {
				n = next
			}
		}
		return at(n.Pos, "in: %s: expected %s, got %s", typed.Field, words[typed.Type.Kind()], kindOf(n))
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	name, unknown := strings.CutPrefix(text, "unknown field ")
	if !unknown {
		return at(c.in.Pos, "in: %s", text)
	}
	name = strings.Trim(name, `"`)
	pos := c.in.Pos
	if k := keyPos(c.in, name); k.Line > 0 {
		pos = k
	}
	return at(pos, "in: the document of %s has no field %q%s", c.hook, name, nearest.Hint(name, documentFields))
}

// words name the types of a document's fields.
var words = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Int64: "an integer", reflect.Map: "a map", reflect.Struct: "a map", reflect.Slice: "a list",
}

// keyPos finds the first key of a name in a value.
func keyPos(n *yamlpos.Node, name string) yamlpos.Pos {
	for _, e := range n.Entries {
		if e.Key == name {
			return e.KeyPos
		}
		if pos := keyPos(e.Value, name); pos.Line > 0 {
			return pos
		}
	}
	for _, item := range n.Items {
		if pos := keyPos(item, name); pos.Line > 0 {
			return pos
		}
	}
	return yamlpos.Pos{}
}

// documentFields are the fields of sdk/ABI.md, for hints.
var documentFields = []string{
	"type", "entity", "effector", "args", "location", "state", "token", "outputs", "now", "seed", "config", "related", "event", "timer",
	"op", "network", "address", "host", "hosts", "name", "demand", "machine", "file", "text", "from", "to",
	"id", "application", "planId", "sensors", "sensor", "value", "source", "change", "kind", "of", "step", "output",
}
