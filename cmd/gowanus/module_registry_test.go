package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestRegistryError(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{fault.New(fault.Invalid, "x"), exitUsage},
		{fault.New(fault.NotFound, "x"), exitNotFound},
		{fault.New(fault.Forbidden, "x"), exitRefused},
		{fault.New(fault.Unavailable, "x"), exitUnreachable},
		{fault.New(fault.Conflict, "x"), exitConflict},
		{errors.New("x"), exitFailed},
		{usageError("x"), exitUsage},
	} {
		var f *failure
		if err := registryError(c.err); !errors.As(err, &f) || f.code != c.code {
			t.Errorf("%v (%v): %+v", c.err, fault.KindOf(c.err), err)
		}
	}
	err := registryError(fault.New(fault.Forbidden, "\x1b]0;owned\a says the registry"))
	if err.Error() != "]0;owned says the registry" {
		t.Errorf("%q", err)
	}
	if err := registryError(fmt.Errorf("ask: %w", context.Canceled)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if registryError(nil) != nil {
		t.Error("an error of nothing")
	}
}
