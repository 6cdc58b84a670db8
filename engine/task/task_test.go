package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

func manager(t *testing.T, cfg task.Config) *task.Manager {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
	m, err := task.NewManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func closeNow(t *testing.T, m *task.Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestOutcomes(t *testing.T) {
	m := manager(t, task.Config{})
	defer closeNow(t, m)
	for _, tt := range []struct {
		name   string
		fn     func(context.Context) (any, error)
		status task.Status
		text   string
	}{
		{"value", func(context.Context) (any, error) { return 7, nil }, task.Completed, ""},
		{"error", func(context.Context) (any, error) { return 7, errors.New("no such image") }, task.Failed, "no such image"},
		{"panic", func(context.Context) (any, error) { panic("boom") }, task.Failed, "panic: boom"},
		{"cancelled", func(ctx context.Context) (any, error) {
			task.From(ctx).Cancel()
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}, task.Cancelled, "cancelled"},
		{"error after cancel", func(ctx context.Context) (any, error) {
			task.From(ctx).Cancel()
			<-ctx.Done()
			return nil, errors.New("broke off")
		}, task.Cancelled, "broke off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tk, err := m.Submit(task.Spec{Name: tt.name, Entity: "e1"}, tt.fn)
			if err != nil {
				t.Fatal(err)
			}
			<-tk.Done()
			i := tk.Info()
			if i.Status != tt.status || i.Error != tt.text || i.Ended.IsZero() {
				t.Errorf("got %s %q ended %v, want %s %q", i.Status, i.Error, i.Ended, tt.status, tt.text)
			}
			if tt.status == task.Completed && i.Result != 7 {
				t.Errorf("result %v", i.Result)
			}
		})
	}
	if n := len(m.OfEntity("e1")); n != 5 {
		t.Errorf("%d tasks of the entity, want 5", n)
	}
}

func TestTreeCancelsDownwards(t *testing.T) {
	m := manager(t, task.Config{})
	defer closeNow(t, m)
	inner := make(chan *task.Task, 1)
	root, err := m.Submit(task.Spec{Name: "root"}, func(ctx context.Context) (any, error) {
		return m.Run(ctx, task.Spec{Name: "child"}, func(ctx context.Context) (any, error) {
			inner <- task.From(ctx)
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	child := <-inner
	if child.Root() != root || !child.Below(root) || root.Below(child) {
		t.Error("the child is not below the root")
	}
	root.Cancel()
	<-root.Done()
	for _, tk := range []*task.Task{root, child} {
		if s := tk.Info().Status; s != task.Cancelled {
			t.Errorf("%s is %s", tk.Info().Name, s)
		}
	}
	if got := root.Info().Children; len(got) != 1 || got[0] != child.ID() {
		t.Errorf("children %v", got)
	}
}

// What the shutdown interrupts stays open in the store; the next manager can
// go on with it under the same id, or settle it.
func TestShutdownLeavesOpen(t *testing.T) {
	s := store.NewMemory()
	m := manager(t, task.Config{Store: s})
	started := make(chan struct{}, 2)
	for _, id := range []task.ID{"kept", "lost"} {
		_, err := m.Submit(task.Spec{ID: id, Name: string(id)}, func(ctx context.Context) (any, error) {
			started <- struct{}{}
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	<-started
	<-started
	closeNow(t, m)
	if _, err := m.Submit(task.Spec{Name: "late"}, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a closed manager took a task: %v", err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}

	m = manager(t, task.Config{Store: s})
	defer closeNow(t, m)
	m.Settle(func(i task.Info) bool { return i.ID == "kept" })
	lost, err := m.Get("lost")
	if err != nil {
		t.Fatal(err)
	}
	if i := lost.Info(); i.Status != task.Failed || !strings.HasPrefix(i.Error, "interrupted") {
		t.Errorf("lost is %s %q", i.Status, i.Error)
	}
	kept, err := m.Submit(task.Spec{ID: "kept", Name: "kept"}, func(context.Context) (any, error) { return "done", nil })
	if err != nil {
		t.Fatal(err)
	}
	if v, err := kept.Wait(context.Background()); v != "done" || err != nil {
		t.Errorf("kept gave %v, %v", v, err)
	}
}

func TestStreamsKeepTheEnd(t *testing.T) {
	s := store.NewMemory()
	m := manager(t, task.Config{Store: s, StreamBytes: 100, SavedBytes: 10})
	tk, err := m.Submit(task.Spec{ID: "t", Name: "t"}, func(ctx context.Context) (any, error) {
		for i := range 1000 {
			fmt.Fprintf(task.From(ctx).Stream("stdout"), "%03d\n", i)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-tk.Done()
	got, err := tk.ReadStream("stdout")
	if err != nil || len(got) > 125 || !strings.HasSuffix(string(got), "998\n999\n") {
		t.Errorf("stream %q, %v", got, err)
	}
	if n := tk.Info().Streams["stdout"]; n != 4000 {
		t.Errorf("%d bytes were written, want 4000", n)
	}
	if _, err := tk.ReadStream("stderr"); err == nil || err.Error() != "Cannot find stream 'stderr' in task 't'" {
		t.Errorf("error %v", err)
	}
	closeNow(t, m)
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	again, err := manager(t, task.Config{Store: s}).Get("t")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := again.ReadStream("stdout"); string(got) != "7\n998\n999\n" {
		t.Errorf("saved stream %q", got)
	}
}

// A sealed outcome is on disk with the batch, before the task has ended.
func TestSeal(t *testing.T) {
	s := store.NewMemory()
	m := manager(t, task.Config{Store: s})
	defer closeNow(t, m)
	var then task.Info
	tk, err := m.Submit(task.Spec{ID: "sealed", Name: "t"}, func(ctx context.Context) (any, error) {
		var b store.Batch
		task.From(ctx).Seal("early", nil, &b)
		if err := s.Commit(ctx, &b); err != nil {
			return nil, err
		}
		again, err := task.NewManager(task.Config{Store: s})
		if err != nil {
			return nil, err
		}
		old, err := again.Get("sealed")
		if err != nil {
			return nil, err
		}
		then = old.Info()
		return "late", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := tk.Wait(context.Background()); v != "early" || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	if then.Status != task.Completed || then.Result != "early" || then.Ended.IsZero() {
		t.Errorf("stored %+v", then)
	}
}

func TestBlockingDetails(t *testing.T) {
	m := manager(t, task.Config{})
	defer closeNow(t, m)
	tk, err := m.Submit(task.Spec{Name: "t"}, func(ctx context.Context) (any, error) {
		outer := task.From(ctx).Block("waiting for db")
		inner := task.From(ctx).Block("waiting for web")
		var seen []string
		seen = append(seen, task.From(ctx).Info().Blocking)
		inner()
		inner()
		seen = append(seen, task.From(ctx).Info().Blocking)
		outer()
		seen = append(seen, task.From(ctx).Info().Blocking)
		return strings.Join(seen, "|"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := tk.Wait(context.Background()); v != "waiting for web|waiting for db|" {
		t.Errorf("got %v", v)
	}
}

func TestRetentionForgetsTheOldestTrees(t *testing.T) {
	s := store.NewMemory()
	m := manager(t, task.Config{Store: s, MaxTasks: 10})
	for i := range 20 {
		tk, err := m.Submit(task.Spec{ID: task.ID(fmt.Sprintf("r%02d", i)), Name: "r", Entity: "e"}, func(ctx context.Context) (any, error) {
			return m.Run(ctx, task.Spec{ID: task.From(ctx).ID() + "-0", Name: "step"}, func(context.Context) (any, error) { return nil, nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		<-tk.Done()
	}
	closeNow(t, m) // after the last task's bookkeeping
	for id, want := range map[task.ID]bool{"r00": false, "r00-0": false, "r19": true, "r19-0": true} {
		if _, err := m.Get(id); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", id, err == nil, want)
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := s.Scan("task", "", func(string, []byte) error { n++; return nil }); err != nil || n > 10 {
		t.Errorf("%d tasks in the store (%v), at most 10 are kept", n, err)
	}
}

func TestParallelBoundsAndCollects(t *testing.T) {
	var now, peak atomic.Int32
	err := task.Parallel(context.Background(), 20, 3, func(_ context.Context, i int) error {
		n := now.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		defer now.Add(-1)
		switch i {
		case 4:
			return errors.New("four failed")
		case 9:
			panic("nine")
		}
		return nil
	})
	if peak.Load() > 3 {
		t.Errorf("%d at once, limit 3", peak.Load())
	}
	if err == nil || !strings.Contains(err.Error(), "four failed") || !strings.Contains(err.Error(), "panic: nine") {
		t.Errorf("error %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, task.Config{})
		tk, err := m.Submit(task.Spec{ID: "slow", Name: "slow"}, func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := tk.Wait(ctx); fault.KindOf(err) != fault.Timeout {
			t.Errorf("error %v, want a timeout", err)
		}
		tk.Cancel()
		closeNow(t, m)
	})
}
