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
			out = errorAnswer(refuse("internal", "hook "+strconv.Itoa(int(hook))+" of module "+m.Name+" "+panicked(p)))
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
		var c InitCall
		return m.ask(in, "entity.init", &c, &c.Type, func(t *Type) (any, error) {
			if t.InitEntity == nil {
				return nil, nil
			}
			answer, err := t.InitEntity(&c)
			return &answer, err
		})
	case HookEntityEffector, HookEntityContinue, HookStepPlan:
		var c EffectorCall
		return m.ask(in, "effector call", &c, &c.Type, func(t *Type) (any, error) {
			handler, err := t.effector(hook)
			if err != nil {
				return nil, err
			}
			answer, err := handler(&c)
			return &answer, err
		})
	case HookPolicyEvent:
		return m.event(in, "policy.event", func(t *Type) func(*PolicyCall) (Decision, error) { return t.PolicyEvent })
	case HookEnricherEvent:
		return m.event(in, "enricher.event", func(t *Type) func(*PolicyCall) (Decision, error) { return t.EnricherEvent })
	}
	return m.plan(hook, in)
}

// plan answers the hooks that few modules know.
func (m *Module) plan(hook Hook, in []byte) (any, error) {
	switch hook {
	case HookNetworkPlan:
		var c NetworkCall
		return m.ask(in, "network.plan", &c, &c.Type, func(t *Type) (any, error) {
			if t.Network == nil {
				return nil, nil
			}
			answer, err := t.Network(&c)
			return &answer, err
		})
	case HookLocationPlan:
		var c LocationCall
		return m.ask(in, "location.plan", &c, &c.Type, func(t *Type) (any, error) {
			if t.Location == nil {
				return nil, nil
			}
			answer, err := t.Location(&c)
			return &answer, err
		})
	case HookBlueprintParse:
		var c ParseCall
		return m.ask(in, "blueprint.parse", &c, &c.Type, func(t *Type) (any, error) {
			if t.Parse == nil {
				return nil, nil
			}
			answer, err := t.Parse(&c)
			return &answer, err
		})
	case HookMigrate:
		var c MigrateCall
		return m.ask(in, "migrate", &c, &c.Type, func(t *Type) (any, error) {
			if t.Migrate == nil {
				return nil, nil
			}
			state, err := t.Migrate(&c)
			return &migrated{state}, err
		})
	}
	return nil, refuse("not-found", "module "+m.Name+" does not know hook "+strconv.Itoa(int(hook)))
}

func (m *Module) event(in []byte, hook string, handler func(*Type) func(*PolicyCall) (Decision, error)) (any, error) {
	var c PolicyCall
	return m.ask(in, hook, &c, &c.Type, func(t *Type) (any, error) {
		handle := handler(t)
		if handle == nil {
			return nil, nil
		}
		answer, err := handle(&c)
		return &answer, err
	})
}

// ask decodes the document of a hook into call, finds the type, whose name
// then stands at name, and lets handle answer. No answer and no error is a
// hook that the type does not know.
func (m *Module) ask(in []byte, hook string, call any, name *string, handle func(*Type) (any, error)) (any, error) {
	if err := wire.Unmarshal(in, call); err != nil {
		return nil, refuse("invalid", "decode "+hook+": "+err.Error())
	}
	t, err := m.typ(*name)
	if err != nil {
		return nil, err
	}
	answer, err := handle(t)
	switch e, typed := err.(*Error); {
	case err != nil && !(typed && e == nil): // a nil *Error, which handlers may return, is no failure
		return nil, err
	case answer == nil:
		return nil, refuse("not-found", "type "+t.Name+" does not answer "+hook)
	}
	return answer, nil
}

func (m *Module) describe() (any, error) {
	seen := map[string]bool{}
	for _, t := range m.Types {
		if t.Name == "" || seen[t.Name] {
			return nil, refuse("invalid", "module "+m.Name+": each type needs a name of its own, "+wire.Quote(t.Name)+" has not")
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

// effector finds the handler of the hooks that have an EffectorCall.
func (t *Type) effector(hook Hook) (func(*EffectorCall) (Decision, error), error) {
	switch {
	case hook == HookStepPlan && t.Plan == nil:
		return nil, refuse("invalid", "type "+t.Name+" is no step")
	case hook == HookStepPlan:
		return t.Plan, nil
	case hook == HookEntityContinue && t.Continue != nil:
		return t.Continue, nil
	case t.Effector == nil:
		return nil, refuse("invalid", "type "+t.Name+" has no effectors")
	}
	return t.Effector, nil
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
		return nil, refuse("not-found", "module "+m.Name+" has no type "+wire.Quote(name))
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
