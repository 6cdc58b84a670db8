package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestExpressionsAskOutside(t *testing.T) {
	n, err := yamlpos.Parse("c", []byte("{type: in-place, values: {k: the value}}"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := external.Read(n)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: stock.Types(), External: external.Providers{"p": p}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte(`
services:
- type: basic-application
  brooklyn.config:
    a: $brooklyn:external("p", "k")
    b: {"$brooklyn:external": [p, k]}
    c: $brooklyn:formatString("<%s>", external("p", "k"))
    d: $brooklyn:external("q", "k")
    e: $brooklyn:location()
`)})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "the value", "b": "the value", "c": "<the value>"} {
		if v, err := app.Config(t.Context(), key); v != want || err != nil {
			t.Errorf("%s is %v, %v", key, v, err)
		}
	}
	for key, want := range map[string]string{"d": `unknown external provider "q"; there is p`, "e": "has 0 locations, so none has the number 0"} {
		if _, err := app.Config(t.Context(), key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", key, err)
		}
	}
}
