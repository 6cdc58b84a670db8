package transform

import (
	"maps"
	"slices"
	"strings"
)

// operators read the arguments of each operator. A read func gives nil after
// it reported a problem.
var operators = map[string]func(s *statement) operator{
	"trim":               bare(trim),
	"replace":            readReplace,
	"prepend":            readJoinOne(true),
	"append":             readJoinOne(false),
	"join":               readJoin,
	"split":              readSplit,
	"slice":              readSlice,
	"remove":             readRemove,
	"merge":              readMerge,
	"first":              bare(end(func(l []any) any { return l[0] })),
	"last":               bare(end(func(l []any) any { return l[len(l)-1] })),
	"min":                bare(extreme(-1)),
	"max":                bare(extreme(1)),
	"sum":                bare(sum),
	"average":            bare(average),
	"size":               bare(size),
	"to_string":          bare(toString),
	"to_upper_case":      bare(cased(strings.ToUpper)),
	"to_lower_case":      bare(cased(strings.ToLower)),
	"json":               readJSON,
	"yaml":               readYAML,
	"bash":               readBash,
	"type":               readType,
	"get":                readGet,
	"resolve_expression": bare(resolve),
	"wait":               bare(func(c *call, v any) (any, error) { return c.host.Wait(c, v) }),
	"set":                readSet,
	"return":             bare(func(c *call, v any) (any, error) { c.returned = true; return v, nil }),
}

var operatorNames = slices.Sorted(maps.Keys(operators))

// bare is an operator without arguments.
func bare(run operator) func(s *statement) operator {
	return func(s *statement) operator {
		if len(s.args) > 0 {
			return s.fail("does not accept args, not even %s", s.args[0].text)
		}
		return run
	}
}

// one gives the only argument of an operator.
func (s *statement) one(what string) (word, bool) {
	if len(s.args) != 1 {
		s.fail("takes one argument, %s, not %d", what, len(s.args))
		return word{}, false
	}
	return s.args[0], true
}

func readType(s *statement) operator {
	if len(s.args) == 0 {
		return s.fail("takes the name of a type")
	}
	args := s.args // of map<string, integer> there are two
	return func(c *call, v any) (any, error) {
		words := make([]string, len(args))
		for i := range args {
			var err error
			if words[i], err = c.text(args[i]); err != nil {
				return nil, err
			}
		}
		return c.host.Convert(c, strings.Join(words, " "), v)
	}
}

func readSet(s *statement) operator {
	name, ok := s.one("the name of a variable")
	if !ok {
		return nil
	}
	return func(c *call, v any) (any, error) {
		text, err := c.text(name)
		if err != nil {
			return nil, err
		}
		return v, c.host.Set(text, v)
	}
}

// resolve evaluates text, also that in lists and maps.
func resolve(c *call, v any) (any, error) { return c.resolve(v, c.lim.Depth) }

func (c *call) resolve(v any, depth int) (any, error) {
	if depth < 0 {
		return nil, exceeded("Depth", c.lim.Depth, "lists and maps inside each other")
	}
	switch v := v.(type) {
	case string:
		return c.host.Evaluate(c, v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = c.resolve(v[i], depth-1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			var err error
			if out[key], err = c.resolve(v[key], depth-1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}
