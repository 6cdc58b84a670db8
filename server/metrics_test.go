package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/wasm"
)

func TestMetrics(t *testing.T) {
	latency := make([]int64, len(wasm.LatencyBuckets())+1)
	for k := range latency {
		latency[k] = int64(min(k, 7))
	}
	stats := wasm.Stats{
		Calls: 7, Failures: 2, Refused: 3, Fuel: 12345, Busy: 1500 * time.Millisecond, Latency: latency,
		Idle: 1, Running: 2, Started: 4, Discarded: 1, Pages: 3, CompileTime: 250 * time.Millisecond, Suspended: "it failed",
	}
	s := New(nil, Config{Password: "secret", Log: slog.New(slog.DiscardHandler), Modules: func() []wasm.ModuleStats {
		return []wasm.ModuleStats{
			{Module: `a "quoted" name`, Hash: "0123456789abcdef", Stats: stats},
			{Module: `a "quoted" name`, Hash: "0123456789abcdef", Stats: stats},
			{Module: "other", Hash: "ff", Stats: wasm.Stats{Latency: latency}},
		}
	}})
	get := func(password string) (int, string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
		if password != "" {
			r.SetBasicAuth("admin", password)
		}
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if code, body := get(""); code != http.StatusUnauthorized || strings.Contains(body, "gowanus") {
		t.Errorf("without the password: %d %s", code, body)
	}
	code, body := get("secret")
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	const labels = `{hash="0123456789ab",module="a \"quoted\" name"`
	for _, want := range []string{
		"gowanus_module_calls_total" + labels + "} 7",
		"gowanus_module_failures_total" + labels + "} 2",
		"gowanus_module_refusals_total" + labels + "} 3",
		"gowanus_module_fuel_total" + labels + "} 12345",
		"gowanus_module_instances_started_total" + labels + "} 4",
		"gowanus_module_instances_discarded_total" + labels + "} 1",
		"gowanus_module_instances" + labels + "} 3",
		"gowanus_module_memory_bytes" + labels + "} 196608",
		"gowanus_module_compile_seconds" + labels + "} 0.25",
		"gowanus_module_suspended" + labels + "} 1",
		`gowanus_module_suspended{hash="ff",module="other"} 0`,
		"gowanus_module_call_seconds_bucket" + labels + `,le="2.5e-05"} 0`,
		"gowanus_module_call_seconds_bucket" + labels + `,le="0.001"} 3`,
		"gowanus_module_call_seconds_bucket" + labels + `,le="+Inf"} 7`,
		"gowanus_module_call_seconds_sum" + labels + "} 1.5",
		"gowanus_module_call_seconds_count" + labels + "} 7",
		"# TYPE gowanus_module_calls_total counter",
		"go_goroutines ",
	} {
		if strings.Count(body, "\n"+want) != 1 {
			t.Errorf("%s is missing", want)
		}
	}
}
