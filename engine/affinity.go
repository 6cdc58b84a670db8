package engine

import (
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// expressionStrategy is the type that judges hosts by an expression.
const expressionStrategy = "expression"

// predicateRule is a line of affinity rules that is about a condition of the
// author's own. All behind the word is an expression about one entity.
var predicateRule = regexp.MustCompile(`(?is)^\s*(?:(NOT|SAME)\s+)?(?:(ANY|ALL)\s+)?(?:(NOT|SAME)\s+)?PREDICATE(?:\s+(.*\S))?\s*$`)

// strategies makes what a strategy and its config come to: that strategy, and one
// more for each affinity rule with a predicate, since the module that knows
// affinity rules has no expressions.
func (e *Engine) strategies(t *catalog.Type, config map[string]any) ([]placement.Strategy, error) {
	key := keyOf(t, rulesKey)
	if t.Name != rulesStrategy || key == nil {
		s, err := t.Strategy(config)
		return []placement.Strategy{s}, err
	}
	var rest []any
	var filters []placement.Strategy
	for i, item := range asList(valueOf(config, key)) {
		text, isText := item.(string)
		if !isText {
			rest = append(rest, item)
			continue
		}
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			m := predicateRule.FindStringSubmatch(line)
			if m == nil {
				lines = append(lines, line)
				continue
			}
			s, err := e.predicate(strings.TrimSpace(line), m)
			if err != nil {
				path := rulesKey + "[" + strconv.Itoa(i) + "]"
				return nil, &placement.At{Path: path, Err: fault.New(fault.Invalid, "%s: %w", path, err)}
			}
			filters = append(filters, s)
		}
		if left := strings.Join(lines, "\n"); strings.TrimSpace(left) != "" {
			rest = append(rest, left)
		}
	}
	if len(filters) > 0 {
		config = maps.Clone(config)
		if forget(config, key); len(rest) > 0 {
			config[key.Name] = rest
		}
	}
	s, err := t.Strategy(config)
	return append([]placement.Strategy{s}, filters...), err
}

// predicate makes the strategy of one such line, of which m are the parts.
func (e *Engine) predicate(line string, m []string) (placement.Strategy, error) {
	before, quantifier, behind, condition := strings.ToUpper(m[1]), strings.ToUpper(m[2]), strings.ToUpper(m[3]), m[4]
	if before != "" && behind != "" {
		return nil, fault.New(fault.Invalid, "%q: only one of NOT and SAME may stand in a rule, once", line)
	}
	if condition == "" {
		return nil, fault.New(fault.Invalid, "%q: PREDICATE needs an expression about an entity of the host, such as .name == \"db\"", line)
	}
	// NOT before ANY or ALL is about the whole rule; else about each entity. A
	// host that runs nothing is fine.
	some := (quantifier == "ANY") != (before == "NOT" && quantifier != "")
	filter := "all(entities, {" + condition + "})"
	switch not := before == "NOT" || behind == "NOT"; {
	case some && not:
		filter = "len(entities) == 0 or not " + filter
	case some:
		filter = "len(entities) == 0 or any(entities, {" + condition + "})"
	case not:
		filter = "none(entities, {" + condition + "})"
	}
	t, err := e.types.Load().Get(catalog.Strategy, expressionStrategy)
	if err != nil {
		return nil, err
	}
	s, err := t.Strategy(map[string]any{"filter": filter})
	if err != nil {
		return nil, fault.New(fault.Invalid, "PREDICATE, as %s: %w", filter, asPlain(err))
	}
	return s, nil
}
