package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

func TestMetrics(t *testing.T) {
	latency := make([]int64, len(wasm.LatencyBuckets())+1)
	for k := range latency {
		latency[k] = int64(min(k, 7))
	}
	tally := wasm.Tally{Calls: 7, Failures: 2, Fuel: 12345, Busy: 1500 * time.Millisecond, Latency: latency}
	stats := wasm.Stats{
		Hooks: []wasm.HookTally{{Hook: hook.PolicyEvent, Tally: tally}}, Refused: 3,
		Idle: 1, Running: 2, Started: 4, Discarded: 1, Pages: 3, CompileTime: 250 * time.Millisecond, Suspended: "it failed",
	}
	get := func(h http.Handler) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Code, w.Body.String()
	}
	log := slog.New(slog.DiscardHandler)
	if code, body := get(New(nil, Config{Password: "secret", Log: log}).Handler()); code != http.StatusUnauthorized || strings.Contains(body, "gowanus") {
		t.Errorf("without the password: %d %s", code, body)
	}
	e := echo.New()
	e.GET("/metrics", newMetrics(func() []moduleCounts {
		return []moduleCounts{{`a "quoted" name`, "1.0", 5, stats}, {"other", "2", 0, wasm.Stats{}}}
	}, log))
	code, body := get(e)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	const labels, event = `{module="a \"quoted\" name",version="1.0"`, `{hook="policy.event",module="a \"quoted\" name",version="1.0"`
	for _, want := range []string{
		"gowanus_module_calls_total" + event + "} 7",
		"gowanus_module_failures_total" + event + "} 2",
		"gowanus_module_refused_calls_total" + labels + "} 3",
		"gowanus_module_refused_decisions_total" + labels + "} 5",
		"gowanus_module_fuel_total" + event + "} 12345",
		"gowanus_module_instances_started_total" + labels + "} 4",
		"gowanus_module_instances_discarded_total" + labels + "} 1",
		"gowanus_module_instances" + labels + "} 3",
		"gowanus_module_memory_bytes" + labels + "} 196608",
		"gowanus_module_compile_seconds" + labels + "} 0.25",
		"gowanus_module_suspended" + labels + "} 1",
		`gowanus_module_suspended{module="other",version="2"} 0`,
		"gowanus_module_call_seconds_bucket" + event + `,le="2.5e-05"} 0`,
		"gowanus_module_call_seconds_bucket" + event + `,le="0.001"} 3`,
		"gowanus_module_call_seconds_bucket" + event + `,le="+Inf"} 7`,
		"gowanus_module_call_seconds_sum" + event + "} 1.5",
		"gowanus_module_call_seconds_count" + event + "} 7",
		"# TYPE gowanus_module_calls_total counter",
		"go_goroutines ",
	} {
		if strings.Count(body, "\n"+want) != 1 {
			t.Errorf("%s is missing", want)
		}
	}
}
