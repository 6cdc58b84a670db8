package guest

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Entity is an entity type of a module.
type Entity struct {
	module   *Module
	declared *hook.Type
}

// Effector asks what an effector does. An error that the module answers with
// has the kind and the text that it chose; a step without its capability is
// fault.Forbidden, a limit fault.Limit, and any other answer that cannot be
// used fault.Internal.
func (e *Entity) Effector(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return e.module.decide(ctx, hook.EntityEffector, e.declared.Name, c.Entity.ID, c)
}

// Continue asks how to go on after steps. Errors are those of Effector.
func (e *Entity) Continue(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return e.module.decide(ctx, hook.EntityContinue, e.declared.Name, c.Entity.ID, c)
}

// mayRead leaves out of related what the module has no capability for.
func (m *Module) mayRead(related []hook.Related) []hook.Related {
	out := make([]hook.Related, len(related))
	for i, r := range related {
		for _, part := range []struct {
			kind   string
			values *map[string]any
		}{{hook.CapSensor, &r.Sensors}, {hook.CapConfig, &r.Config}} {
			kept := map[string]any{}
			for name, v := range *part.values {
				if m.May(part.kind, name) {
					kept[name] = v
				}
			}
			*part.values = kept
		}
		out[i] = r
	}
	return out
}

// Policy is a policy or enricher type of a module.
type Policy struct {
	module   *Module
	declared *hook.Type
}

// Wake gives the time after which the policy is first given the timer, as its
// description says.
func (p *Policy) Wake(map[string]any) (after time.Duration, ok bool) {
	if p.declared.WakeAfter == "" {
		return 0, false
	}
	after, err := coerce.Duration(p.declared.WakeAfter)
	return after, err == nil
}

// Event gives an event or a timer to the policy. Its config is brought to the
// types that the policy declares. Errors are those of Entity.Effector, and
// fault.Invalid for config that does not fit.
func (p *Policy) Event(ctx context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	call := *c
	call.Type = p.declared.Name // whichever of its names was asked for
	var err error
	if call.Config, err = settle(p.declared, c.Config); err != nil {
		return nil, err
	}
	call.Related = p.module.mayRead(c.Related)
	if e := c.Event; e != nil && e.Change == "" && e.Source.ID != c.Entity.ID && !p.module.May(hook.CapSensor, e.Sensor) {
		missing := hook.Capability{Kind: hook.CapSensor, Value: e.Sensor}
		return nil, p.module.Refuse(hook.PolicyEvent, p.declared.Name, c.Entity.ID, missing, "hearing of sensor "+e.Sensor+" of other entities")
	}
	id := hook.PolicyEvent
	if p.declared.Kind == catalog.Enricher {
		id = hook.EnricherEvent
	}
	return p.module.decide(ctx, id, p.declared.Name, c.Entity.ID, &call)
}
