package docker

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestStats(t *testing.T) {
	d := serve(t, answers{
		"GET /containers/json":        {200, `[{"Id":"v2"},{"Id":"v1"},{"Id":"ended"},{"Id":"gone"}]`},
		"GET /containers/v2/stats":    {200, `{"cpu_stats":{"cpu_usage":{"total_usage":70},"system_cpu_usage":1000},"memory_stats":{"usage":500,"stats":{"inactive_file":100}}}`},
		"GET /containers/v1/stats":    {200, `{"cpu_stats":{"cpu_usage":{"total_usage":30},"system_cpu_usage":1001},"memory_stats":{"usage":50,"stats":{"total_inactive_file":60}}}`},
		"GET /containers/ended/stats": {200, `{"cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{}}`},
		"GET /containers/gone/stats":  {404, `{"message":"No such container: gone"}`},
	})
	got, err := d.Stats(t.Context())
	want := stats{CPU: map[string]spent{"v2": {70, 1000}, "v1": {30, 1001}}, Memory: 400}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	d = serve(t, answers{
		"GET /containers/json":    {200, `[{"Id":"a"}]`},
		"GET /containers/a/stats": {500, `{"message":"cgroup: not mounted"}`},
	})
	_, err = d.Stats(t.Context())
	wantErr(t, err, fault.Unavailable, "cgroup: not mounted")
}
