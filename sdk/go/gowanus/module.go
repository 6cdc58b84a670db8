package gowanus

import (
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// Module is everything that a program offers.
type Module struct {
	Name         string
	Version      string
	Types        []Type
	Capabilities []Capability
}

var registered Module

// Register makes m the module that the program answers for. It always gives
// true, so that it can stand in the declaration of a variable.
func Register(m Module) bool {
	registered = m
	return true
}

// Registered gives the module that the program answers for.
func Registered() *Module { return &registered }

// Call answers one hook of the registered module, as the engine would ask it.
// in is the hook's document; the answer is valid until the next Call.
func Call(hook Hook, in []byte) []byte { return registered.Call(hook, in) }

// Call answers one hook. A failure, a panic of a handler included, is an error
// document, never a panic. The answer is valid until the next Call; Call must
// not be entered twice at the same time.
func (m *Module) Call(hook Hook, in []byte) (out []byte) {
	defer func() {
		if p := recover(); p != nil {
			out = errorAnswer(refuse("internal", "hook "+strconv.Itoa(int(hook))+" of module "+m.Name+" panicked: "+show(p)))
		}
	}()
	if hook == HookPlacementRank {
		return m.rank(in)
	}
	answer, err := m.dispatch(hook, in)
	if err != nil {
		return errorAnswer(err)
	}
	return encode(answer)
}

func (m *Module) dispatch(hook Hook, in []byte) (any, error) {
	switch hook {
	case HookDescribe:
		return m.describe()
	case HookEntityInit:
		return ask(m, in, "entity.init", func(c *InitCall) string { return c.Type }, func(t *Type) func(*InitCall) (Init, error) { return t.InitEntity })
	case HookEntityEffector, HookEntityContinue, HookStepPlan:
		return m.effector(hook, in)
	case HookPolicyEvent:
		return ask(m, in, "policy.event", policyType, func(t *Type) func(*PolicyCall) (Decision, error) { return t.PolicyEvent })
	case HookEnricherEvent:
		return ask(m, in, "enricher.event", policyType, func(t *Type) func(*PolicyCall) (Decision, error) { return t.EnricherEvent })
	case HookNetworkPlan:
		return ask(m, in, "network.plan", func(c *NetworkCall) string { return c.Type }, func(t *Type) func(*NetworkCall) (Decision, error) { return t.Network })
	case HookLocationPlan:
		return ask(m, in, "location.plan", func(c *LocationCall) string { return c.Type }, func(t *Type) func(*LocationCall) (Decision, error) { return t.Location })
	case HookBlueprintParse:
		return ask(m, in, "blueprint.parse", func(c *ParseCall) string { return c.Type }, func(t *Type) func(*ParseCall) (Parsed, error) { return t.Parse })
	case HookMigrate:
		return m.migrate(in)
	}
	return nil, refuse("not-found", "module "+m.Name+" does not know hook "+strconv.Itoa(int(hook)))
}

func policyType(c *PolicyCall) string { return c.Type }

// ask decodes the document of a hook, finds the handler of its type and calls
// that.
func ask[C, A any](m *Module, in []byte, hook string, typ func(*C) string, handler func(*Type) func(*C) (A, error)) (any, error) {
	var c C
	if err := wire.Unmarshal(in, &c); err != nil {
		return nil, refuse("invalid", "decode "+hook+": "+err.Error())
	}
	t, err := m.typ(typ(&c))
	if err != nil {
		return nil, err
	}
	handle := handler(t)
	if handle == nil {
		return nil, refuse("not-found", "type "+t.Name+" does not answer "+hook)
	}
	return settle(handle(&c))
}

func (m *Module) migrate(in []byte) (any, error) {
	return ask(m, in, "migrate", func(c *MigrateCall) string { return c.Type }, func(t *Type) func(*MigrateCall) (migrated, error) {
		if t.Migrate == nil {
			return nil
		}
		return func(c *MigrateCall) (migrated, error) {
			state, err := t.Migrate(c)
			return migrated{state}, err
		}
	})
}

func (m *Module) describe() (any, error) {
	seen := map[string]bool{}
	for _, t := range m.Types {
		if t.Name == "" || seen[t.Name] {
			return nil, refuse("invalid", "module "+m.Name+": each type needs a name of its own, "+strconv.Quote(t.Name)+" has not")
		}
		seen[t.Name] = true
	}
	for i := range m.Types {
		m.Types[i].Init = m.Types[i].InitEntity != nil
	}
	d := Description{Name: m.Name, Version: m.Version, ABI: [2]int{ABIVersion, ABIVersion}, Types: m.Types, Capabilities: m.Capabilities}
	if d.Types == nil {
		d.Types = []Type{}
	}
	if d.Capabilities == nil {
		d.Capabilities = []Capability{}
	}
	return d, nil
}

func (m *Module) effector(hook Hook, in []byte) (any, error) {
	var c EffectorCall
	if err := wire.Unmarshal(in, &c); err != nil {
		return nil, refuse("invalid", "decode effector call: "+err.Error())
	}
	t, err := m.typ(c.Type)
	if err != nil {
		return nil, err
	}
	handler := t.Effector
	if hook == HookEntityContinue && t.Continue != nil {
		handler = t.Continue
	}
	if hook == HookStepPlan {
		if t.Plan == nil {
			return nil, refuse("invalid", "type "+t.Name+" is no step")
		}
		handler = t.Plan
	}
	if handler == nil {
		return nil, refuse("invalid", "type "+t.Name+" has no effectors")
	}
	return settle(handler(&c))
}

// settle keeps a typed nil *Error, which handlers may return, from looking
// like a failure.
func settle[A any](answer A, err error) (any, error) {
	if e, typed := err.(*Error); err == nil || typed && e == nil {
		return &answer, nil
	}
	return nil, err
}

// typ finds a type by name, alias, or the longest prefix that fits.
func (m *Module) typ(name string) (*Type, error) {
	var best *Type
	for i := range m.Types {
		t := &m.Types[i]
		if t.Name == name {
			return t, nil
		}
		for _, alias := range t.Aliases {
			if alias == name {
				return t, nil
			}
		}
		if t.Prefix != "" && strings.HasPrefix(name, t.Prefix) && (best == nil || len(t.Prefix) > len(best.Prefix)) {
			best = t
		}
	}
	if best == nil {
		return nil, refuse("not-found", "module "+m.Name+" has no type "+strconv.Quote(name))
	}
	return best, nil
}

var answer []byte // reused, so that an instance's memory stays small

func encode(v any) []byte {
	out, err := wire.Append(answer[:0], v)
	if err != nil {
		return errorAnswer(refuse("internal", "encode answer: "+err.Error()))
	}
	answer = out
	return out
}

func errorAnswer(err error) []byte {
	e := refuse("internal", err.Error())
	if typed := find(err); typed != nil {
		e.Kind, e.At = typed.Kind, typed.At
	}
	return encode(Decision{Error: e})
}
