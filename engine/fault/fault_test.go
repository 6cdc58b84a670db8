package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestTextAndKind(t *testing.T) {
	cause := errors.New("no such image")
	base := fault.New(fault.NotFound, "pull redis: %w", cause)
	for _, tt := range []struct {
		name string
		err  error
		text string
		kind fault.Kind
	}{
		{"new", base, "pull redis: no such image", fault.NotFound},
		{"wrapped", fault.Wrap(base, "start", "web"), "start web: pull redis: no such image", fault.NotFound},
		{"wrapped twice", fault.Wrap(fault.Wrap(cause, "inner", ""), "", "web"), "web: inner: no such image", fault.Internal},
		{"wrapped by fmt", fmt.Errorf("more: %w", base), "more: pull redis: no such image", fault.NotFound},
		{"another kind", fault.As(base, fault.Unavailable), "pull redis: no such image", fault.Unavailable},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), "x: context deadline exceeded", fault.Timeout},
		{"cancelled", context.Canceled, "context canceled", fault.Cancelled},
		{"bare", &fault.Error{Kind: fault.Limit}, "limit", fault.Limit},
		{"bare with entity", &fault.Error{Op: "start", Entity: "web", Kind: fault.Limit}, "start web: limit", fault.Limit},
		{"foreign", cause, "no such image", fault.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err.Error() != tt.text || fault.KindOf(tt.err) != tt.kind {
				t.Errorf("got %q, %s; want %q, %s", tt.err, fault.KindOf(tt.err), tt.text, tt.kind)
			}
		})
	}
	if !errors.Is(fault.Wrap(base, "start", "web"), cause) {
		t.Error("the cause is lost")
	}
	if fault.Wrap(nil, "start", "web") != nil || fault.As(nil, fault.Limit) != nil {
		t.Error("no error became one")
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		if fault.ParseKind(k.String()) != k || seen[k.String()] {
			t.Errorf("%d is named %q", k, k)
		}
		seen[k.String()] = true
	}
	if fault.ParseKind("nonsense") != fault.Internal || fault.Kind(200).String() != "kind(200)" {
		t.Error("what is unknown must be internal")
	}
}
