// Package constraint is what parameters and declared config keys demand of
// their values.
//
// A constraint is a word (required, notNull, isBlank), a map of one of the
// keys below, or a predicate of package dsl/predicate for the value:
//
//	regex glob                      the whole value matches
//	any or, all and                 of a list of constraints
//	requiredIf requiredUnless       another key is set
//	forbiddenIf forbiddenUnless
//	requiredUnlessAnyOf             one of a list of keys is set
//	forbiddenUnlessAnyOf
//
// A value is set when it is neither null nor an empty text; defaults and
// inherited values count. A value that is not there passes regex, glob and
// every predicate that does not speak of absence (when): required is for that.
package constraint

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// State tells what is known of a config value.
type State uint8

const (
	Unset    State = iota // there is none
	Known                 // it is there; it may be null
	Deferred              // an expression that is not computed yet
)

// Values gives what is known of the config of one entity.
type Values func(key string) (any, State)

// Read checks the constraints of a parameter and gives them as they are
// stored in its key. The error is a *yamlpos.Errors with all problems at
// their places.
func Read(nodes []*yamlpos.Node) (required bool, rest []any, err error) {
	c := &compiler{}
	for _, n := range nodes {
		c.rule(n)
		if n.Kind == yamlpos.Scalar && n.Text == "required" {
			required = true
			continue
		}
		rest = append(rest, n.Any())
	}
	return required, rest, c.errs.Err()
}

// Check tells why the value of a declared key is not allowed, as an Invalid
// fault, or nil. What depends on values that are Deferred is let pass.
func Check(ctx context.Context, key *hook.ConfigKey, values Values) error {
	if !key.Required && len(key.Constraints) == 0 {
		return nil
	}
	c := &compiler{}
	rules := make([]rule, 0, len(key.Constraints)+1)
	if key.Required {
		rules = append(rules, required)
	}
	for _, raw := range key.Constraints {
		rules = append(rules, c.rule(yamlpos.FromAny(raw, yamlpos.Pos{})))
	}
	if err := c.errs.Err(); err != nil {
		return fault.New(fault.Invalid, "constraints of config key %s: %w", key.Name, err)
	}
	s := &subject{ctx: ctx, key: key.Name, values: values}
	s.value, s.state = values(key.Name)
	if found := all(rules)(s); found.verdict == wrong {
		return fault.New(fault.Invalid, "Invalid value for %s: %s", key.Name, found.reason)
	}
	return nil
}
