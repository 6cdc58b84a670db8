package server

import (
	"log/slog"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gowanus-project/gowanus/engine/wasm"
)

// newMetrics makes the handler of GET /metrics: what Go and the process tell of
// themselves, and each loaded module. stats may be nil.
func newMetrics(stats func() []wasm.ModuleStats, log *slog.Logger) echo.HandlerFunc {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if stats != nil {
		r.MustRegister(newModuleMetrics(stats))
	}
	return echo.WrapHandler(promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	}))
}

// moduleMetric is one number of a module.
type moduleMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*wasm.ModuleStats) float64
}

// moduleMetrics turns snapshots of modules into metrics whenever they are asked
// for.
type moduleMetrics struct {
	stats   func() []wasm.ModuleStats
	numbers []moduleMetric
	latency *prometheus.Desc
}

func newModuleMetrics(stats func() []wasm.ModuleStats) *moduleMetrics {
	m := &moduleMetrics{stats: stats, latency: moduleDesc("call_seconds", "How long calls of a module's instances took.")}
	add := func(kind prometheus.ValueType, name, help string, value func(*wasm.ModuleStats) float64) {
		m.numbers = append(m.numbers, moduleMetric{moduleDesc(name, help), kind, value})
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	add(counter, "calls_total", "Calls that reached an instance of the module.", func(s *wasm.ModuleStats) float64 { return float64(s.Calls) })
	add(counter, "failures_total", "Calls that ended without an answer.", func(s *wasm.ModuleStats) float64 { return float64(s.Failures) })
	add(counter, "refusals_total", "Calls that reached no instance: the module was suspended, or over a limit.", func(s *wasm.ModuleStats) float64 { return float64(s.Refused) })
	add(counter, "fuel_total", "Fuel that calls took.", func(s *wasm.ModuleStats) float64 { return float64(s.Fuel) })
	add(counter, "instances_started_total", "Instances that were made.", func(s *wasm.ModuleStats) float64 { return float64(s.Started) })
	add(counter, "instances_discarded_total", "Instances that were thrown away.", func(s *wasm.ModuleStats) float64 { return float64(s.Discarded) })
	add(gauge, "instances", "Instances there are.", func(s *wasm.ModuleStats) float64 { return float64(s.Idle + s.Running) })
	add(gauge, "memory_bytes", "Memory of all instances.", func(s *wasm.ModuleStats) float64 { return float64(s.Pages) * 65536 })
	add(gauge, "compile_seconds", "How long the module took to compile, or to be read from the cache.", func(s *wasm.ModuleStats) float64 { return s.CompileTime.Seconds() })
	add(gauge, "suspended", "1 when the module is suspended, else 0.", func(s *wasm.ModuleStats) float64 {
		if s.Suspended != "" {
			return 1
		}
		return 0
	})
	return m
}

func moduleDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("gowanus_module_"+name, help, []string{"module", "hash"}, nil)
}

// Describe implements prometheus.Collector.
func (m *moduleMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, n := range m.numbers {
		out <- n.desc
	}
	out <- m.latency
}

// Collect implements prometheus.Collector. Of modules with the same name and
// the same file only the first is told.
func (m *moduleMetrics) Collect(out chan<- prometheus.Metric) {
	type key struct{ name, hash string }
	told := map[key]bool{}
	for _, s := range m.stats() {
		k := key{s.Module, s.Hash[:min(len(s.Hash), 12)]}
		if told[k] {
			continue
		}
		told[k] = true
		for _, n := range m.numbers {
			out <- prometheus.MustNewConstMetric(n.desc, n.kind, n.value(&s), k.name, k.hash)
		}
		buckets := map[float64]uint64{}
		for i, bound := range wasm.LatencyBuckets() {
			buckets[bound.Seconds()] = uint64(s.Latency[i])
		}
		out <- prometheus.MustNewConstHistogram(m.latency, uint64(s.Calls), s.Busy.Seconds(), buckets, k.name, k.hash)
	}
}
