package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// AdjunctRequest is a policy or enricher to add to an entity that lives.
type AdjunctRequest struct {
	Kind   string         // catalog.Policy or Enricher, looked for first; "" is Policy
	Type   string         // a reference, NAME or NAME:VERSION
	ID     string         // wanted id; "" lets the engine choose
	Name   string         // for people; "" is that of the type
	Config map[string]any // as a blueprint writes it; "uniqueTag" lets it take the place of another one
	Warn   func(w *yamlpos.Error)
}

// AddAdjunct adds a policy or enricher to an entity, durably, and lets it run.
// One that cannot begin for its config is not added.
//
// Errors: Invalid with all that is wrong with type and config, Conflict for an
// id that is in use.
func (e *Engine) AddAdjunct(ctx context.Context, ent *entity.Entity, r AdjunctRequest) (adjunct.Info, error) {
	if r.Type == "" {
		return adjunct.Info{}, fault.New(fault.Invalid, "expected the type of a policy or enricher")
	}
	if strings.ContainsAny(r.ID, "/. \t\n") || len(r.ID) > 63 {
		return adjunct.Info{}, fault.New(fault.Invalid, "id %q: expected at most 63 characters without '/', '.' and blanks", r.ID)
	}
	kinds := []string{catalog.Policy, catalog.Enricher}
	if r.Kind == catalog.Enricher {
		slices.Reverse(kinds)
	}
	a := &blueprint.Adjunct{Name: r.Name, Config: entries(r.Config)}
	a.Type, a.Version = blueprint.SplitType(r.Type)
	p := e.planner(ctx, ent)
	p.policy(a, layer{}, &entity.New{Record: entity.Record{ID: ent.ID()}}, kinds...)
	p.checkReferences()
	if err := p.errs.Err(); err != nil {
		return adjunct.Info{}, unplaced(err)
	}
	rec := p.plan.policies[0]
	if r.ID != "" {
		rec.ID = r.ID
	}
	if err := e.policies.Add(ctx, ent, rec); err != nil {
		return adjunct.Info{}, fault.Wrap(err, "add "+rec.Name+" to", ent.Name())
	}
	p.plan.warnings = p.warnings.List()
	e.warn(Request{Warn: r.Warn}, &p.plan)
	return e.adjunct(ent, rec.ID)
}

func (e *Engine) adjunct(ent *entity.Entity, id string) (adjunct.Info, error) {
	for _, i := range e.Adjuncts(ent) {
		if i.ID == id {
			return i, nil
		}
	}
	return adjunct.Info{}, fault.New(fault.NotFound, "%s has no policy with the id %q", ent.Name(), id)
}

// SetAdjunctConfig gives a policy or enricher another value of a config key,
// durably; nil takes the value away. It goes on with that as after a restart of
// the server: with its state and timer. The new config is checked as a whole.
//
// Errors: NotFound for a key that its type does not have, Invalid.
func (e *Engine) SetAdjunctConfig(ctx context.Context, ent *entity.Entity, id, key string, value any) error {
	return e.policies.Reconfigure(ctx, string(ent.ID()), id, func(r *adjunct.Record) error {
		t, err := policing{e}.adjunctType(r)
		if err != nil {
			return err
		}
		name, err := e.adjunctKey(t, key)
		if err != nil {
			return err
		}
		config := maps.Clone(r.Config)
		if config == nil {
			config = map[string]any{}
		}
		if config[name] = value; value == nil {
			delete(config, name)
		}
		planned, err := e.replan(ctx, ent, r, config)
		if err != nil {
			return err
		}
		scopes := maps.Clone(r.Scopes)
		delete(scopes, name) // its text does not stand where that of the others does
		r.Config, r.Scopes = planned.Config, scopes
		if follows, is := t.Policy.(catalog.Rescheduler); is {
			r.WakeAt = sooner(r.WakeAt, follows, r.Config)
		}
		return nil
	})
}

// adjunctKey gives the full name of a config key of a type.
func (e *Engine) adjunctKey(t *catalog.Type, key string) (string, error) {
	d := e.declaration(t)
	if k := d.Key(key); k != nil {
		return k.Name, nil
	}
	if len(d.Config) == 0 {
		return key, nil
	}
	var names []string
	for i := range d.Config {
		names = append(append(names, d.Config[i].Name), d.Config[i].Flags...)
	}
	return "", fault.New(fault.NotFound, "Config '%s' not known: %s has no such key%s", key, t.Name, nearest.Hint(key, names))
}

// replan checks a policy with other config, as if a blueprint had it so.
func (e *Engine) replan(ctx context.Context, ent *entity.Entity, r *adjunct.Record, config map[string]any) (*adjunct.Record, error) {
	a := &blueprint.Adjunct{Name: r.Name, Config: entries(config)}
	a.Type, a.Version = blueprint.SplitType(r.Type)
	var at origin
	for _, scope := range r.Scopes {
		at = origin{root: scope.Root, bundle: e.bundleOf(scope)}
	}
	p := e.planner(ctx, ent)
	p.policy(a, layer{from: at}, &entity.New{Record: entity.Record{ID: ent.ID()}}, cmp.Or(r.Kind, catalog.Policy))
	p.checkReferences()
	if err := p.errs.Err(); err != nil {
		return nil, unplaced(err)
	}
	return p.plan.policies[0], nil
}

// sooner gives when a timer fires that follows config which has changed.
func sooner(was time.Time, follows catalog.Rescheduler, config map[string]any) time.Time {
	after, ok := follows.Rewake(config)
	next := time.Now().UTC().Add(after)
	switch {
	case !ok:
		return time.Time{}
	case !was.IsZero() && was.Before(next):
		return was
	}
	return next
}

// entries makes config of values that stand in no text.
func entries(config map[string]any) blueprint.Config {
	var out blueprint.Config
	for _, key := range slices.Sorted(maps.Keys(config)) {
		out = append(out, yamlpos.Entry{Key: key, Value: yamlpos.FromAny(config[key], yamlpos.Pos{})})
	}
	return out
}

// unplaced makes an error of problems that have no place in a text.
func unplaced(err error) error {
	var all *yamlpos.Errors
	if !errors.As(err, &all) {
		return err
	}
	return fault.New(fault.KindOf(err), "%s", err.Error())
}

// uniqueTag is the key, and the entry beside the type, that gives an adjunct a
// name of its own on its entity.
const uniqueTag = "uniqueTag"

// tagOf gives the unique tag that an adjunct's description says, "" for none.
func tagOf(found *part) string {
	for _, l := range found.layers {
		for _, list := range []blueprint.Config{l.spec.Config, l.spec.Extra} {
			for _, entry := range list {
				if (entry.Key == uniqueTag || entry.Key == "unique_tag") && entry.Value.Kind == yamlpos.Scalar {
					return entry.Value.Text
				}
			}
		}
	}
	return ""
}
