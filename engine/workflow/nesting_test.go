package workflow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// mirrors is a host whose runs call themselves, each so many times.
type mirrors struct {
	*stage
	times   int
	lenient bool
	runs    int
	longest int // of the ids
}

func (m *mirrors) Decide(context.Context, *workflow.Record) (*hook.Decision, error) {
	return &hook.Decision{Steps: make([]hook.Step, m.times)}, nil
}

func (m *mirrors) Act(ctx context.Context, r *workflow.Record, _ hook.Step) (any, error) {
	m.runs, m.longest = m.runs+1, max(m.longest, len(r.ID))
	inner := &workflow.Record{ID: r.Nest("s5xaakris5ih-again"), Name: "again", Entity: "e"}
	inner.Task = string(inner.ID)
	_, err := m.runner.Nested(ctx, inner, task.Spec{Name: "again"}, through)
	if m.lenient {
		return nil, nil
	}
	return nil, err
}

// What calls itself ends at a limit, long before the memory does.
func TestRunsThatCallThemselvesEnd(t *testing.T) {
	for _, c := range []struct {
		limits  workflow.Limits
		times   int
		lenient bool
		runs    int
		want    string
	}{
		{workflow.Limits{}, 1, false, 301, "again is 301 runs within one another, Limits.Nesting allows 300; does it call itself?"},
		{workflow.Limits{Nesting: 2}, 3, true, 3 + 9 + 27, ""},
		{workflow.Limits{Runs: 50}, 2, false, 51, "again is one more than the 50 runs within one that Limits.Runs allows"},
	} {
		st := store.NewMemory()
		s, tasks := setUp(t, st)
		m := &mirrors{stage: s, times: c.times, lenient: c.lenient}
		m.runner = workflow.NewRunner(workflow.Config{Store: st, Tasks: tasks, Host: m, Limits: c.limits})
		_, err := begin(t, m.stage, st).Wait(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want) || fault.KindOf(err) != fault.Limit) {
			t.Errorf("%+v: error %v", c.limits, err)
		}
		if m.runs != c.runs || m.longest > 300 {
			t.Errorf("%+v: %d runs, with ids of at most %d bytes", c.limits, m.runs, m.longest)
		}
		if left := records(t, st); len(left) > 0 {
			t.Errorf("%+v: %d records are left", c.limits, len(left))
		}
	}
}
