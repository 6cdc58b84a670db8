package docker

import (
	"context"
	"encoding/json"
	"io"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	apicontainer "github.com/docker/docker/api/types/container"
)

// statsAtOnce is how many containers of one engine are asked at a time.
const statsAtOnce = 8

// statsLimit bounds one answer, in bytes.
const statsLimit = 1 << 20

func (e *engine) Stats(ctx context.Context) (stats, error) {
	list, err := e.api.ContainerList(ctx, apicontainer.ListOptions{})
	if err != nil {
		return stats{}, classify(err)
	}
	out := stats{CPU: make(map[string]spent, len(list))}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		slots = make(chan struct{}, statsAtOnce)
		first error
	)
	for _, c := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s, err := e.containerStats(ctx, c.ID)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case cerrdefs.IsNotFound(err) || err == nil && s.CPUStats.CPUUsage.TotalUsage == 0: // it ended
			case err != nil && first == nil:
				first = err
			case err == nil:
				out.CPU[c.ID] = spent{Used: s.CPUStats.CPUUsage.TotalUsage, System: s.CPUStats.SystemUsage}
				out.Memory += resident(&s.MemoryStats)
			}
		})
	}
	wg.Wait()
	return out, classify(first)
}

func (e *engine) containerStats(ctx context.Context, id string) (*apicontainer.StatsResponse, error) {
	answer, err := e.api.ContainerStatsOneShot(ctx, id)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	s := new(apicontainer.StatsResponse)
	return s, json.NewDecoder(io.LimitReader(answer.Body, statsLimit)).Decode(s)
}

// resident is the memory that a container holds, as the docker command shows
// it: without file caches that the kernel can drop, which the two versions of
// control groups name differently.
func resident(m *apicontainer.MemoryStats) int64 {
	cache := m.Stats["inactive_file"]
	if v1, ok := m.Stats["total_inactive_file"]; ok {
		cache = v1
	}
	return int64(m.Usage - min(m.Usage, cache))
}
