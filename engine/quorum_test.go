package engine_test

import (
	"context"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
)

func TestQuorum(t *testing.T) {
	for _, tt := range []struct {
		config  string
		down    int // of three children
		burning int
		up      bool
		state   string
	}{
		{"{}", 0, 0, true, entity.Running},
		{"{}", 1, 0, false, entity.OnFire},
		{"{}", 0, 1, false, entity.OnFire},
		{"{quorum.up: atLeastOne}", 2, 0, true, entity.OnFire}, // a child that runs but is down is on fire
		{"{quorum.up: atLeastOne, quorum.running: atLeastOne}", 2, 0, true, entity.Running},
		{"{quorum.up: 2, quorum.running: 2}", 1, 0, true, entity.Running},
		{"{quorum.up: 2, quorum.running: 2}", 2, 0, false, entity.OnFire},
		{"{upQuorumCheck: alwaysTrue, runningQuorumCheck: alwaysTrue}", 3, 0, true, entity.Running},
	} {
		e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: stock.Types()})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close(context.Background())
		app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- type: basic-application\n  brooklyn.config: " + tt.config +
			"\n  brooklyn.children: [{type: basic-startable}, {type: basic-startable}, {type: basic-startable}]\n")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := start.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, c := range app.Children() {
			if i < tt.down {
				c.Indicate("test", "down")
			}
			if i >= tt.down && i < tt.down+tt.burning {
				c.Problem("test", "burns")
			}
		}
		if app.Up() != tt.up && tt.burning == 0 || app.State() != tt.state {
			t.Errorf("%s with %d down, %d on fire: up %v, state %s; want %v, %s", tt.config, tt.down, tt.burning, app.Up(), app.State(), tt.up, tt.state)
		}
	}
	e := idle(t)
	_, err := e.Check(t.Context(), engine.Request{File: "b", Text: []byte("services: [{type: basic-application, brooklyn.config: {quorum.up: most}}]")})
	if err == nil || err.Error()[:22] != "b:1:67: Invalid value " {
		t.Errorf("error %v", err)
	}
}
