package expr

import (
	"math"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// entityFunctions are the functions that ask an entity.
func entityFunctions() []*function {
	all := []*function{
		{name: "component", min: 1, max: 2, ask: component, entity: true, check: checkScopeWord, refer: referComponent},
		{name: "entity", min: 1, max: 2, ask: component, entity: true, check: checkScopeWord, refer: referComponent},
		{name: "entityId", ask: entityID},
		{name: "getId", ask: entityID},
		{name: "getDisplayName", ask: func(_ *run, of Entity, _ []any) (any, error) { return of.EntityName(), nil }},
		{name: "config", min: 1, max: 1, ask: config, check: checkKey, refer: referTo(RefConfig)},
		{name: "attributeWhenReady", min: 1, max: 2, ask: attribute(false), check: checkWait, refer: referTo(RefSensor)},
		{name: "attributeWhenReadyAllowingOnFire", min: 1, max: 2, ask: attribute(true), check: checkWait, refer: referTo(RefSensor)},
		{name: "location", max: 1, ask: location},
		{name: "external", min: 2, max: 2, run: external, check: checkKey},
		{name: "sensor", min: 1, max: 2, pure: true, check: checkKey, run: sensor,
			ask: func(r *run, _ Entity, args []any) (any, error) { return sensor(r, args) }},
	}
	for _, how := range []Locator{Child, Sibling, Descendant, Member, Ancestor, Application} {
		all = append(all, &function{name: how.String(), min: 1, max: 1, entity: true, ask: find(how), check: checkKey, refer: referEntity(how)})
	}
	for _, how := range []Locator{Parent, Root, ScopeRoot, Self} {
		all = append(all, &function{name: how.String(), entity: true, ask: find(how), refer: referEntity(how)})
	}
	return all
}

func entityID(_ *run, of Entity, _ []any) (any, error) { return of.EntityID(), nil }

// name gives an argument that names something: text, a number, a sensor, or
// an entity for its id.
func name(what string, v any) (string, error) {
	switch v.(type) {
	case string, Sensor:
	default:
		_, isNumber := number(v)
		_, isEntity := entityOf(v)
		if !isNumber && !isEntity {
			return "", invalid("expected %s as text, not %s", what, kindOf(v))
		}
	}
	if text := scalarText(v); text != "" {
		return text, nil
	}
	return "", invalid("expected %s, not empty text", what)
}

func find(how Locator) func(r *run, of Entity, args []any) (any, error) {
	return func(r *run, of Entity, args []any) (any, error) { return locate(r, of, how, args) }
}

func locate(r *run, of Entity, how Locator, args []any) (any, error) {
	id := ""
	if len(args) > 0 {
		var err error
		if id, err = name("an entity", args[0]); err != nil {
			return nil, err
		}
	}
	if how == Self {
		return handleOf(of), nil
	}
	found, err := r.scope.Find(r.ctx, of, how, id)
	if err != nil {
		return nil, err
	}
	return handleOf(found), nil
}

func component(r *run, of Entity, args []any) (any, error) {
	how := Component
	if len(args) == 2 {
		word, err := name("a scope", args[0])
		if err != nil {
			return nil, err
		}
		if how, err = scopeWord(word); err != nil {
			return nil, err
		}
		if args = args[1:]; nameless(how) {
			args = nil
		}
	}
	return locate(r, of, how, args)
}

func nameless(how Locator) bool { return how >= Parent && how <= Self }

// scopeWord reads the first of two arguments of component.
func scopeWord(word string) (Locator, error) {
	plain := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(word))
	switch plain {
	case "global":
		return Component, nil
	case "this":
		return Self, nil
	}
	for how := Child; how < Application; how++ {
		if strings.ToLower(how.String()) == plain {
			return how, nil
		}
	}
	return 0, fault.New(fault.Invalid, "%s is not a valid scope; expected global, child, parent, sibling, descendant, member, ancestor, root, scopeRoot or this", word)
}

func config(r *run, of Entity, args []any) (any, error) {
	key, err := name("a config key", args[0])
	if err != nil {
		return nil, err
	}
	v, err := r.scope.Config(r.ctx, of, key)
	return inside(v), err
}

func attribute(allowOnFire bool) func(r *run, of Entity, args []any) (any, error) {
	return func(r *run, of Entity, args []any) (any, error) {
		sensor, err := name("a sensor", args[0])
		if err != nil {
			return nil, err
		}
		o := DefaultWait()
		if len(args) == 2 {
			if o, err = waitOptions(args[1]); err != nil {
				return nil, err
			}
		}
		if allowOnFire {
			o.AbortIfOnFire, o.TimeoutIfOnFire = false, nil
		}
		v, err := r.scope.AttributeWhenReady(r.ctx, of, sensor, o)
		return inside(v), err
	}
}

func location(r *run, of Entity, args []any) (any, error) {
	i := 0.0
	if len(args) > 0 {
		n, ok := number(args[0])
		if i = float(n); !ok || i < 0 || i != math.Trunc(i) || i > 1e6 {
			return nil, invalid("expected the number of a location, 0 for the first, not %s", scalarText(args[0]))
		}
	}
	v, err := r.scope.Location(r.ctx, of, int(i))
	return inside(v), err
}

func external(r *run, args []any) (any, error) {
	provider, err := name("a provider", args[0])
	if err != nil {
		return nil, err
	}
	key, err := name("a key", args[1])
	if err != nil {
		return nil, err
	}
	if r.scope == nil {
		return nil, invalid("external is asked of a server; here is none")
	}
	v, err := r.scope.External(r.ctx, provider, key)
	return inside(v), err
}

func sensor(_ *run, args []any) (any, error) {
	key, err := name("a sensor", args[len(args)-1])
	if err != nil || len(args) == 1 {
		return Sensor{Name: key}, err
	}
	class, err := name("a class", args[0])
	return Sensor{Name: key, Class: class}, err
}

func checkKey(args []arg) error {
	for i, a := range args {
		if !a.known {
			continue
		}
		if _, err := name("a name", a.v); err != nil {
			return &argError{i, err}
		}
	}
	return nil
}

func checkScopeWord(args []arg) error {
	if len(args) == 2 && args[0].known {
		word, err := name("a scope", args[0].v)
		if err == nil {
			_, err = scopeWord(word)
		}
		if err != nil {
			return &argError{0, err}
		}
	}
	return nil
}

func checkWait(args []arg) error {
	if err := checkKey(args[:1]); err != nil {
		return err
	}
	if len(args) == 2 && args[1].known {
		if _, err := waitOptions(args[1].v); err != nil {
			return &argError{1, err}
		}
	}
	return nil
}

func referTo(kind RefKind) func(args []arg) *Ref {
	return func(args []arg) *Ref {
		if !args[0].known {
			return nil
		}
		return &Ref{Kind: kind, Name: scalarText(args[0].v), Pos: args[0].pos}
	}
}

func referEntity(how Locator) func(args []arg) *Ref {
	return func(args []arg) *Ref {
		ref := &Ref{Kind: RefEntity, How: how}
		if len(args) > 0 {
			if !args[0].known {
				return nil
			}
			ref.Name, ref.Pos = scalarText(args[0].v), args[0].pos
		}
		return ref
	}
}

func referComponent(args []arg) *Ref {
	if len(args) == 1 {
		return referEntity(Component)(args)
	}
	if !args[0].known {
		return nil
	}
	how, err := scopeWord(scalarText(args[0].v))
	if err != nil {
		return nil
	}
	if args = args[1:]; nameless(how) {
		args = nil
	}
	return referEntity(how)(args)
}
