//go:build lab

package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/gowanus-project/gowanus/test/lab"
)

const (
	containers = 50
	parallel   = 4 // measured to be best on two cores
)

func TestMain(m *testing.M) { lab.Main(m) }

// dial connects to a host as the product does: TCP, TLS, negotiated version.
func dial(b *testing.B, l *lab.Lab, h *lab.Host) *client.Client {
	b.Helper()
	in := func(name string) string { return filepath.Join(l.Dir, name) }
	c, err := client.NewClientWithOpts(client.WithHost(h.URL()),
		client.WithTLSClientConfig(in("ca.pem"), in("cert.pem"), in("key.pem")), client.WithAPIVersionNegotiation())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// BenchmarkRawDeploy50 creates and starts 50 containers on one network, four
// at a time, with nothing in between.
func BenchmarkRawDeploy50(b *testing.B) {
	l := lab.Up(b)
	l.Load(b, lab.Sleeper)
	api := dial(b, l, l.Hosts[0])
	if _, err := api.NetworkCreate(b.Context(), "raw", network.CreateOptions{Driver: "bridge"}); err != nil {
		b.Fatal(err)
	}
	defer l.Wipe(b)
	for b.Loop() {
		each(b, func(ctx context.Context, i int) error {
			name := fmt.Sprintf("raw-%d", i)
			made, err := api.ContainerCreate(ctx, &container.Config{Image: lab.Sleeper, Hostname: name},
				&container.HostConfig{NetworkMode: "raw"}, nil, nil, name)
			if err != nil {
				return err
			}
			return api.ContainerStart(ctx, made.ID, container.StartOptions{})
		})
		b.StopTimer()
		each(b, func(ctx context.Context, i int) error {
			return api.ContainerRemove(ctx, fmt.Sprintf("raw-%d", i), container.RemoveOptions{Force: true})
		})
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/containers, "ms/container")
}

// each runs do for every container, some at a time.
func each(b *testing.B, do func(ctx context.Context, i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	next := make(chan int)
	for range parallel {
		wg.Go(func() {
			for i := range next {
				if err := do(b.Context(), i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range containers {
		next <- i
	}
	close(next)
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}
