package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

// A type whose members are of the same type would never end.
func TestMembersWithinMembersEnd(t *testing.T) {
	for _, tt := range []struct {
		size, limits string
		l            engine.Limits
		most         int
	}{
		{"1", "is 10 levels below its application, and Limits.Depth allows no more", engine.Limits{Depth: 10}, 2 * 10},
		{"3", "and Limits.Application allows no more", engine.Limits{Application: 50}, 2 * 50}, // quarantines come on top
	} {
		endless(t, tt.size, tt.limits, tt.l, tt.most)
	}
}

func endless(t *testing.T, size, want string, limits engine.Limits, most int) {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{
		Store: store.NewMemory(), Types: slices.Concat(stock.Types(), cluster.Types()), Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closeEngine(t, e)
	_, err = e.AddBundle(t.Context(), engine.BundleRequest{File: "c", Content: []byte(`
brooklyn.catalog:
  bundle: deep
  version: 1.0.0
  items:
  - id: matryoshka
    itemType: entity
    item:
      type: dynamic-cluster
      brooklyn.config:
        initialSize: ` + size + `
        memberSpec: {$brooklyn:entitySpec: {type: matryoshka}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	app, start := deploy(t, e, "services: [{type: matryoshka}]")
	if err := wait(t, start); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
	if n := len(app.Descendants()); n > most {
		t.Errorf("%d entities", n)
	}
}
