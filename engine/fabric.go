package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// addPerLocation lets a fabric have one member for each of its locations and
// starts those that are not up. The children that its blueprint has come
// first: with "initial" they are members and each takes a location, its own or
// the next; without, they run at the first one. For each location that is left
// there is a child from the spec in the config key "spec", with a name between
// "prefix" and "suffix" if these are given.
func (e *Engine) addPerLocation(ctx context.Context, c *action.Call) (any, error) {
	fabric, err := e.self(c)
	if err != nil {
		return nil, err
	}
	places := fabric.Locations()
	if len(places) == 0 {
		return nil, fault.New(fault.Invalid, "%s has no location; give it, or its application, one or more 'locations'", fabric.Name())
	}
	initial, _ := c.Input["initial"].(bool)
	taken, joined, err := e.settleInitial(ctx, fabric, places, initial)
	if err != nil {
		return nil, err
	}
	for i, at := range places {
		if taken[at] {
			continue
		}
		m, err := e.addAt(ctx, c, fabric, at, i)
		if err != nil {
			return nil, err
		}
		joined = append(joined, m)
	}
	fabric.ChangeMembers(nil, joined)
	var down []*entity.Entity
	for _, child := range fabric.Children() {
		if child.Declaration().Startable() && !child.Up() {
			down = append(down, child)
		}
	}
	_, err = e.startAll(ctx, c, down)
	return nil, err
}

// settleInitial gives the children that are there their locations; it tells
// which are taken, and who of the children becomes a member.
func (e *Engine) settleInitial(ctx context.Context, fabric *entity.Entity, places []string, initial bool) (taken map[string]bool, joined []*entity.Entity, err error) {
	taken = map[string]bool{}
	var homeless []*entity.Entity
	for _, child := range fabric.Children() {
		own, member := child.OwnLocations(), fabric.HasMember(child)
		switch {
		case !member && !child.Declaration().Startable():
		case len(own) == 0:
			homeless = append(homeless, child)
		case member || initial:
			taken[own[0]] = true
			joined = append(joined, child)
		}
	}
	for i, child := range homeless {
		at := places[0]
		if initial {
			at = places[i%len(places)]
			for _, p := range places { // one that nobody has, if there is any
				if !taken[p] {
					at = p
					break
				}
			}
			taken[at] = true
			joined = append(joined, child)
		}
		if err := child.SetLocations(ctx, []string{at}); err != nil {
			return nil, nil, err
		}
	}
	return taken, joined, nil
}

// addAt adds the member for a location, or finds the one that the step added
// before.
func (e *Engine) addAt(ctx context.Context, c *action.Call, fabric *entity.Entity, at string, i int) (*entity.Entity, error) {
	id := entity.ID(madeBy(c, i))
	if there, err := e.tree.Get(id); err == nil {
		return there, nil
	}
	key, err := required(c, "spec")
	if err != nil {
		return nil, err
	}
	o := offspring{id: id, locations: []string{at}}
	prefix, _ := c.Input["prefix"].(string)
	suffix, _ := c.Input["suffix"].(string)
	if prefix+suffix != "" {
		o.name = prefix + at + suffix
	}
	return e.addFrom(ctx, fabric, key, o)
}

// setLocationsStep gives an entity locations of its own, by their names.
func (e *Engine) setLocationsStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	list, _ := c.Input["locations"].([]any)
	names := texts(list)
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "named:")
		if err := e.places.known(names[i]); err != nil {
			return nil, err
		}
	}
	return nil, ent.SetLocations(ctx, names)
}
