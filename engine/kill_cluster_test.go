package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// frail is a cluster whose member 2 does not start, when it grows.
const frail = `services:
- type: dynamic-cluster
  id: c
  initialSize: 1
  memberSpec:
    $brooklyn:entitySpec:
      type: workflow-entity
      brooklyn.config:
        start:
        - let id = ${entity.config["cluster.member.id"]}
        - {step: fail message no luck, condition: {target: '${id}', equals: BAD}}
        stop: [no-op]
`

func clusterEngine(t *testing.T, s store.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{
		Store: s, Types: slices.Concat(stock.Types(), flow.Types(), cluster.Types()), Plane: "kill",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// resizing is something that changes the members of a cluster of one.
type resizing struct {
	effector string
	args     func(c *entity.Entity) map[string]any
	size     int    // that it has in the end, with those in quarantine
	bad      string // the number of a member that does not start
}

func to(size int) func(*entity.Entity) map[string]any {
	return func(*entity.Entity) map[string]any { return map[string]any{"desiredSize": size} }
}

// TestKillWhileAClusterChanges kills the server at every write while a cluster
// grows, shrinks or replaces a member: in the end it has its size, and whoever
// is below it is a member or in quarantine.
func TestKillWhileAClusterChanges(t *testing.T) {
	for _, r := range []resizing{
		{"resize", to(4), 4, "2"},
		{"resize", to(0), 0, "none"},
		{"replaceMember", func(c *entity.Entity) map[string]any { return map[string]any{"memberId": string(c.Members()[0].ID())} }, 1, "none"},
	} {
		kills := 0
		for _, written := range []bool{false, true} {
			for n := 1; ; n++ {
				died := false
				synctest.Test(t, func(t *testing.T) { died = killResize(t, r, n, written) })
				if !died {
					break
				}
				if kills++; kills > 500 {
					t.Fatal("the resize does not end")
				}
			}
		}
		if kills < 4 {
			t.Errorf("only %d kills", kills)
		}
	}
}

func killResize(t *testing.T, r resizing, n int, written bool) (died bool) {
	image := store.NewMemory()
	k := newKillable(image)
	e := clusterEngine(t, k)
	app, start, err := e.Deploy(t.Context(), engine.Request{File: "b.yaml", ID: "app", Text: []byte(strings.Replace(frail, "BAD", r.bad, 1))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	args := r.args(app.Nearest("c"))
	k.from(n, written)
	var call *task.Task
	promised := make(chan struct{})
	go func() {
		defer close(promised)
		call, _ = e.Invoke(t.Context(), app.Nearest("c"), r.effector, args)
	}()
	synctest.Wait()
	if !k.isDead() {
		<-promised
		checkCluster(t, app.Nearest("c"), r, n, written)
		k.from(-1, false)
		_ = e.Close(context.Background())
		return false
	}
	close(k.over)
	_ = e.Close(context.Background())
	<-promised
	again := clusterEngine(t, image)
	defer again.Close(context.Background())
	if call == nil {
		return true
	}
	resumed, err := again.Tasks().Get(call.ID())
	if err != nil {
		return true // it was never promised
	}
	if _, err := resumed.Wait(t.Context()); err != nil {
		t.Errorf("killed at commit %d (written: %v): %v", n, written, err)
	}
	if app, err = again.Application("app"); err != nil {
		t.Fatal(err)
	}
	checkCluster(t, app.Nearest("c"), r, n, written)
	return true
}

func checkCluster(t *testing.T, c *entity.Entity, r resizing, n int, written bool) {
	t.Helper()
	synctest.Wait()
	all := slices.Clone(c.Members())
	children := 0
	for _, child := range c.Children() {
		if child.Type() == "org.apache.brooklyn.entity.group.QuarantineGroup" {
			all = append(all, child.Members()...)
			children += len(child.Children())
			continue
		}
		children++
	}
	numbers := map[any]bool{}
	for _, m := range all {
		v, _ := m.OwnConfig("cluster.member.id")
		numbers[v] = true
	}
	if len(all) != r.size || children != r.size || len(numbers) != r.size || r.effector == "replaceMember" && numbers[int64(0)] {
		t.Errorf("%s killed at commit %d (written: %v): %d members and in quarantine, %d below, %d numbers; want %d of each", r.effector, n, written, len(all), children, len(numbers), r.size)
	}
}
