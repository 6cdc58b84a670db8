package predicate

import (
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// target is what is tested instead of the context value.
type target struct {
	of      func(Entity) []any // of a keyword
	each    bool               // any element of what of gives, not the list
	operand *operand           // otherwise
}

func (c *compiler) target(n *yamlpos.Node) *target {
	t := &target{each: !strings.HasSuffix(n.Text, "s") && n.Text != "children"}
	switch n.Text {
	case "child", "children":
		t.of = Entity.Children
	case "location", "locations":
		t.of = Entity.Locations
	case "tag", "tags":
		t.of = Entity.Tags
	default:
		t.operand, t.each = c.operand(n), false
	}
	return t
}

// value gives what is tested; each says that it is a list of which any
// element may match.
func (t *target) value(r *run, v any) (out any, each bool, err error) {
	if t.of == nil {
		out, err = t.operand.value(r)
		return out, false, err
	}
	e := r.entity(v)
	if e == nil {
		e = r.self()
	}
	if e == nil {
		return Missing{}, false, nil
	}
	return t.of(e), t.each, nil
}

// narrowing gives the part of a value that is tested. targeted says that the
// value was named by a target, so that nothing else can be meant.
type narrowing func(r *run, v any, targeted bool) (any, error)

func nothing(*run, any, bool) (any, error) { return Missing{}, nil }

// narrowing compiles one key that narrows the value; nil when it is none.
func (c *compiler) narrowing(e yamlpos.Entry, depth int) narrowing {
	switch e.Key {
	case "config":
		return ofEntity(c.word(e), func(r *run, of Entity, key string) (any, error) { return of.Config(r.ctx, key) })
	case "sensor":
		return ofEntity(c.word(e), func(_ *run, of Entity, name string) (any, error) { return of.Sensor(name), nil })
	case "key":
		return ofMap(c.word(e))
	case "index":
		return c.index(e)
	case "jsonpath":
		return c.jsonpath(e)
	case "filter":
		return filtered(c.predicate(e.Value, depth+1))
	case "error-field":
		return ofError(c.word(e))
	}
	return nil
}

func ofEntity(name *operand, get func(r *run, of Entity, name string) (any, error)) narrowing {
	return func(r *run, v any, targeted bool) (any, error) {
		e := r.entity(v)
		if e == nil && !targeted {
			e = r.self()
		}
		if e == nil {
			return Missing{}, nil
		}
		key, err := name.value(r)
		if err != nil {
			return nil, err
		}
		return get(r, e, coerce.Text(key))
	}
}

func ofMap(name *operand) narrowing {
	return func(r *run, v any, _ bool) (any, error) {
		m, ok := v.(map[string]any)
		if !ok {
			return Missing{}, nil
		}
		key, err := name.value(r)
		if err != nil {
			return nil, err
		}
		if item, ok := m[coerce.Text(key)]; ok {
			return item, nil
		}
		return Missing{}, nil
	}
}

// ofError gives a field of an error: its message, its kind, or one that the
// error itself knows.
func ofError(name *operand) narrowing {
	return func(r *run, v any, _ bool) (any, error) {
		fail, ok := v.(error)
		if !ok {
			return Missing{}, nil
		}
		field, err := name.value(r)
		if err != nil {
			return nil, err
		}
		if known, ok := fail.(interface{ Field(name string) (any, bool) }); ok {
			if v, ok := known.Field(coerce.Text(field)); ok {
				return v, nil
			}
		}
		switch field {
		case "message":
			return fail.Error(), nil
		case "kind":
			return fault.KindOf(fail).String(), nil
		}
		return Missing{}, nil
	}
}

func (c *compiler) index(e yamlpos.Entry) narrowing {
	o := c.operand(e.Value)
	if _, whole := o.raw.(int64); !whole && !o.dynamic {
		c.errs.Add(e.Value.Pos, "index: expected a whole number, negative to count from the end")
		return nothing
	}
	return func(r *run, v any, _ bool) (any, error) {
		raw, err := o.value(r)
		if err != nil {
			return nil, err
		}
		n, err := coerce.To("long", raw)
		if err != nil {
			return nil, err
		}
		at, _ := n.(int64)
		list, _ := v.([]any)
		return item(list, at), nil
	}
}

// item gives an item of a list, from the end for negative numbers.
func item(list []any, at int64) any {
	if at < 0 {
		at += int64(len(list))
	}
	if at < 0 || at >= int64(len(list)) {
		return Missing{}
	}
	return list[at]
}

func filtered(keep test) narrowing {
	return func(r *run, v any, _ bool) (any, error) {
		list, ok := v.([]any)
		if !ok {
			return Missing{}, nil
		}
		out := []any{}
		for _, item := range list {
			ok, err := keep(r, item)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, item)
			}
		}
		return out, nil
	}
}

// values gives what a map holds, in the order of its keys.
func values(m map[string]any) []any {
	out := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[key])
	}
	return out
}
