package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// stage is a host whose workflow has two phases of two steps each and a
// nested run; it notes what acts.
type stage struct {
	runner *workflow.Runner

	mu    sync.Mutex
	acted []string
	stop  func(n int) error // asked before the n-th act
}

func (s *stage) Decide(_ context.Context, r *workflow.Record) (*hook.Decision, error) {
	switch {
	case r.Token == "second":
		var got []string
		for _, o := range r.Outputs {
			got = append(got, fmt.Sprint(o.Output))
		}
		return &hook.Decision{
			Steps:  []hook.Step{{Step: "c"}, {Step: "nested"}, {Step: "d"}},
			Result: strings.Join(got, ","),
		}, nil
	case r.Effector == "inner":
		return &hook.Decision{Steps: []hook.Step{{Step: "x"}, {Step: "y"}}, Result: "inner result"}, nil
	}
	return &hook.Decision{Steps: []hook.Step{{Step: "a"}, {Step: "b"}, {Continue: "second"}}}, nil
}

func (s *stage) Plan(context.Context, *workflow.Record, string, map[string]any) (any, error) {
	return nil, nil
}
func (s *stage) Definition(*workflow.Record) (*step.Workflow, error) { return nil, nil }
func (s *stage) Retention(*workflow.Record) *step.Retention          { return nil }
func (s *stage) Entity(string) (*entity.Entity, error)               { return nil, nil }

func (s *stage) Publish(*workflow.Record, map[string]any) error { return nil }

func (s *stage) Act(ctx context.Context, r *workflow.Record, step hook.Step) (any, error) {
	if step.Step == "nested" {
		inner := &workflow.Record{ID: r.Nest("e2-inner"), Name: "inner", Effector: "inner", Entity: "e2"}
		inner.Task = string(inner.ID)
		return s.runner.Nested(ctx, inner, task.Spec{Name: "inner"}, through)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		if err := s.stop(len(s.acted)); err != nil {
			return nil, err
		}
	}
	s.acted = append(s.acted, step.Step)
	return strings.ToUpper(step.Step), nil
}

func through(ctx context.Context, rest workflow.Rest) (any, error) { return rest(ctx) }

