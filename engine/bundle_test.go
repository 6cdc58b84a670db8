package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

func onStore(t *testing.T, s store.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{Store: s, Types: stock.Types()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func bundle(name, version, items string) engine.BundleRequest {
	text := "brooklyn.catalog:\n  bundle: " + name + "\n  version: " + version + "\n  items:\n"
	for item := range strings.SplitSeq(items, ";") {
		text += "  - " + strings.TrimSpace(item) + "\n"
	}
	return engine.BundleRequest{Content: []byte(text), File: "c.bom"}
}

// present lists the items of the catalog that do not come with the server.
func present(e *engine.Engine) string {
	var out []string
	for _, t := range e.Types() {
		if t.Plan != nil {
			mark := ""
			if t.Deprecated {
				mark += " deprecated"
			}
			if t.Disabled {
				mark += " disabled"
			}
			out = append(out, t.ID()+mark)
		}
	}
	return strings.Join(out, ", ")
}

const (
	itemA  = "{id: a, item: {type: basic-entity}}"
	itemA2 = "{id: a, item: {type: basic-entity, name: other}}"
	itemB  = "{id: b, item: {type: a}}"
)

func TestBundles(t *testing.T) {
	s := store.NewMemory()
	e := onStore(t, s)
	for _, step := range []struct {
		what    engine.BundleRequest
		force   bool
		code    string // or the error
		present string
	}{
		{bundle("one", "1", itemA+";"+itemB), false, engine.BundleInstalled, "a:1, b:1"},
		{bundle("one", "1", itemA+";"+itemB), false, engine.BundleIgnored, "a:1, b:1"},
		{bundle("one", "1", itemA), false, "cannot add bundle one:1: a different one of this name and version is installed", "a:1, b:1"},
		{bundle("two", "1", itemA2), false, "cannot add a:1: a different one is installed, by bundle one:1", "a:1, b:1"},
		{bundle("two", "1", itemA), false, engine.BundleInstalled, "a:1, b:1"}, // the same plan moves
		{bundle("two", "2", itemA2), false, engine.BundleInstalled, "a:2, a:1, b:1"},
		{bundle("one", "1", itemB), true, engine.BundleUpdated, "a:2, a:1, b:1"},
		{bundle("snap", "1-SNAPSHOT", "{id: s, item: basic-entity}"), false, engine.BundleInstalled, "a:2, a:1, b:1, s:1-SNAPSHOT"},
		{bundle("snap", "1-SNAPSHOT", "{id: s, item: a}"), false, engine.BundleUpdated, "a:2, a:1, b:1, s:1-SNAPSHOT"},
		{bundle("bad", "1", "{id: x, item: nope};{id: y, itemType: policy, item: {foo: bar}}"), false,
			"c.bom:5:19: unknown entity type \"nope\"\nc.bom:6:37: Missing key 'type'", "a:2, a:1, b:1, s:1-SNAPSHOT"},
		{bundle("own", "1", "{id: basic-entity, item: {type: basic-entity, name: mine}}"), false, engine.BundleInstalled, "a:2, a:1, b:1, basic-entity:1, s:1-SNAPSHOT"},
	} {
		step.what.Force = step.force
		r, err := e.AddBundle(t.Context(), step.what)
		switch {
		case err != nil && !strings.HasPrefix(err.Error(), step.code):
			t.Errorf("%s\n got %v\nwant %s", step.what.Content, err, step.code)
		case err == nil && r.Code != step.code:
			t.Errorf("%s\n got %s, want %s", step.what.Content, r.Code, step.code)
		}
		if got := present(e); got != step.present {
			t.Errorf("%s\nleft %s\nwant %s", step.what.Content, got, step.present)
		}
	}
	yes := true
	if err := e.MarkType(t.Context(), "a", "1", &yes, nil); err != nil {
		t.Fatal(err)
	}
	if err := e.MarkType(t.Context(), "s", "latest", nil, &yes); err != nil {
		t.Fatal(err)
	}
	if err := e.RemoveType(t.Context(), catalog.Entity, "b", "1"); err != nil {
		t.Fatal(err)
	}
	want := "a:2, a:1 deprecated, basic-entity:1, s:1-SNAPSHOT disabled"
	if got := present(e); got != want {
		t.Errorf("marked: %s, want %s", got, want)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := present(onStore(t, s)); got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}
}

func TestRemoval(t *testing.T) {
	s := store.NewMemory()
	e := onStore(t, s)
	for _, b := range []engine.BundleRequest{bundle("one", "1", itemA), bundle("two", "1", itemB)} {
		if _, err := e.AddBundle(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services: [{type: b, id: x}]")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.RemoveBundle(t.Context(), "one", "1", false); fault.KindOf(err) != fault.Conflict || err.Error() != "bundle one:1 is in use: type b:1 starts from a" {
		t.Errorf("error %v", err)
	}
	if _, err := e.RemoveBundle(t.Context(), "gowanus", "latest", true); fault.KindOf(err) != fault.Conflict {
		t.Errorf("error %v", err)
	}
	if err := e.RemoveType(t.Context(), catalog.Policy, "b", "1"); fault.KindOf(err) != fault.Precondition {
		t.Errorf("error %v", err)
	}
	if _, err := e.AddBundle(t.Context(), bundle("three", "1", "{id: b, itemType: bean, item: {k: v}}")); err != nil {
		t.Fatal(err)
	}
	if err := e.RemoveType(t.Context(), catalog.Bean, "b", "1"); err != nil {
		t.Errorf("a bean of the name of an entity type: %v", err)
	}
	if _, err := e.RemoveBundle(t.Context(), "one", "1", true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Deploy(t.Context(), engine.Request{File: "f", Text: []byte("services: [{type: b}]")}); err == nil || err.Error() != `c.bom:5:26: unknown entity type "a"` {
		t.Errorf("error %v", err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	e = onStore(t, s)
	again, err := e.EntityByID(string(app.Children()[0].ID()))
	if err != nil || again.Item() != "b:1" || again.Type() != "org.apache.brooklyn.entity.stock.BasicEntity" {
		t.Errorf("what was made of it is %v, %v", again, err)
	}
}
