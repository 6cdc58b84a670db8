//go:build lab

package bench

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/docker"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/test/lab"
)

// BenchmarkProviderDeploy50 does what BenchmarkRawDeploy50 does through the
// docker provider: all 50 are asked for at once, and each must stay up.
func BenchmarkProviderDeploy50(b *testing.B) {
	l := lab.Up(b)
	l.Load(b, lab.Sleeper)
	defer l.Wipe(b)
	p := docker.New(docker.Config{Plane: "bench"})
	cloud, err := p.Open(location.Definition{Name: "cloud", Kind: docker.Kind, Config: l.LocationConfig()})
	if err != nil {
		b.Fatal(err)
	}
	defer cloud.Close()
	steps := map[string]action.Action{}
	for _, a := range p.Actions() {
		steps[a.Name] = a
	}
	for b.Loop() {
		leases := all(b, func(ctx context.Context, c *action.Call) error {
			for _, s := range []struct {
				name  string
				input map[string]any
			}{
				{"pull-image", map[string]any{"image": lab.Sleeper}},
				{"create-container", map[string]any{"image": lab.Sleeper, "name": "bench-" + c.Entity.ID}},
				{"start-container", nil},
			} {
				c.Input = s.input
				if _, err := steps[s.name].Run(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
		b.StopTimer()
		each(b, func(ctx context.Context, i int) error {
			_, err := steps["remove-container"].Run(ctx, leases[i])
			return err
		})
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/containers, "ms/container")
}

// all runs do for every container at once, each with a call of its own.
func all(b *testing.B, do func(ctx context.Context, c *action.Call) error) []*action.Call {
	b.Helper()
	calls := make([]*action.Call, containers)
	var wg sync.WaitGroup
	for i := range calls {
		id := fmt.Sprintf("e%d", i)
		lease := &location.Lease{Entity: id, Application: "bench", Location: "cloud", Kind: docker.Kind, Host: "lh1"}
		c := &action.Call{Entity: hook.Ref{ID: id, Application: "bench", Name: id}, Lease: lease, Out: io.Discard, Err: io.Discard}
		c.Hold = func(_ context.Context, resource string) error { lease.Resource = resource; return nil }
		calls[i] = c
		wg.Go(func() {
			if err := do(b.Context(), c); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return calls
}