func setUp(t *testing.T, st store.Store) (*stage, *task.Manager) {
	t.Helper()
	m, err := task.NewManager(task.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{}
	s.runner = workflow.NewRunner(workflow.Config{Store: st, Tasks: m, Host: s})
	return s, m
}

func begin(t *testing.T, s *stage, st store.Store) *task.Task {
	t.Helper()
	r := &workflow.Record{ID: "w", Task: "w", Name: "outer", Effector: "outer", Entity: "e1"}
	var b store.Batch
	if err := s.runner.Stage(r, &b); err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	tk, err := s.runner.Start(r, task.Spec{Name: "outer"}, through)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

var all = []string{"a", "b", "c", "x", "y", "d"}

func records(t *testing.T, st store.Store) (ids []string) {
	t.Helper()
	if err := st.Scan("workflow", "", func(key string, _ []byte) error { ids = append(ids, key); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestPhasesAndNesting(t *testing.T) {
	st := store.NewMemory()
	s, m := setUp(t, st)
	tk := begin(t, s, st)
	v, err := tk.Wait(context.Background())
	if err != nil || v != "A,B" {
		t.Errorf("got %v, %v", v, err)
	}
	if !slices.Equal(s.acted, all) {
		t.Errorf("acted %v, want %v", s.acted, all)
	}
	if left := records(t, st); len(left) > 0 {
		t.Errorf("records are left: %v", left)
	}
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// The server is stopped before each act in turn. The next one goes on there:
// nothing is left out, and only the act that was interrupted may come twice.
func TestResumeAfterEveryStep(t *testing.T) {
	for n := range all {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			st := store.NewMemory()
			s, m := setUp(t, st)
			reached := make(chan struct{})
			s.stop = func(i int) error {
				if i < n {
					return nil
				}
				close(reached)
				<-m.Context().Done()
				return context.Cause(m.Context())
			}
			begin(t, s, st)
			<-reached
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := m.Close(ctx); err != nil {
				t.Fatal(err)
			}
			first := s.acted

			s, _ = setUp(t, st)
			open, err := s.runner.Load()
			if err != nil || len(open) != 1 {
				t.Fatalf("%d runs are open, %v", len(open), err)
			}
			tk, err := s.runner.Start(open[0], task.Spec{Name: "outer"}, through)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := tk.Wait(ctx); err != nil || v != "A,B" {
				t.Errorf("got %v, %v", v, err)
			}
			if got := append(first, s.acted...); !slices.Equal(got, all) {
				t.Errorf("acted %v, then %v", first, s.acted)
			}
			if left := records(t, st); len(left) > 0 {
				t.Errorf("records are left: %v", left)
			}
		})
	}
}

func TestFailureEndsTheRun(t *testing.T) {
	st := store.NewMemory()
	s, _ := setUp(t, st)
	s.stop = func(i int) error {
		if i == 4 { // within the nested run
			return fault.New(fault.Capacity, "no room")
		}
		return nil
	}
	_, err := begin(t, s, st).Wait(context.Background())
	if err == nil || err.Error() != "no room" || fault.KindOf(err) != fault.Capacity {
		t.Errorf("error %v", err)
	}
	if want := all[:4]; !slices.Equal(s.acted, want) {
		t.Errorf("acted %v, want %v", s.acted, want)
	}
	if left := records(t, st); len(left) > 0 {
		t.Errorf("records are left: %v", left)
	}
}

type slow struct{ stage }

func (s *slow) Decide(context.Context, *workflow.Record) (*hook.Decision, error) {
	return &hook.Decision{Steps: []hook.Step{{Step: "wait", Timeout: "10ms"}}}, nil
}

func (s *slow) Act(ctx context.Context, _ *workflow.Record, _ hook.Step) (any, error) {
	<-ctx.Done()
	return nil, errors.New("broke off")
}

func TestStepTimeout(t *testing.T) {
	st := store.NewMemory()
	m, err := task.NewManager(task.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{}
	s.runner = workflow.NewRunner(workflow.Config{Store: st, Tasks: m, Host: &slow{}})
	_, err = begin(t, s, st).Wait(context.Background())
	if err == nil || err.Error() != "step wait has not ended within 10ms" || fault.KindOf(err) != fault.Timeout {
		t.Errorf("error %v", err)
	}
}

type endless struct{ stage }

func (*endless) Decide(context.Context, *workflow.Record) (*hook.Decision, error) {
	return &hook.Decision{Steps: []hook.Step{{Continue: "again"}}}, nil
}

func (*endless) Act(context.Context, *workflow.Record, hook.Step) (any, error) { return nil, nil }

func TestStepLimit(t *testing.T) {
	st := store.NewMemory()
	m, err := task.NewManager(task.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{}
	s.runner = workflow.NewRunner(workflow.Config{Store: st, Tasks: m, Host: &endless{}, Limits: workflow.Limits{Steps: 20}})
	_, err = begin(t, s, st).Wait(context.Background())
	if fault.KindOf(err) != fault.Limit || !strings.Contains(err.Error(), "Limits.Steps allows 20") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkThreeSteps(b *testing.B) {
	st := store.NewMemory()
	m, err := task.NewManager(task.Config{Store: st})
	if err != nil {
		b.Fatal(err)
	}
	s := &stage{}
	s.runner = workflow.NewRunner(workflow.Config{Store: st, Tasks: m, Host: &threeSteps{}})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf("w%d", n)
		r := &workflow.Record{ID: workflow.ID(id), Task: id, Name: "outer", Entity: "e1"}
		tk, err := s.runner.Start(r, task.Spec{Name: "outer"}, through)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tk.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

type threeSteps struct{ stage }

func (*threeSteps) Decide(context.Context, *workflow.Record) (*hook.Decision, error) {
	return &hook.Decision{Steps: []hook.Step{{Step: "a"}, {Step: "b"}, {Step: "c"}}}, nil
}

func (*threeSteps) Act(context.Context, *workflow.Record, hook.Step) (any, error) { return nil, nil }
