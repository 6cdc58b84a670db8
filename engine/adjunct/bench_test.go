package adjunct_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// counter answers every call alike, and counts them.
type counter struct {
	host
	asked atomic.Int64
	told  chan struct{}
}

func (c *counter) Decide(context.Context, *adjunct.Record, *hook.PolicyCall) (*hook.Decision, error) {
	c.asked.Add(1)
	c.told <- struct{}{}
	return &hook.Decision{}, nil
}

// BenchmarkEventOfOneChild is the cost of one child's event for a policy that
// listens to all of them. It must not grow with their number.
func BenchmarkEventOfOneChild(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := store.NewMemory()
			tasks, err := task.NewManager(task.Config{Store: s})
			if err != nil {
				b.Fatal(err)
			}
			tree := entity.NewTree(s)
			top := &entity.New{Declaration: plain}
			top.ID, top.Name, top.Type = "e", "e", "plain"
			for i := range n {
				c := &entity.New{Declaration: plain}
				c.ID, c.Name, c.Type = entity.ID(fmt.Sprint("c", i)), "c", "plain"
				top.Children = append(top.Children, c)
			}
			own, err := tree.Add(b.Context(), nil, top, nil)
			if err != nil {
				b.Fatal(err)
			}
			h := &counter{host: host{store: s}, told: make(chan struct{}, 1)}
			h.events = func(context.Context, *entity.Entity) ([]adjunct.Watch, error) {
				return []adjunct.Watch{{Of: adjunct.Children, Sensor: "n"}}, nil
			}
			m := adjunct.NewManager(adjunct.Config{Store: s, Tasks: tasks, Tree: tree, Host: h})
			if err := m.Attach(own, &adjunct.Record{ID: "p", Entity: "e", Type: "watcher", Name: "watcher"}); err != nil {
				b.Fatal(err)
			}
			child := own.Children()[n/2]
			b.ReportAllocs()
			for b.Loop() {
				child.Set("n", 1)
				<-h.told
			}
			b.StopTimer()
			if err := tasks.Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}
