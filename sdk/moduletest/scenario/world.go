package scenario

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// being is a simulated entity.
type being struct {
	pos  yamlpos.Pos
	bare bool // nothing but the id is known

	id, typ, name, planID, application, parent string

	config, sensors   map[string]any
	members, children []*being
}

func (b *being) ref() hook.Ref {
	return hook.Ref{ID: b.id, Application: b.application, PlanID: b.planID, Name: b.name, Type: b.typ}
}

// document is the entity as a value.
func (b *being) document() map[string]any {
	out := map[string]any{"$entity": b.id, "name": b.name, "application": b.application, "type": b.typ}
	if b.planID != "" {
		out["planId"] = b.planID
	}
	return out
}

// world has the entities of one run of a scenario.
type world struct {
	all   map[string]*being
	own   *being
	files map[string]string
}

// newWorld copies the entities of a scenario, and gives names to those without.
func newWorld(s *Scenario) (*world, error) {
	w := &world{all: map[string]*being{}, files: s.files}
	own := s.own
	if own == nil {
		own = &being{pos: s.Pos}
	}
	defaults := being{id: "x1", typ: defaultType}
	if s.subject != nil && s.kind == "entity" {
		defaults.typ = s.subject.typ
	}
	var errs yamlpos.Errors
	w.own = w.add(own, defaults, &errs)
	for _, other := range s.others {
		w.add(other, being{typ: defaultType}, &errs)
	}
	return w, errs.Err()
}

// add makes a copy of an entity and of those below it. One that is only an id
// stands for one that is there already, or will be.
func (w *world) add(b *being, defaults being, errs *yamlpos.Errors) *being {
	out := w.all[b.id]
	switch {
	case out != nil && b.bare:
		return out
	case out != nil && !out.bare:
		errs.Add(b.pos, "entity %q is already there at %s", b.id, out.pos)
		return out
	case out == nil:
		out = new(being)
	}
	*out = *b
	out.id = cmp.Or(out.id, defaults.id, w.nextID())
	out.typ = cmp.Or(out.typ, defaults.typ)
	out.name = cmp.Or(out.name, out.planID, out.id)
	out.application = cmp.Or(out.application, defaultApplication)
	out.parent = cmp.Or(out.parent, out.application)
	out.config, out.sensors = maps.Clone(b.config), maps.Clone(b.sensors)
	if out.sensors == nil {
		out.sensors = map[string]any{}
	}
	w.all[out.id] = out
	below := func(list []*being) (copies []*being) {
		for _, item := range list {
			copies = append(copies, w.add(item, being{typ: defaultType}, errs))
		}
		return copies
	}
	out.members, out.children = below(b.members), below(b.children)
	return out
}

// What simulated entities have that do not say.
const (
	defaultType        = "org.example.Entity"
	defaultApplication = "a1"
)

func (w *world) nextID() string {
	for i := 1; ; i++ {
		if id := "x" + strconv.Itoa(i); w.all[id] == nil {
			return id
		}
	}
}

// find gives an entity by its id.
func (w *world) find(id string, pos yamlpos.Pos) (*being, error) {
	if b := w.all[id]; b != nil {
		return b, nil
	}
	ids := slices.Sorted(maps.Keys(w.all))
	return nil, &yamlpos.Error{Pos: pos, Msg: "there is no entity " + quote(id) + " in this scenario, there are " + strings.Join(ids, ", ") + nearest.Hint(id, ids)}
}

// change brings new sensors and config to an entity; null takes a sensor away.
func (b *being) change(sensors, config map[string]any) {
	for name, v := range sensors {
		if v == nil {
			delete(b.sensors, name)
		} else {
			b.sensors[name] = v
		}
	}
	if len(config) > 0 && b.config == nil {
		b.config = map[string]any{}
	}
	maps.Copy(b.config, config)
}

