package server

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestStatuses(t *testing.T) {
	table := statuses()
	for _, k := range fault.Kinds() {
		if s := table[k]; s < 400 || s > 599 || http.StatusText(s) == "" {
			t.Errorf("kind %s has the status %d", k, s)
		}
	}
	if len(table) != len(fault.Kinds()) {
		t.Errorf("%d statuses for %d kinds", len(table), len(fault.Kinds()))
	}
}

func TestStatusOf(t *testing.T) {
	s := New(newFake(t), Config{Password: "pw"})
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("anything"), 500},
		{fault.New(fault.NotFound, "gone"), 404},
		{fmt.Errorf("wrapped: %w", fault.New(fault.Precondition, "other")), 412},
		{&failure{429, fault.New(fault.Limit, "slow down")}, 429},
		{&http.MaxBytesError{Limit: 1}, 413},
		{fault.As(errors.New("x"), fault.Kind(200)), 500},
	} {
		if got := s.statusOf(c.err); got != c.want {
			t.Errorf("%v: status %d, want %d", c.err, got, c.want)
		}
	}
}

func TestBlueprintError(t *testing.T) {
	var errs yamlpos.Errors
	errs.Add(yamlpos.Pos{File: "app.yaml", Line: 3, Col: 5}, "unknown key \"tpye\"")
	for _, c := range []struct {
		err  error
		want string
		kind fault.Kind
	}{
		{&errs, `Error in blueprint: app.yaml:3:5: unknown key "tpye"`, fault.Invalid},
		{fault.New(fault.NotFound, "unknown location"), "Error in blueprint: unknown location", fault.Invalid},
		{fault.New(fault.Invalid, "Error in blueprint: empty"), "Error in blueprint: empty", fault.Invalid},
		{fault.New(fault.Conflict, "in use"), "in use", fault.Conflict},
		{errors.New("disk"), "disk", fault.Internal},
	} {
		got := blueprintError(c.err)
		if got.Error() != c.want || fault.KindOf(got) != c.kind {
			t.Errorf("%v: got %q, %s", c.err, got, fault.KindOf(got))
		}
	}
}
