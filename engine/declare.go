package engine

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// declarations are shared by all entities that have the same, so that ten
// thousand entities of one type do not have ten thousand lists of keys.
type declarations struct {
	mu       sync.Mutex
	native   map[*catalog.Type]*entity.Declaration
	extended map[string]*entity.Declaration // by the native type and the keys that are added
}

// maxExtended is how many extended declarations are kept for sharing.
const maxExtended = 10_000

// declaration gives the one Declaration of a type implemented by code.
func (e *Engine) declaration(t *catalog.Type) *entity.Declaration {
	d := &e.declarations
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.native == nil {
		d.native, d.extended = map[*catalog.Type]*entity.Declaration{}, map[string]*entity.Declaration{}
	}
	out := d.native[t]
	if out == nil {
		out = &entity.Declaration{Type: t.Type, Version: t.Version, Aggregates: t.Application || t.Aggregates, OneHost: t.OneHost, Turns: t.Turns}
		d.native[t] = out
	}
	return out
}

// declare gives the declaration of an entity whose blueprint declares
// parameters on top of what its type declares.
func (e *Engine) declare(t *catalog.Type, parameters []hook.ConfigKey) *entity.Declaration {
	base := e.declaration(t)
	if len(parameters) == 0 {
		return base
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return extend(base, parameters)
	}
	name := t.Name + " " + t.Version + " " + string(text)
	d := &e.declarations
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.extended[name]
	if out == nil {
		if len(d.extended) >= maxExtended { // those in use stay with their entities
			clear(d.extended)
		}
		out = extend(base, parameters)
		d.extended[name] = out
	}
	return out
}

// extend adds the parameters that an entity's blueprint declares.
func extend(d *entity.Declaration, parameters []hook.ConfigKey) *entity.Declaration {
	out := *d
	out.Config = slices.DeleteFunc(slices.Clone(d.Config), func(k hook.ConfigKey) bool {
		return slices.ContainsFunc(parameters, func(p hook.ConfigKey) bool { return p.Name == k.Name })
	})
	out.Config = append(out.Config, parameters...)
	return &out
}

// adding adds what an initializer, by its index, contributes. An effector of a
// name that is there already takes its place.
func adding(d *entity.Declaration, c *catalog.Contribution, index int) *entity.Declaration {
	var sensors []hook.Sensor
	if c.Feed != nil {
		sensors = c.Feed.Sensors
	}
	for _, s := range c.Sensors {
		sensors = append(sensors, hook.Sensor{Name: s.Name, Type: s.Type})
	}
	if len(c.Effectors) == 0 && len(sensors) == 0 {
		return d
	}
	out := *d
	out.Sensors = slices.Concat(d.Sensors, sensors)
	out.Effectors = slices.Clone(d.Effectors)
	out.Added = make(map[string]int, len(d.Added)+len(c.Effectors))
	for name, i := range d.Added {
		out.Added[name] = i
	}
	for _, eff := range c.Effectors {
		out.Effectors = slices.DeleteFunc(out.Effectors, func(old hook.Effector) bool { return old.Name == eff.Name })
		out.Effectors = append(out.Effectors, eff)
		out.Added[eff.Name] = index
	}
	return &out
}

// declareStored gives the declaration of a stored entity. When its type is not
// registered any more, the entity is there but can do nothing.
func (e *Engine) declareStored(r entity.Record) *entity.Declaration {
	t, err := e.types.Load().Get(catalog.Entity, r.Type)
	if err != nil || t.Plan != nil {
		e.log.Error("entity's type is not registered", "entity", r.Name, "id", r.ID, "type", r.Type)
		return &entity.Declaration{Type: hook.Type{Name: r.Type, Kind: catalog.Entity}}
	}
	d := e.declare(t, r.Parameters)
	for index, i := range r.Initializers {
		t, err := e.types.Load().Get(catalog.Initializer, i.Type)
		var c *catalog.Contribution
		if err == nil {
			c, err = contribution(t, i)
		}
		if err != nil {
			e.log.Error("initializer adds nothing any more", "entity", r.Name, "id", r.ID, "initializer", i.Type, "err", err)
			continue
		}
		d = adding(d, c, index)
	}
	return d
}
