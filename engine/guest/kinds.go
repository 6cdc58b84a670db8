package guest

import (
	"context"
	"encoding/json"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Types gives the module's types, ready to be registered.
func (m *Module) Types() []*catalog.Type {
	types := make([]*catalog.Type, len(m.description.Types))
	for i := range m.description.Types {
		types[i] = m.implement(&m.description.Types[i])
	}
	return types
}

// implement makes the type of a description, with the hooks that its kind has.
func (m *Module) implement(d *hook.Type) *catalog.Type {
	t := &catalog.Type{Type: *d, Version: m.Version(), Module: m.Name()}
	t.Migrate = func(ctx context.Context, c *hook.MigrateCall) (json.RawMessage, error) {
		return m.migrate(ctx, d.Name, c)
	}
	switch d.Kind {
	case catalog.Entity:
		t.Entity = &Entity{module: m, declared: d}
		if d.Init {
			t.Init = func(ctx context.Context, c *hook.InitCall) (*hook.Init, error) { return m.init(ctx, d.Name, c) }
		}
	case catalog.Policy, catalog.Enricher:
		t.Policy = &Policy{module: m, declared: d}
	case catalog.Step:
		t.Step = func(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
			call := *c
			call.Type, call.Related = d.Name, m.mayRead(c.Related)
			var err error
			if call.Args, err = Args(d, c.Args); err != nil {
				return nil, err
			}
			return m.decide(ctx, hook.StepPlan, d.Name, c.Entity.ID, &call)
		}
	case catalog.Strategy:
		t.Strategy = func(config map[string]any) (placement.Strategy, error) { return newStrategy(m, d, config) }
	case catalog.Network:
		t.Networks = func(ctx context.Context, c *hook.NetworkCall) (*hook.Decision, error) { return m.network(ctx, d, c) }
		t.Instance = &catalog.Type{Type: networkType(d), Version: t.Version, Module: t.Module, Migrate: t.Migrate, Entity: &network{m, d}, Hosts: true}
	case catalog.Location:
		t.Machines = func(ctx context.Context, c *hook.LocationCall) (*hook.Decision, error) { return m.machines(ctx, d, c) }
	case catalog.Format:
		t.Format = func(ctx context.Context, c *hook.ParseCall) (*hook.Parsed, error) { return m.parse(ctx, d.Name, c) }
	}
	return t
}

func (m *Module) network(ctx context.Context, d *hook.Type, c *hook.NetworkCall) (*hook.Decision, error) {
	call := *c
	call.Type = d.Name
	var err error
	if call.Config, err = settle(d, c.Config); err != nil {
		return nil, err
	}
	if call.Hosts == nil {
		call.Hosts = []hook.NetworkHost{}
	}
	entity := ""
	if c.Entity != nil {
		entity = c.Entity.ID
	}
	return m.decide(ctx, hook.NetworkPlan, d.Name, entity, &call)
}

func (m *Module) machines(ctx context.Context, d *hook.Type, c *hook.LocationCall) (*hook.Decision, error) {
	call := *c
	call.Type = d.Name
	var err error
	if call.Config, err = settle(d, c.Config); err != nil {
		return nil, err
	}
	entity := ""
	if c.Entity != nil {
		entity = c.Entity.ID
	}
	return m.decide(ctx, hook.LocationPlan, d.Name, entity, &call)
}

// init asks what an entity starts from.
func (m *Module) init(ctx context.Context, typ string, c *hook.InitCall) (*hook.Init, error) {
	call := *c
	call.Type = typ
	out := new(hook.Init)
	err := m.document(ctx, hook.EntityInit, typ, &call, out, func() (*hook.Error, error) {
		coerce.Plain(out.Config)
		coerce.Plain(out.Sensors)
		coerce.Plain(out.Tags)
		for _, list := range [][]map[string]any{out.Children, out.Policies, out.Enrichers} {
			for _, item := range list {
				coerce.Plain(item)
			}
		}
		if len(out.Children) > m.limits.Steps {
			return nil, fault.New(fault.Limit, "answer with %d children, the limit Steps allows %d", len(out.Children), m.limits.Steps)
		}
		return out.Error, nil
	})
	if err == nil {
		err = m.mayStart(typ, out)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// mayStart refuses what would run steps that the module was not granted: what
// stands in blueprints is not held to its grants.
func (m *Module) mayStart(typ string, i *hook.Init) error {
	for _, w := range []struct {
		is         bool
		step, what string
	}{
		{len(i.Children) > 0, "add-entity", "children"},
		{len(i.Policies)+len(i.Enrichers) > 0, "add-policy", "policies or enrichers"},
		{expression(i.Config) || expression(i.Sensors) || expression(i.Tags), "add-entity", "an expression"},
	} {
		if missing := (hook.Capability{Kind: hook.CapStep, Value: w.step}); w.is && !m.May(missing.Kind, missing.Value) {
			return m.fail(m.Refuse(hook.EntityInit, typ, "", missing, w.what), hook.EntityInit, typ)
		}
	}
	return nil
}

func (m *Module) parse(ctx context.Context, typ string, c *hook.ParseCall) (*hook.Parsed, error) {
	call := *c
	call.Type = typ
	out := new(hook.Parsed)
	err := m.document(ctx, hook.BlueprintParse, typ, &call, out, func() (*hook.Error, error) {
		if out.Error == nil && (out.Blueprint == nil) == (len(out.Errors) == 0) {
			return nil, broken("expected either a blueprint or errors")
		}
		return out.Error, nil
	})
	missing := hook.Capability{Kind: hook.CapStep, Value: "deploy-application"}
	if err == nil && out.Blueprint != nil && !m.May(missing.Kind, missing.Value) {
		err = m.fail(m.Refuse(hook.BlueprintParse, typ, "", missing, "a blueprint"), hook.BlueprintParse, typ)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (m *Module) migrate(ctx context.Context, typ string, c *hook.MigrateCall) (json.RawMessage, error) {
	call := *c
	call.Type, call.To = typ, m.Version()
	out := new(hook.Migrated)
	err := m.document(ctx, hook.Migrate, typ, &call, out, func() (*hook.Error, error) {
		if len(out.State) > m.limits.StateBytes {
			return nil, fault.New(fault.Limit, "answer with %d bytes of state, the limit StateBytes allows %d", len(out.State), m.limits.StateBytes)
		}
		return out.Error, nil
	})
	return out.State, err
}

// document asks a hook whose answer is decoded into out. check looks at what
// came, and gives the error that the module answered with.
func (m *Module) document(ctx context.Context, id hook.ID, typ string, call, out any, check func() (*hook.Error, error)) error {
	in, _, err := m.cloak(call)
	if err != nil {
		return m.fail(fault.New(fault.Internal, "encode the call: %w", err), id, typ)
	}
	var refused *hook.Error
	err = m.call(ctx, id, typ, len(in), func(b []byte) { copy(b, in) }, func(answer []byte) (err error) {
		if len(answer) > m.limits.DecisionBytes {
			return fault.New(fault.Limit, "answer of %d bytes, the limit DecisionBytes allows %d", len(answer), m.limits.DecisionBytes)
		}
		if err := m.limits.strictly(answer, out); err != nil {
			return fault.New(unreadable(err, fault.Internal), "the answer cannot be read: %w", err)
		}
		refused, err = check()
		return err
	})
	if err == nil && refused != nil {
		err = m.refusal(refused)
	}
	return err
}

// Inquiry is the call during which a module asks its host for something.
type Inquiry struct {
	Module *Module
	Hook   hook.ID
	Type   string
	Entity string // id of the one that the call is about; "" when there is none
}

type inquiryKey struct{}

type typeKey struct{}

// SubjectOf gives the type that a call asks and the entity that it is about, or
// "".
func SubjectOf(ctx context.Context) (typ, entity string) {
	if i, ok := InquiryOf(ctx); ok {
		return i.Type, i.Entity
	}
	typ, _ = ctx.Value(typeKey{}).(string)
	return typ, ""
}

// InquiryOf gives the call that ctx belongs to, for operations of the host.
func InquiryOf(ctx context.Context) (Inquiry, bool) {
	i, ok := ctx.Value(inquiryKey{}).(Inquiry)
	return i, ok
}
