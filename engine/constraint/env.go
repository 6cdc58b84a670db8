package constraint

import (
	"context"
	"errors"

	"github.com/gowanus-project/gowanus/dsl/predicate"
)

// errDeferred ends the test of a predicate that asks for a Deferred value.
var errDeferred = errors.New("the value is not known yet")

// env lets predicates ask for other config keys of the entity. Nothing else
// of it exists when constraints are checked.
type env struct{ *subject }

func (e env) Evaluate(_ context.Context, raw any) (any, error) { return raw, nil }
func (e env) Entity(any) predicate.Entity                      { return nil }
func (e env) Self() predicate.Entity                           { return e }

func (e env) Config(_ context.Context, key string) (any, error) {
	switch v, state := e.values(key); state {
	case Known:
		return v, nil
	case Deferred:
		return nil, errDeferred
	}
	return predicate.Missing{}, nil
}

func (e env) EntityID() string       { return "" }
func (e env) Sensor(string) any      { return predicate.Missing{} }
func (e env) Tags() []any            { return nil }
func (e env) Children() []any        { return nil }
func (e env) Locations() []any       { return nil }
func (e env) InstanceOf(string) bool { return false }
