package transform

import (
	"maps"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// merge is the operator of that name: one map of several, or one list.
type merge struct {
	typ             string // map, list, set, or "" for what the values are
	deep, lax, wait bool
}

func readMerge(s *statement) operator {
	set := s.only("list", "set", "map", "deep", "lax", "wait")
	s.exclude(set, "map", "list", "set")
	m := &merge{deep: set["deep"], lax: set["lax"], wait: set["wait"]}
	for _, typ := range []string{"map", "list", "set"} {
		if set[typ] {
			m.typ = typ
		}
	}
	return m.run
}

func (m *merge) run(c *call, v any) (any, error) {
	values, ok := v.([]any)
	if !ok {
		return nil, invalid("it takes several values, not %s", kindOf(v))
	}
	typ := m.typ
	if typ == "" {
		var err error
		if typ, err = common(values); err != nil {
			return nil, err
		}
	}
	var out merged
	switch typ {
	case "map":
		out.table = map[string]any{}
	case "list", "set":
		out.list = []any{}
	}
	for i, item := range values {
		if err := m.add(c, &out, typ, item); err != nil {
			return nil, fault.New(fault.KindOf(err), "value %d: %w", i, err)
		}
	}
	switch {
	case out.table != nil:
		return out.table, nil
	case out.list == nil:
		return nil, nil
	case typ == "set":
		return coerce.To("set", out.list)
	}
	return out.list, nil
}

// common gives the type that values have together, "" when none has one. Text
// in brackets counts as what it would be read as.
func common(values []any) (string, error) {
	typ := ""
	for _, v := range values {
		one := ""
		switch v := v.(type) {
		case map[string]any:
			one = "map"
		case []any:
			one = "list"
		case string:
			one = map[bool]string{strings.HasPrefix(v, "{"): "map", strings.HasPrefix(v, "["): "list"}[true]
		}
		if one != "" && typ != "" && one != typ {
			return "", invalid("there are lists and maps")
		}
		if one != "" {
			typ = one
		}
	}
	return typ, nil
}

// merged is what was merged so far: a map or a list.
type merged struct {
	table map[string]any
	list  []any
}

// add merges one more value into out.
func (m *merge) add(c *call, out *merged, typ string, v any) error {
	v, err := m.typed(c, typ, v)
	if err != nil {
		if m.lax {
			return nil
		}
		return err
	}
	switch v := v.(type) {
	case map[string]any:
		switch {
		case out.list != nil:
			return invalid("it is a map, expected a list")
		case out.table == nil:
			out.table = map[string]any{}
		}
		if m.deep {
			out.table, err = deepMerge(out.table, v, c.lim, c.lim.Depth)
			return err
		}
		maps.Copy(out.table, v)
		return nil
	case []any:
		switch {
		case out.table != nil:
			return invalid("it is a list, expected a map")
		case m.deep && !m.lax:
			return invalid("deep applies to maps, and it is a list")
		}
		if out.list = append(out.list, v...); len(out.list) > c.lim.Items {
			return exceeded("Items", c.lim.Items, "items")
		}
		return nil
	}
	if m.lax {
		return nil
	}
	return invalid("it is %s, expected a list or a map; lax ignores it", kindOf(v))
}

// typed gives a value in the type that is merged.
func (m *merge) typed(c *call, typ string, v any) (any, error) {
	if m.wait {
		var err error
		if v, err = c.host.Wait(c, v); err != nil {
			return nil, err
		}
	}
	if text, isText := v.(string); isText && typ != "" && strings.TrimSpace(text) != "" {
		return c.host.Convert(c, typ, v)
	}
	return v, nil
}

// deepMerge gives a map with the entries of both; of two maps under a key their
// merger, else the value of the second.
func deepMerge(a, b map[string]any, l *Limits, depth int) (map[string]any, error) {
	if depth < 0 {
		return nil, exceeded("Depth", l.Depth, "lists and maps inside each other")
	}
	out := maps.Clone(a)
	for key, v := range b {
		first, isMap := out[key].(map[string]any)
		second, both := v.(map[string]any)
		if isMap && both {
			inner, err := deepMerge(first, second, l, depth-1)
			if err != nil {
				return nil, err
			}
			v = inner
		}
		out[key] = v
	}
	return out, nil
}