// refer completes the entities that stand in a value as {$entity: ID}.
func (w *world) refer(v any, pos yamlpos.Pos) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if id, is := v["$entity"].(string); is && len(v) == 1 {
			b, err := w.find(id, pos)
			if err != nil {
				return nil, err
			}
			return b.document(), nil
		}
		out := make(map[string]any, len(v))
		for k, item := range v {
			var err error
			if out[k], err = w.refer(item, pos); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = w.refer(item, pos); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// of gives the entities that a RelatedSpec or EventSpec names.
func (w *world) of(of string, config map[string]any) []*being {
	switch of {
	case "":
		return []*being{w.own}
	case "members":
		return w.own.members
	case "children":
		return w.own.children
	}
	var out []*being
	for _, item := range listed(config[strings.TrimPrefix(of, fromConfig)]) {
		value, _ := item.(map[string]any)
		id, _ := value["$entity"].(string)
		if b := w.all[id]; b != nil {
			out = append(out, b)
		}
	}
	return out
}

// fromConfig begins what a config key holds, in the description of a type.
const fromConfig = "config:"

// listed gives the items of a list, or what is none as the only one.
func listed(v any) []any {
	if list, is := v.([]any); is {
		return list
	}
	return []any{v}
}

// namesOf puts what config keys hold in the place of their names.
func namesOf(list []string, config map[string]any) (out []string) {
	for _, name := range list {
		key, from := strings.CutPrefix(name, fromConfig)
		if !from {
			out = append(out, name)
			continue
		}
		for _, item := range listed(config[key]) {
			if text, is := item.(string); is && text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// related gives what a type reads of other entities. What the module may not
// read of it, its host leaves out.
func (w *world) related(specs []hook.RelatedSpec, config map[string]any) (out []hook.Related) {
	for _, spec := range specs {
		for _, b := range w.of(spec.Of, config) {
			r := hook.Related{Ref: b.ref(), Of: spec.Of, Sensors: map[string]any{}, Config: map[string]any{}}
			for _, name := range namesOf(spec.Sensors, config) {
				if v, ok := b.sensors[name]; ok {
					r.Sensors[name] = v
				}
			}
			for _, key := range namesOf(spec.Config, config) {
				if v, ok := b.config[key]; ok {
					r.Config[key] = v
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// serve answers the host operations of sdk/ABI.md.
func (w *world) serve(ctx context.Context, op int32, request []byte) ([]byte, error) {
	q, ok := guest.InquiryOf(ctx)
	if !ok {
		return nil, fault.New(fault.Forbidden, "host operations are not served during this hook")
	}
	var in struct{ Entity, Sensor, Key, Name string }
	if err := json.Unmarshal(request, &in); err != nil {
		return nil, fault.New(fault.Invalid, "the request cannot be read: %w", err)
	}
	switch op {
	case 1:
		return w.value(q, in.Entity, hook.Capability{Kind: hook.CapSensor, Value: in.Sensor}, func(b *being) any { return b.sensors[in.Sensor] })
	case 2:
		return w.value(q, in.Entity, hook.Capability{Kind: hook.CapConfig, Value: in.Key}, func(b *being) any { return b.config[in.Key] })
	case 3:
		text, found := w.files[in.Name]
		if !found {
			return nil, fault.New(fault.NotFound, "there is no file %q", in.Name)
		}
		return json.Marshal(map[string]string{"text": text})
	}
	return nil, fault.New(fault.NotFound, "there is no host operation %d", op)
}

func (w *world) value(q guest.Inquiry, id string, needs hook.Capability, read func(*being) any) ([]byte, error) {
	if !q.Module.May(needs.Kind, needs.Value) {
		return nil, q.Module.Refuse(q.Hook, q.Type, q.Entity, needs, "reading "+needs.Kind+" "+needs.Value+" of entity "+id)
	}
	b := w.all[id]
	if b == nil || b.application != w.own.application {
		return nil, fault.New(fault.NotFound, "there is no entity %q", id)
	}
	return json.Marshal(map[string]any{"value": read(b)})
}
