package predicate

import (
	"errors"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// check compiles one key that checks the value; nil when it is none.
func (c *compiler) check(e yamlpos.Entry, depth int) test {
	switch e.Key {
	case "equals":
		return equals(c.operand(e.Value), false)
	case "regex", "glob":
		return c.pattern(e)
	case "less-than":
		return ordered(c.operand(e.Value), func(cmp int) bool { return cmp < 0 })
	case "less-than-or-equal-to":
		return ordered(c.operand(e.Value), func(cmp int) bool { return cmp <= 0 })
	case "greater-than":
		return ordered(c.operand(e.Value), func(cmp int) bool { return cmp > 0 })
	case "greater-than-or-equal-to":
		return ordered(c.operand(e.Value), func(cmp int) bool { return cmp >= 0 })
	case "in-range":
		return c.inRange(e)
	case "when":
		return c.when(e)
	case "java-instance-of":
		return instanceOf(c.word(e))
	case "any", "all":
		return c.several(e, depth)
	}
	return c.nested(e, depth)
}

// nested compiles the checks that hold one predicate.
func (c *compiler) nested(e yamlpos.Entry, depth int) test {
	var wrap func(inner test) test
	switch e.Key {
	case "not":
		wrap = func(inner test) test {
			return func(r *run, v any) (bool, error) {
				ok, err := inner(r, v)
				return err == nil && !ok, err
			}
		}
	case "check":
		wrap = func(inner test) test { return inner }
	case "assert":
		wrap = asserting
	case "size":
		wrap = sized
	case "has-element":
		wrap = hasElement
	case "tag":
		wrap = tagged
	case "error-cause":
		wrap = caused
	default:
		return nil
	}
	return wrap(c.predicate(e.Value, depth+1))
}

func asserting(inner test) test {
	return func(r *run, v any) (bool, error) {
		ok, err := inner(r, v)
		if err == nil && !ok {
			err = fault.New(fault.Precondition, "Assertion in DSL predicate failed")
		}
		return ok, err
	}
}

func sized(inner test) test {
	return func(r *run, v any) (bool, error) {
		switch v := v.(type) {
		case []any:
			return inner(r, int64(len(v)))
		case map[string]any:
			return inner(r, int64(len(v)))
		case string:
			return inner(r, int64(len([]rune(v))))
		}
		return inner(r, Missing{})
	}
}

func hasElement(inner test) test {
	return func(r *run, v any) (bool, error) {
		switch v := v.(type) {
		case []any:
			return anyOf(r, v, inner)
		case map[string]any:
			return anyOf(r, values(v), inner)
		}
		return false, nil
	}
}

func tagged(inner test) test {
	return func(r *run, v any) (bool, error) {
		if e := r.entity(v); e != nil {
			return anyOf(r, e.Tags(), inner)
		}
		return false, nil
	}
}

// caused holds when the inner predicate holds for an error or for one that it
// wraps.
func caused(inner test) test {
	return func(r *run, v any) (bool, error) {
		fail, ok := v.(error)
		if !ok {
			return false, nil
		}
		var chain []any
		for ; fail != nil; fail = errors.Unwrap(fail) {
			chain = append(chain, fail)
		}
		return anyOf(r, chain, inner)
	}
}

// several compiles any and all.
func (c *compiler) several(e yamlpos.Entry, depth int) test {
	if e.Value.Kind != yamlpos.List || len(e.Value.Items) == 0 {
		c.errs.Add(e.Value.Pos, "%s: expected a list of predicates", e.Key)
		return never
	}
	list := make([]test, len(e.Value.Items))
	for i, item := range e.Value.Items {
		list[i] = c.predicate(item, depth+1)
	}
	enough := e.Key == "any" // the result that ends it
	return func(r *run, v any) (bool, error) {
		for _, t := range list {
			if ok, err := t(r, v); err != nil || ok == enough {
				return err == nil && ok, err
			}
		}
		return !enough, nil
	}
}

func (c *compiler) inRange(e yamlpos.Entry) test {
	if e.Value.Kind != yamlpos.List || len(e.Value.Items) != 2 {
		c.errs.Add(e.Value.Pos, "in-range: expected a list of two values, the lowest and the highest")
		return never
	}
	low := ordered(c.operand(e.Value.Items[0]), func(cmp int) bool { return cmp >= 0 })
	high := ordered(c.operand(e.Value.Items[1]), func(cmp int) bool { return cmp <= 0 })
	return func(r *run, v any) (bool, error) {
		if ok, err := low(r, v); !ok || err != nil {
			return false, err
		}
		return high(r, v)
	}
}

// presence are the values of when.
var presence = []string{"absent", "absent_or_null", "present", "present_non_null", "truthy", "falsy", "always", "never"}

func (c *compiler) when(e yamlpos.Entry) test {
	c.absence = true
	switch word := strings.ReplaceAll(strings.ToLower(e.Value.Text), "-", "_"); word {
	case "absent":
		return func(_ *run, v any) (bool, error) { return v == Missing{}, nil }
	case "absent_or_null":
		return func(_ *run, v any) (bool, error) { return v == Missing{} || v == nil, nil }
	case "present":
		return func(_ *run, v any) (bool, error) { return v != Missing{}, nil }
	case "present_non_null":
		return presentNonNull
	case "truthy":
		return func(_ *run, v any) (bool, error) { return truthy(v), nil }
	case "falsy":
		return func(_ *run, v any) (bool, error) { return !truthy(v), nil }
	case "always":
		return func(*run, any) (bool, error) { return true, nil }
	case "never":
		return never
	default:
		hint := nearest.Hint(word, presence)
		if hint == "" {
			hint = "; expected one of " + strings.Join(presence, ", ")
		}
		c.errs.Add(e.Value.Pos, "when: unknown word %q%s", e.Value.Text, hint)
		return never
	}
}

func presentNonNull(_ *run, v any) (bool, error) { return v != Missing{} && v != nil, nil }

// truthy tells whether a value counts as true; one that is missing does not.
func truthy(v any) bool { return v != any(Missing{}) && coerce.Truthy(v) }

// instanceOf compares with the type of an entity, or the kind of a plain
// value by any of the names that Brooklyn knows it by.
func instanceOf(o *operand) test {
	return func(r *run, v any) (bool, error) {
		want, err := o.value(r)
		if err != nil {
			return false, err
		}
		typ := coerce.Text(want)
		if e := r.entity(v); e != nil {
			return e.InstanceOf(typ), nil
		}
		if typed, ok := v.(interface{ InstanceOf(typ string) bool }); ok {
			return typed.InstanceOf(typ), nil
		}
		return isKind(v, typ[strings.LastIndexByte(typ, '.')+1:]), nil
	}
}

func isKind(v any, name string) bool {
	var names string
	switch v.(type) {
	case string:
		names = " String CharSequence string "
	case bool:
		names = " Boolean boolean "
	case int64:
		names = " Integer Long Number integer long number "
	case float64:
		names = " Double Float Number double float number "
	case []any:
		names = " List Collection Iterable list "
	case map[string]any:
		names = " Map map "
	case error:
		names = " Throwable Exception error "
	default:
		return false
	}
	return strings.Contains(names, " "+name+" ") || name == "Object"
}
