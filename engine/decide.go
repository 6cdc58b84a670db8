package engine

import (
	"cmp"
	"context"
	"hash/fnv"
	"maps"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// deciding is what the engine is to the workflows.
type deciding struct{ *Engine }

// Decide asks the implementation of the entity's type what the effector does.
func (e deciding) Decide(ctx context.Context, r *workflow.Record) (*hook.Decision, error) {
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return nil, err
	}
	if r.Machines != nil {
		return e.decideMachines(ctx, ent, r)
	}
	var t *catalog.Type
	var given map[string]any
	if r.StepType == "" {
		if t, given, err = e.decider(ctx, ent, r); err != nil {
			return nil, err
		}
		t = e.began(t, r)
	}
	if r.Config == nil && r.StepType == "" {
		// Once for the whole run, so that all of its decisions see the same.
		if r.Config, err = e.configFor(ctx, ent, r.Effector); err != nil {
			return nil, err
		}
	}
	call := &hook.EffectorCall{
		Effector: r.Effector, Args: r.Args, State: r.State, Token: r.Token, Outputs: r.Outputs,
		Entity:   hook.Entity{Ref: ent.Ref(), Config: r.Config, Sensors: readings(ent)},
		Location: e.places.describe(ent),
		Now:      time.Now().UTC().Format(time.RFC3339Nano),
		Seed:     seed(string(r.ID)), Initializer: given,
	}
	if r.StepType != "" {
		call.Effector = r.StepType
		return e.decideStep(ctx, ent, r, call)
	}
	call.Type = t.Name
	if t.Hosts {
		if call.Hosts, err = e.places.networkHosts(ctx, ent); err != nil {
			return nil, err
		}
	}
	ask := asked{hook.EntityEffector, t, ent, givenCall(call)}
	decide := t.Entity.Effector
	if r.Token != "" {
		ask.hook, decide = hook.EntityContinue, t.Entity.Continue
	}
	d, err := decide(ctx, call)
	return e.able(&ask, d, err)
}

// began gives the version of a type that a run began with, if it is still
// there: another one of its module would not know the state and the steps.
func (e deciding) began(t *catalog.Type, r *workflow.Record) *catalog.Type {
	if t.Module == "" {
		return t
	}
	if r.TypeVersion == "" {
		r.TypeVersion = t.Version
	}
	if first := e.types.Load().OfKind(t.Kind, t.Name, r.TypeVersion); first != nil {
		return first
	}
	return t
}

// able refuses a decision with a step type that there is not, or of a module about
// what is not its own, before anything of it happens.
func (e deciding) able(a *asked, d *hook.Decision, err error) (*hook.Decision, error) {
	if err != nil {
		return nil, err
	}
	for _, s := range d.Steps {
		if _, ok := e.actions[s.Step]; !ok && s.Continue == "" {
			return nil, fault.New(fault.Invalid, "unknown step type %q%s", s.Step, nearest.Hint(s.Step, sortedKeys(e.actions)))
		}
	}
	return d, e.within(a, d)
}

// decider gives the type that decides what an effector does: the entity's, or
// that of the initializer which added the effector, with its config resolved.
func (e deciding) decider(ctx context.Context, ent *entity.Entity, r *workflow.Record) (*catalog.Type, map[string]any, error) {
	kind, name := catalog.Entity, ent.Type()
	index, added := ent.Declaration().Added[r.Effector]
	if added = added && !r.Overridden; added {
		kind, name = catalog.Initializer, ent.Initializers()[index].Type
	}
	t, err := e.types.Load().Get(kind, name)
	if err != nil {
		return nil, nil, err
	}
	if t.Entity == nil {
		return nil, nil, fault.New(fault.Invalid, "type %s cannot decide what effector %s does", t.Name, r.Effector)
	}
	if !added {
		return t, nil, nil
	}
	config, err := partConfig(ctx, ent, t, ent.Initializers()[index].Config, ent.Initializers()[index].Scopes)
	return t, config, fault.Wrap(err, "effector "+r.Effector+" of", ent.Name())
}

