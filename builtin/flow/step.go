package flow

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// kind is a step type with its shorthand: how the words after the name fill
// the step's inputs.
type kind struct {
	step   string   // the engine's step
	inputs []string // that it may have, the shorthand's main one first
	assign bool     // the shorthand is "[TYPE] NAME = VALUE" for sensor and value, else all of it is the first input
}

var kinds = map[string]kind{
	"no-op":           {step: "no-op"},
	"return":          {step: "evaluate", inputs: []string{"value"}},
	"log":             {step: "log", inputs: []string{"message"}},
	"sleep":           {step: "sleep", inputs: []string{"duration"}},
	"fail":            {step: "fail", inputs: []string{"message"}},
	"set-sensor":      {step: "set-sensor", inputs: []string{"sensor", "value"}, assign: true},
	"clear-sensor":    {step: "clear-sensor", inputs: []string{"sensor"}},
	"invoke-effector": {step: "invoke-effector", inputs: []string{"effector", "args", "entity"}},
	"http":            {step: "http", inputs: []string{"endpoint", "method", "query", "headers", "body", "username", "password", "status_code"}},
}

// step is a step of a workflow as it was read.
type step struct {
	name  string // as users write it
	kind  kind
	input map[string]any // with ${…} as written
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

// readSteps reads the list of a workflow's steps.
func readSteps(v any) ([]step, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, invalid("steps: expected a list of steps")
	}
	out := make([]step, 0, len(list))
	for i, item := range list {
		s, err := readStep(item)
		if err != nil {
			return nil, invalid("step %d: %w", i+1, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func readStep(v any) (step, error) {
	switch x := v.(type) {
	case string:
		return shorthand(x)
	case map[string]any:
		text, ok := x["step"].(string)
		if !ok {
			if text, ok = x["type"].(string); !ok {
				return step{}, invalid("a step is a text, or a map with the key step or type")
			}
		}
		s, err := shorthand(text)
		if err != nil {
			return s, err
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if key == "step" || key == "type" || key == "name" {
				continue
			}
			if !slices.Contains(s.kind.inputs, key) {
				return s, invalid("%s has no input %q%s", s.name, key, nearest.Hint(key, s.kind.inputs))
			}
			s.input[key] = x[key]
		}
		return s, nil
	}
	return step{}, invalid("a step is a text or a map, not %v", v)
}

// shorthand reads a step in one line.
func shorthand(text string) (step, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	k, ok := kinds[name]
	if !ok {
		return step{}, invalid("unknown step %q%s; there are %s", name, nearest.Hint(name, known()), strings.Join(known(), ", "))
	}
	s := step{name: name, kind: k, input: map[string]any{}}
	rest = strings.TrimSpace(rest)
	switch {
	case rest == "":
	case len(k.inputs) == 0:
		return s, invalid("%s takes nothing, not %q", name, rest)
	case k.assign:
		left, right, found := strings.Cut(rest, "=")
		words := strings.Fields(left)
		if !found || len(words) == 0 || len(words) > 2 {
			return s, invalid("%s: expected [TYPE] NAME = VALUE, not %q", name, rest)
		}
		s.input[k.inputs[0]] = words[len(words)-1]
		s.input[k.inputs[1]] = unquoted(strings.TrimSpace(right))
	default:
		s.input[k.inputs[0]] = unquoted(rest)
	}
	return s, nil
}

func known() []string { return slices.Sorted(maps.Keys(kinds)) }

// unquoted takes away quotes that are around a whole text.
func unquoted(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && strings.Count(s, s[:1]) == 2 {
		return s[1 : len(s)-1]
	}
	return s
}

var reference = regexp.MustCompile(`\$\{\s*([^{}]*?)\s*\}`)

// values are what ${…} may name beside the entity: arguments, and the output
// of the step before.
type values map[string]any

// fill gives the step as the engine runs it.
func (s step) fill(v values) (hook.Step, error) {
	out := hook.Step{Step: s.kind.step, Input: map[string]any{}}
	for _, key := range slices.Sorted(maps.Keys(s.input)) {
		value, resolve, err := v.fill(s.input[key])
		if err != nil {
			return out, invalid("%s: %w", s.name, err)
		}
		out.Input[key] = value
		if resolve {
			out.Resolve = append(out.Resolve, key)
		}
	}
	return out, nil
}

// fill replaces what ${…} names; resolve tells that the result is an
// expression, which the engine computes.
func (v values) fill(x any) (out any, resolve bool, err error) {
	switch x := x.(type) {
	case string:
		return v.text(x)
	case []any:
		list := make([]any, len(x))
		for i := range x {
			var r bool
			if list[i], r, err = v.fill(x[i]); err != nil {
				return nil, false, err
			}
			resolve = resolve || r
		}
		return list, resolve, nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for k := range x {
			var r bool
			if m[k], r, err = v.fill(x[k]); err != nil {
				return nil, false, err
			}
			resolve = resolve || r || expr.IsExpr(map[string]any{k: nil})
		}
		return m, resolve, nil
	}
	return x, false, nil
}

func (v values) text(s string) (any, bool, error) {
	if expr.IsExpr(s) {
		return s, true, nil
	}
	all := reference.FindAllStringSubmatchIndex(s, -1)
	if len(all) == 0 {
		return s, false, nil
	}
	var format strings.Builder
	var args []any
	last := 0
	for _, m := range all {
		value, r, err := v.lookup(s[m[2]:m[3]])
		if err != nil {
			return nil, false, err
		}
		if m[0] == 0 && m[1] == len(s) { // the whole text keeps the type of the value
			if !r {
				value = map[string]any{expr.Prefix + "literal": []any{value}}
			}
			return value, true, nil
		}
		if !r { // no expression may come to be of what a value holds
			value = map[string]any{expr.Prefix + "literal": []any{value}}
		}
		format.WriteString(strings.ReplaceAll(s[last:m[0]], "%", "%%") + "%s")
		args, last = append(args, value), m[1]
	}
	format.WriteString(strings.ReplaceAll(s[last:], "%", "%%"))
	return map[string]any{expr.Prefix + "formatString": append([]any{format.String()}, args...)}, true, nil
}

// lookup gives what a name stands for; resolve tells that it is an expression.
func (v values) lookup(name string) (value any, resolve bool, err error) {
	if value, ok := v[name]; ok {
		return value, false, nil
	}
	for prefix, function := range map[string]string{"entity.config.": "config", "entity.sensor.": "attributeWhenReady", "entity.attributeWhenReady.": "attributeWhenReady"} {
		if key, ok := strings.CutPrefix(name, prefix); ok && key != "" {
			return map[string]any{expr.Prefix + function: []any{key}}, true, nil
		}
	}
	switch name {
	case "entity":
		return expr.Prefix + "self()", true, nil
	case "entity.id":
		return expr.Prefix + "entityId()", true, nil
	case "entity.name":
		return expr.Prefix + "self().getDisplayName()", true, nil
	}
	return nil, false, invalid("${%s} names nothing; expected a parameter, output, entity.config.KEY, entity.sensor.NAME, entity.id or entity.name", name)
}
