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
// themselves, and each module.
func newMetrics(modules func() []moduleCounts, log *slog.Logger) echo.HandlerFunc {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newModuleMetrics(modules))
	return echo.WrapHandler(promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	}))
}

// moduleCounts is what there is to tell of a module.
type moduleCounts struct {
	name, version string
	refused       int64 // decisions, for what they would do
	wasm.Stats
}

func (s *Server) moduleCounts() []moduleCounts {
	var out []moduleCounts
	for _, m := range s.engine.Modules() {
		_, refused := m.Refusals()
		out = append(out, moduleCounts{m.Name(), m.Version(), refused, m.Stats()})
	}
	return out
}

// moduleMetric is one number of a module.
type moduleMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*moduleCounts) float64
}

// hookMetric is one number of a module for each hook that was called.
type hookMetric struct {
	desc  *prometheus.Desc
	value func(*wasm.Tally) float64
}

// moduleMetrics turns snapshots of modules into metrics whenever they are asked
// for.
type moduleMetrics struct {
	modules func() []moduleCounts
	numbers []moduleMetric
	hooks   []hookMetric
	latency *prometheus.Desc
}

func newModuleMetrics(modules func() []moduleCounts) *moduleMetrics {
	m := &moduleMetrics{modules: modules, latency: moduleDesc("call_seconds", "How long calls of a module's instances took.", "hook")}
	hook := func(name, help string, value func(*wasm.Tally) float64) {
		m.hooks = append(m.hooks, hookMetric{moduleDesc(name, help, "hook"), value})
	}
	hook("calls_total", "Calls that reached an instance of the module.", func(t *wasm.Tally) float64 { return float64(t.Calls) })
	hook("failures_total", "Calls that ended without an answer.", func(t *wasm.Tally) float64 { return float64(t.Failures) })
	hook("fuel_total", "Fuel that calls took.", func(t *wasm.Tally) float64 { return float64(t.Fuel) })
	add := func(kind prometheus.ValueType, name, help string, value func(*moduleCounts) float64) {
		m.numbers = append(m.numbers, moduleMetric{moduleDesc(name, help), kind, value})
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	add(counter, "refused_calls_total", "Calls that reached no instance: the module was suspended, or over a limit.", func(s *moduleCounts) float64 { return float64(s.Refused) })
	add(counter, "refused_decisions_total", "Decisions that were refused: the module was not granted what they do.", func(s *moduleCounts) float64 { return float64(s.refused) })
	add(counter, "instances_started_total", "Instances that were made.", func(s *moduleCounts) float64 { return float64(s.Started) })
	add(counter, "instances_discarded_total", "Instances that were thrown away.", func(s *moduleCounts) float64 { return float64(s.Discarded) })
	add(gauge, "instances", "Instances there are.", func(s *moduleCounts) float64 { return float64(s.Idle + s.Running) })
	add(gauge, "memory_bytes", "Memory of all instances.", func(s *moduleCounts) float64 { return float64(s.Pages) * pageBytes })
	add(gauge, "compile_seconds", "How long the module took to compile, or to be read from the cache.", func(s *moduleCounts) float64 { return s.CompileTime.Seconds() })
	add(gauge, "suspended", "1 when the module is suspended, else 0.", func(s *moduleCounts) float64 {
		if s.Suspended != "" {
			return 1
		}
		return 0
	})
	return m
}

func moduleDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("gowanus_module_"+name, help, append([]string{"module", "version"}, more...), nil)
}

// Describe implements prometheus.Collector.
func (m *moduleMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, n := range m.numbers {
		out <- n.desc
	}
	for _, n := range m.hooks {
		out <- n.desc
	}
	out <- m.latency
}

// Collect implements prometheus.Collector.
func (m *moduleMetrics) Collect(out chan<- prometheus.Metric) {
	for _, s := range m.modules() {
		for _, n := range m.numbers {
			out <- prometheus.MustNewConstMetric(n.desc, n.kind, n.value(&s), s.name, s.version)
		}
		for _, h := range s.Hooks {
			labels := []string{s.name, s.version, h.Hook.String()}
			for _, n := range m.hooks {
				out <- prometheus.MustNewConstMetric(n.desc, prometheus.CounterValue, n.value(&h.Tally), labels...)
			}
			buckets := map[float64]uint64{}
			for i, bound := range wasm.LatencyBuckets() {
				buckets[bound.Seconds()] = uint64(h.Latency[i])
			}
			out <- prometheus.MustNewConstHistogram(m.latency, uint64(h.Calls), h.Busy.Seconds(), buckets, labels...)
		}
	}
}
