package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// fragile is a member that starts only if it is told that it may.
type fragile struct{}

func (fragile) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if c.Effector == "start" {
		return &hook.Decision{Steps: []hook.Step{{Step: "luck"}}}, nil
	}
	return &hook.Decision{}, nil
}

func (fragile) Continue(context.Context, *hook.EffectorCall) (*hook.Decision, error) { return nil, nil }

type lab struct {
	t     *testing.T
	e     *engine.Engine
	app   *entity.Entity
	fails atomic.Int32 // so many starts fail
}

func begin(t *testing.T, config string) *lab {
	t.Helper()
	l := &lab{t: t}
	member := &catalog.Type{
		Type:   hook.Type{Name: "member", Kind: catalog.Entity, Effectors: []hook.Effector{{Name: "start"}, {Name: "stop"}}},
		Entity: fragile{},
	}
	var err error
	l.e, err = engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: slices.Concat(stock.Types(), cluster.Types(), []*catalog.Type{member}),
		Actions: []action.Action{{Name: "luck", Run: func(context.Context, *action.Call) (any, error) {
			if l.fails.Add(-1) >= 0 {
				return nil, errors.New("no luck")
			}
			return nil, nil
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.e.Close(context.Background()) })
	l.deploy(config)
	return l
}

func (l *lab) deploy(config string) {
	l.t.Helper()
	text := `
services:
- type: dynamic-cluster
  name: the cluster
  brooklyn.config:
    memberSpec:
      $brooklyn:entitySpec:
        type: member
        brooklyn.config: {me: $brooklyn:entityId(), of: $brooklyn:parent().entityId()}
` + config
	app, start, err := l.e.Deploy(l.t.Context(), engine.Request{Text: []byte(text)})
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := start.Wait(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.app = app.Children()[0]
}

func (l *lab) invoke(effector string, args map[string]any) (any, error) {
	l.t.Helper()
	task, err := l.e.Invoke(l.t.Context(), l.app, effector, args)
	if err != nil {
		return nil, err
	}
	return task.Wait(l.t.Context())
}

// numbers gives the members by their numbers.
func (l *lab) numbers() string {
	var out []string
	for _, m := range l.app.Members() {
		v, _ := m.OwnConfig("cluster.member.id")
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " ")
}

func TestResize(t *testing.T) {
	l := begin(t, "    initialSize: 3\n")
	for _, step := range []struct {
		effector string
		args     map[string]any
		result   any
		numbers  string
	}{
		{"resize", map[string]any{"desiredSize": "3"}, int64(3), "0 1 2"},
		{"resize", map[string]any{"desiredSize": 1}, int64(1), "0"},
		{"resizeByDelta", map[string]any{"delta": 2}, int64(3), "0 3 4"},
		{"resizeByDelta", map[string]any{"delta": -9}, int64(0), ""},
		{"resize", map[string]any{"desiredSize": 2}, int64(2), "5 6"},
	} {
		got, err := l.invoke(step.effector, step.args)
		if got != step.result || err != nil || l.numbers() != step.numbers {
			t.Fatalf("%s(%v) gave %v, %v and members %q; want %v and %q", step.effector, step.args, got, err, l.numbers(), step.result, step.numbers)
		}
		if n, _ := l.app.Sensor("group.members.count"); n != int64(len(l.app.Children())) {
			t.Errorf("the count is %v of %d children", n, len(l.app.Children()))
		}
	}
	first := l.app.Members()[0]
	for key, want := range map[string]any{"me": string(first.ID()), "of": string(l.app.ID())} {
		if v, err := first.Config(t.Context(), key); v != want {
			t.Errorf("%s of a member is %v, %v; want %v", key, v, err, want)
		}
	}
}

func TestReplace(t *testing.T) {
	l := begin(t, "    initialSize: 2\n")
	old := l.app.Members()[0]
	if _, err := l.invoke("replaceMember", map[string]any{"memberId": string(old.ID())}); err != nil || l.numbers() != "1 2" {
		t.Errorf("%v, members %s", err, l.numbers())
	}
	if !old.Gone() {
		t.Error("the old member is still there")
	}
	if _, err := l.invoke("replaceMember", map[string]any{"memberId": "nobody"}); err == nil || !strings.Contains(err.Error(), "entity nobody cannot be resolved") {
		t.Errorf("error %v", err)
	}
}

func TestMembersThatDoNotStart(t *testing.T) {
	l := begin(t, "    initialSize: 1\n    maxSize: 3\n")
	l.fails.Store(1)
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(2) || err != nil || len(l.app.Children()) != 3 {
		t.Errorf("resize gave %v, %v, %d children; want 2 members of 3", n, err, len(l.app.Children()))
	}
	l.fails.Store(1)
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 3}); err == nil || !strings.Contains(err.Error(), "1 of 1 members did not start") {
		t.Errorf("error %v", err)
	}
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 4}); err == nil || !strings.Contains(err.Error(), "cluster.max.size is 3") {
		t.Errorf("error %v", err)
	}
}

func TestFailedMembersAreDiscarded(t *testing.T) {
	l := begin(t, "    initialSize: 1\n    quarantineFailedEntities: false\n")
	l.fails.Store(1)
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(2) || err != nil || len(l.app.Children()) != 2 {
		t.Errorf("resize gave %v, %v, %d children; want 2", n, err, len(l.app.Children()))
	}
}

func TestAMemberThatIsRemovedLeaves(t *testing.T) {
	l := begin(t, "    initialSize: 2\n")
	gone, err := l.e.Expunge(t.Context(), l.app.Members()[0], true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Wait(t.Context()); err != nil || l.numbers() != "1" {
		t.Errorf("%v, members %q", err, l.numbers())
	}
}
