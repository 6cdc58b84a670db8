package engine_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
	"github.com/gowanus-project/gowanus/engine/task"
)

// threeSteps is what the benchmarks run: each step acts, so each is stored
// durably before the next.
const threeSteps = "steps: [set-sensor a = 1, set-sensor b = 2, set-sensor c = 3]"

// onDisk gives an engine on a store that waits for the disk, with n entities.
func onDisk(b testing.TB, n int) (*engine.Engine, store.Store, []*entity.Entity) {
	b.Helper()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	s, err := badger.Open(badger.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(context.Background(), engine.Config{Store: s, Types: slices.Concat(stock.Types(), flow.Types())})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = e.Close(context.Background())
		_ = s.Close()
		_ = os.RemoveAll(dir)
	})
	app, _, err := e.Deploy(context.Background(), engine.Request{Text: several(n)})
	if err != nil {
		b.Fatal(err)
	}
	return e, s, app.Children()
}

// several writes a blueprint of n entities with an effector of three steps, and
// one more, so that they are not an application each.

func several(n int) []byte {
	text := []byte("services:\n")
	for range n {
		text = append(text, "- type: basic-entity\n  brooklyn.initializers: [{type: workflow-effector, name: three, "+threeSteps+"}]\n"...)
	}
	return append(text, "- type: basic-entity\n"...)
}

// BenchmarkDurableSteps gives the steps per second of workflows of three steps,
// by how many run at once, and beside it the commits per second of as many
// writers of 256 bytes: what the store can do at most.
func BenchmarkDurableSteps(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			e, s, on := onDisk(b, clients)
			b.Run("floor", func(b *testing.B) { commits(b, s, clients) })
			b.Run("steps", func(b *testing.B) { steps(b, e, on, clients) })
		})
	}
}

func commits(b *testing.B, s store.Store, clients int) {
	var n atomic.Int64
	value := make([]byte, 256)
	begun := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				var batch store.Batch
				batch.Put("bench", fmt.Sprintf("%012d", i), value)
				if err := s.Commit(context.Background(), &batch); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "commits/s")
}

func steps(b *testing.B, e *engine.Engine, on []*entity.Entity, clients int) {
	var n atomic.Int64
	took := make([][]time.Duration, clients)
	begun := time.Now()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				start := time.Now()
				t, err := e.Invoke(context.Background(), on[c], "three", nil)
				if err == nil {
					_, err = t.Wait(context.Background())
				}
				if err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(start)/3)
			}
		})
	}
	all.Wait()
	b.ReportMetric(3*float64(b.N)/time.Since(begun).Seconds(), "steps/s")
	each := slices.Concat(took...)
	slices.Sort(each)
	b.ReportMetric(float64(each[len(each)/2].Microseconds()), "p50-µs/step")
	b.ReportMetric(float64(each[len(each)*99/100].Microseconds()), "p99-µs/step")
}

// BenchmarkSleeping gives the memory of workflows that sleep.
func BenchmarkSleeping(b *testing.B) {
	const sleepers = 10_000
	for b.Loop() {
		e, _, on := onDisk(b, 1)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range sleepers {
			if _, err := e.RunWorkflow(context.Background(), on[0], engine.Request{Text: []byte("steps: [let x = 1, sleep 1h, 'return ${x}']")}); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/sleepers, "bytes/workflow")
		b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "MB-sys")
	}
}

// BenchmarkAmong gives the steps per second of one client while many workflows
// sleep, and many ended ones are kept.
func BenchmarkAmong(b *testing.B) {
	for _, others := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			e, _, on := onDisk(b, 65)
			var all sync.WaitGroup
			for c := range 64 {
				all.Go(func() {
					for range others / 64 {
						for _, text := range []string{"steps: [sleep 1h]", "retention: forever\nsteps: [no-op]"} {
							if _, err := e.RunWorkflow(context.Background(), on[c], engine.Request{Text: []byte(text)}); err != nil {
								b.Error(err)
							}
						}
					}
				})
			}
			all.Wait()
			b.ResetTimer()
			steps(b, e, on[64:], 1)
		})
	}
}

// BenchmarkResume gives the time from the start of a server until 1,000
// workflows that were interrupted have ended.
func BenchmarkResume(b *testing.B) {
	const interrupted = 1000
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		first := &gate{hold: make(chan struct{})}
		e, s := first.open(b, dir)
		app, _, err := e.Deploy(context.Background(), engine.Request{Text: several(16)})
		if err != nil {
			b.Fatal(err)
		}
		var ids []task.ID
		for i := range interrupted {
			t, err := e.RunWorkflow(context.Background(), app.Children()[i%16], engine.Request{
				Text: []byte("steps: [let x = 1, set-sensor a = 1, {step: shell held, idempotent: yes}, 'set-sensor b = ${x}', 'return ${x}']"),
			})
			if err != nil {
				b.Fatal(err)
			}
			ids = append(ids, t.ID())
		}
		first.await(interrupted)
		_ = e.Close(context.Background())
		_ = s.Close()
		second := &gate{}
		b.StartTimer()
		e, s = second.open(b, dir)
		for _, id := range ids {
			t, err := e.Tasks().Get(id)
			if err == nil {
				_, err = t.Wait(context.Background())
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		_ = e.Close(context.Background())
		_ = s.Close()
		b.StartTimer()
	}
}

// gate is a step that holds workflows until their server stops.
type gate struct {
	hold chan struct{} // nil lets them through
	mu   sync.Mutex
	in   int
	some sync.Cond
}

func (g *gate) open(b *testing.B, dir string) (*engine.Engine, store.Store) {
	b.Helper()
	g.some.L = &g.mu
	s, err := badger.Open(badger.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	run := func(ctx context.Context, _ *action.Call) (any, error) {
		g.mu.Lock()
		g.in++
		g.some.Broadcast()
		g.mu.Unlock()
		if g.hold == nil {
			return nil, nil
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	e, err := engine.New(context.Background(), engine.Config{
		Store: s, Types: slices.Concat(stock.Types(), flow.Types()), Actions: []action.Action{{Name: "shell", Run: run}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return e, s
}

func (g *gate) await(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.in < n {
		g.some.Wait()
	}
}
