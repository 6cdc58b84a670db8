package enricher

import (
	"context"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/entity"
)

// filter reads a key that holds a predicate; without one everything passes. A
// predicate that cannot be computed for a value is one that the value fails.
func (s *setup) filter(key string) func(ctx context.Context, v any) bool {
	raw := s.value(key)
	if raw == nil {
		return func(context.Context, any) bool { return true }
	}
	p, err := predicate.CompileAny(raw, predicate.Limits{})
	if err != nil {
		s.fail("%s: %w", key, err)
		return func(context.Context, any) bool { return false }
	}
	env := s.h.Entity().Env()
	return func(ctx context.Context, v any) bool {
		if e, ok := v.(*entity.Entity); ok {
			ok, err := p.Test(ctx, predicate.Subject{Value: v, Env: e.Env()})
			return ok && err == nil
		}
		ok, err := p.Test(ctx, predicate.Subject{Value: v, Env: env})
		return ok && err == nil
	}
}
