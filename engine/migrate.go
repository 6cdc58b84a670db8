package engine

import (
	"context"
	"encoding/json"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// bring makes the state of a policy or enricher one of the version of its type
// that is in charge. The state before is kept, for the way back.
func bring(ctx context.Context, t *catalog.Type, r *adjunct.Record) error {
	if r.Version == t.Version || t.Module == "" {
		return nil
	}
	if r.Version != "" && r.State != nil {
		state, err := migrated(ctx, t, r)
		if err != nil {
			return fault.New(fault.KindOf(err), "its state of version %s cannot be brought to version %s: %w", r.Version, t.Version, err)
		}
		r.Prior, r.State = &adjunct.Prior{Version: r.Version, State: r.State}, state
	}
	r.Version = t.Version
	return nil
}

// migrated gives the state in the version of t.
func migrated(ctx context.Context, t *catalog.Type, r *adjunct.Record) (json.RawMessage, error) {
	if r.Prior != nil && r.Prior.Version == t.Version { // it comes back to where it was
		return r.Prior.State, nil
	}
	if t.Migrate == nil {
		return r.State, nil
	}
	state, err := t.Migrate(ctx, &hook.MigrateCall{From: r.Version, To: t.Version, State: r.State})
	if fault.KindOf(err) == fault.NotFound {
		return r.State, nil
	}
	return state, err
}

// rehearse asks the modules of types whether they can go on with the states that
// other versions of these left. A module is a pure function, so that
// what it answers now it will answer then.
func (e *Engine) rehearse(ctx context.Context, after *catalog.Registry, concerned func(*catalog.Type) bool) error {
	for _, ent := range e.tree.All() {
		for _, info := range e.policies.Of(string(ent.ID())) {
			t, err := after.Get(info.Kind, info.Type)
			if err != nil || t.Module == "" || !concerned(t) {
				continue
			}
			r := info.Record
			if err := bring(ctx, t, &r); err != nil {
				return fault.New(fault.Precondition, "%s %s of %s: %w", info.Kind, info.Name, ent.Name(), err)
			}
		}
	}
	return nil
}