// partConfig resolves the config of an initializer or adjunct of an entity, and
// brings it to the types that its keys declare.
func partConfig(ctx context.Context, ent *entity.Entity, t *catalog.Type, written map[string]any, scopes map[string]entity.Scope) (map[string]any, error) {
	config := map[string]any{}
	if t.Flow != nil {
		return config, nil // it is a workflow
	}
	for i := range t.Config {
		k := &t.Config[i]
		raw, set := written[k.Name]
		if !set {
			raw = k.Default
		}
		v := raw
		if k.Type != rawType {
			var err error
			if v, err = ent.EvaluateIn(ctx, raw, scopes[k.Name]); err != nil {
				return nil, fault.Wrap(err, "resolve config", k.Name)
			}
		}
		if v == nil {
			continue
		}
		v = entity.Document(v)
		if k.Type != rawType && k.Type != catalog.Workflow && isLiteral(v) {
			fits, err := coerce.To(cmp.Or(k.Type, "any"), v)
			if err != nil {
				return nil, fault.New(fault.Invalid, "Invalid value for %s: %w", k.Name, err)
			}
			v = fits
		}
		config[k.Name] = v
	}
	return config, nil
}

// configFor resolves the config that a decision is given. What starts an
// entity waits for it, and holds it to its constraints; anything else, a stop above all, must not hang on a
// value that will never come, and goes without.
func (e deciding) configFor(ctx context.Context, ent *entity.Entity, effector string) (map[string]any, error) {
	if effector == "start" || effector == "restart" {
		config, err := ent.DeclaredConfig(ctx)
		if err == nil {
			err = checkStart(ctx, ent, config)
		}
		return config, err
	}
	return ent.ReadyConfig(ctx), nil
}

func readings(ent *entity.Entity) map[string]any {
	all := ent.Sensors()
	out := make(map[string]any, len(all))
	for name, r := range all {
		out[name] = r.Value
	}
	return out
}

// seed gives decisions a source of chance that is the same when they are
// repeated.
func seed(id string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return int64(h.Sum64() >> 1)
}

// Publish sets the sensors that a decision names.
func (e deciding) Publish(r *workflow.Record, sensors map[string]any) error {
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return err
	}
	return e.publish(ent, sensors)
}

// Act runs one step.
func (e deciding) Act(ctx context.Context, r *workflow.Record, step hook.Step) (any, error) {
	a, ok := e.actions[step.Step]
	if !ok {
		return nil, fault.New(fault.Invalid, "unknown step type %q%s", step.Step, nearest.Hint(step.Step, sortedKeys(e.actions)))
	}
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return nil, err
	}
	t := task.From(ctx)
	input := maps.Clone(step.Input)
	if input == nil {
		input = map[string]any{}
	}
	for _, key := range step.Resolve {
		v, err := ent.Evaluate(ctx, input[key])
		if err != nil {
			return nil, err
		}
		input[key] = entity.Document(v)
	}
	if step.Step == "ssh" {
		if err := e.login(ctx, ent, input); err != nil {
			return nil, err
		}
	}
	call := &action.Call{
		Entity: ent.Ref(), Input: input, Lease: e.places.lease(r.Entity), Workflow: string(r.ID), Step: r.Next,
		Out: t.Stream("stdout"), Err: t.Stream("stderr"), Block: t.Block,
		Hold: func(ctx context.Context, resource string) error { return e.places.hold(ctx, r.Entity, resource) },
	}
	call.World = &world{e.Engine, call, ent}
	return a.Run(ctx, call)
}

// login fills in what the step ssh is not told: each of its keys from config
// "ssh.KEY" of the entity, the address of its machine from sensor host.address.
func (e deciding) login(ctx context.Context, ent *entity.Entity, input map[string]any) error {
	for _, key := range []string{"address", "user", "port", "password", "privateKeyData", "privateKeyFile", "privateKeyPassphrase", "knownHostsFile"} {
		if input[key] != nil {
			continue
		}
		v, err := ent.Config(ctx, "ssh."+key)
		if err != nil {
			return err
		}
		if v != nil {
			input[key] = entity.Document(v)
		}
	}
	if input["address"] == nil && input["endpoint"] == nil {
		if v, ok := ent.Sensor("host.address"); ok {
			input["address"] = v
		}
	}
	return nil
}
