package feed_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/feed"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// begin gives a manager with one entity.
func begin(t *testing.T) (*feed.Manager, *entity.Entity, *task.Manager) {
	t.Helper()
	s := store.NewMemory()
	tasks, err := task.NewManager(task.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	tree := entity.NewTree(s)
	d := &entity.Declaration{Type: hook.Type{Name: "web", Effectors: []hook.Effector{{Name: "start"}}}}
	e, err := tree.Add(t.Context(), nil, &entity.New{Record: entity.Record{ID: "e", Name: "e", Type: "web"}, Declaration: d}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return feed.NewManager(feed.Config{Tasks: tasks, Tree: tree}), e, tasks
}

func nothing(context.Context) (map[string]any, error) { return nil, nil }

// counting polls give how often they were asked, and take some time.
func counting(n *atomic.Int64, takes time.Duration) func(context.Context, *entity.Entity, map[string]any) (map[string]any, error) {
	return func(ctx context.Context, _ *entity.Entity, _ map[string]any) (map[string]any, error) {
		now := n.Add(1)
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		return map[string]any{"n": now}, nil
	}
}

func TestPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, e, tasks := begin(t)
		defer tasks.Close(t.Context())
		var n atomic.Int64
		m.Attach(e, &catalog.Feed{Name: "f", Period: 10 * time.Second, Poll: counting(&n, 3*time.Second)}, nothing)
		time.Sleep(34 * time.Second)
		if v, _ := e.Sensor("n"); v != int64(4) {
			t.Errorf("after 34 s it was asked %v times, want 4: at 0, 10, 20 and 30 s", v)
		}
		m.Detach(e.ID())
		time.Sleep(time.Minute)
		if n.Load() != 4 {
			t.Errorf("it was asked %d times, so it went on after the end", n.Load())
		}
	})
}

func TestTriggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, e, tasks := begin(t)
		defer tasks.Close(t.Context())
		var n atomic.Int64
		m.Attach(e, &catalog.Feed{Name: "f", SkipFirst: true, Triggers: []catalog.Trigger{{Sensor: "go"}}, Poll: counting(&n, time.Second)}, nothing)
		time.Sleep(time.Minute)
		if n.Load() != 0 {
			t.Errorf("it was asked %d times without a trigger", n.Load())
		}
		for i := range 5 { // while it is busy, all others are one
			e.Set("go", int64(i))
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		if n.Load() != 2 {
			t.Errorf("it was asked %d times, want 2", n.Load())
		}
	})
}

func TestOnlyIfUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, e, tasks := begin(t)
		defer tasks.Close(t.Context())
		var n atomic.Int64
		m.Attach(e, &catalog.Feed{Name: "f", Period: time.Hour, OnlyIfUp: true, Poll: counting(&n, 0)}, nothing)
		time.Sleep(time.Second)
		if n.Load() != 0 {
			t.Errorf("it was asked while the entity is down")
		}
		e.Expect(entity.Running)
		time.Sleep(time.Second)
		if n.Load() != 1 {
			t.Errorf("it was asked %d times once the entity is up, want 1", n.Load())
		}
	})
}

func TestFailuresKeepTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, e, tasks := begin(t)
		defer tasks.Close(t.Context())
		var n atomic.Int64
		poll := func(context.Context, *entity.Entity, map[string]any) (map[string]any, error) {
			switch n.Add(1) {
			case 2:
				return nil, errors.New("no luck")
			case 3:
				panic("worse")
			}
			return map[string]any{"n": n.Load()}, nil
		}
		m.Attach(e, &catalog.Feed{Name: "f", Period: time.Second, Poll: poll}, nothing)
		for i, want := range []int64{1, 1, 1, 4} {
			time.Sleep(500 * time.Millisecond)
			if v, _ := e.Sensor("n"); v != want {
				t.Errorf("after poll %d the sensor is %v, want %d", i+1, v, want)
			}
			time.Sleep(500 * time.Millisecond)
		}
	})
}
