package server

import (
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// moduleSummary is a module in a list.
type moduleSummary struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Digest    string   `json:"digest,omitempty"`
	Shipped   bool     `json:"shipped"`
	Bundle    string   `json:"bundle,omitempty"` // that it came in, "name:version"; its own when it came alone
	State     string   `json:"state"`            // "ready", "loaded", "suspended", or "withdrawn" when a version before it is in charge again
	Suspended string   `json:"suspended,omitempty"`
	Types     []string `json:"types"`
	Missing   int      `json:"missing"` // capabilities that it asks for and was not granted
}

// moduleDetail is one module.
type moduleDetail struct {
	moduleSummary
	Kinds        map[string]string  `json:"kinds"` // of the types
	Capabilities []capabilityDetail `json:"capabilities"`
	Refused      int64              `json:"refused"`
	Refusals     []guest.Refusal    `json:"refusals"` // the newest
	Stats        moduleStats        `json:"stats"`
	Limits       any                `json:"limits"`
}

type capabilityDetail struct {
	hook.Capability
	Granted bool `json:"granted"`
}

// moduleStats are the counters since the module was loaded.
type moduleStats struct {
	Calls       int64 `json:"calls"`
	Failures    int64 `json:"failures"`
	Fuel        int64 `json:"fuel"`
	BusyMillis  int64 `json:"busyMillis"`
	MemoryBytes int64 `json:"memoryBytes"` // the most that an instance had after a call
	Instances   int   `json:"instances"`

	Hooks map[string]hookStats `json:"hooks"` // those that were called, by name
}

type hookStats struct {
	Calls      int64 `json:"calls"`
	Failures   int64 `json:"failures"`
	Fuel       int64 `json:"fuel"`
	BusyMillis int64 `json:"busyMillis"`
}

// moduleCall is one call of a module.
type moduleCall struct {
	Time         time.Time `json:"time"`
	Hook         string    `json:"hook"`
	Type         string    `json:"type,omitempty"`
	Entity       string    `json:"entity,omitempty"` // id
	Micros       int64     `json:"micros"`
	WaitedMicros int64     `json:"waitedMicros"` // of these, for other long calls
	Fuel         int64     `json:"fuel"`
	InBytes      int       `json:"inBytes"`
	OutBytes     int       `json:"outBytes"`
	MemoryBytes  int64     `json:"memoryBytes"`
	Error        string    `json:"error,omitempty"`
}

const pageBytes = 64 << 10

func (s *Server) summaryOf(m *module.Module) moduleSummary {
	stats := m.Stats()
	out := moduleSummary{
		Name: m.Name(), Version: m.Version(), Digest: m.Digest, Shipped: m.Shipped, State: "ready", Suspended: stats.Suspended,
		Types: []string{}, Missing: len(m.Capabilities()) - len(m.Granted()),
	}
	switch {
	case m.Withdrawn():
		out.State = "withdrawn"
	case stats.Suspended != "":
		out.State = "suspended"
	case stats.Compiled:
		out.State = "loaded"
	}
	if b := s.engine.BundleOf(m); b != nil {
		out.Bundle = b.ID()
	}
	for _, t := range m.Types() {
		out.Types = append(out.Types, t.Name)
	}
	return out
}

func (s *Server) detailOfModule(m *module.Module) moduleDetail {
	stats := m.Stats()
	out := moduleDetail{
		moduleSummary: s.summaryOf(m), Kinds: map[string]string{}, Capabilities: []capabilityDetail{}, Limits: m.Limits(),
		Stats: moduleStats{
			Calls: stats.Calls, Failures: stats.Failures, Fuel: stats.Fuel, BusyMillis: int64(stats.Busy / time.Millisecond),
			MemoryBytes: int64(stats.HighPages) * pageBytes, Instances: stats.Idle + stats.Running, Hooks: map[string]hookStats{},
		},
	}
	for _, h := range stats.Hooks {
		out.Stats.Hooks[h.Hook.String()] = hookStats{h.Calls, h.Failures, h.Fuel, int64(h.Busy / time.Millisecond)}
	}
	out.Refusals, out.Refused = m.Refusals()
	if out.Refusals == nil {
		out.Refusals = []guest.Refusal{}
	}
	for _, t := range m.Types() {
		out.Kinds[t.Name] = t.Kind
	}
	granted := m.Granted()
	for _, c := range m.Capabilities() {
		out.Capabilities = append(out.Capabilities, capabilityDetail{c, slices.Contains(granted, c)})
	}
	return out
}

func (s *Server) module(c echo.Context) (*module.Module, error) {
	return s.engine.Module(param(c, "name"), param(c, "version"))
}

func (s *Server) listModules(c echo.Context) error { return s.replyModules(c, "") }

func (s *Server) listModuleVersions(c echo.Context) error { return s.replyModules(c, param(c, "name")) }

func (s *Server) replyModules(c echo.Context, name string) error {
	out := []moduleSummary{}
	for _, m := range s.engine.Modules() {
		if name == "" || m.Name() == name {
			out = append(out, s.summaryOf(m))
		}
	}
	if name != "" && len(out) == 0 {
		return fault.New(fault.NotFound, "there is no module %s", name)
	}
	return ok(c, out)
}

func (s *Server) getModule(c echo.Context, m *module.Module) error { return ok(c, s.detailOfModule(m)) }

// traceModule gives the last calls, the newest first.
func (s *Server) traceModule(c echo.Context, m *module.Module) error {
	out := []moduleCall{}
	for _, t := range m.Trace() {
		out = append(out, moduleCall{
			Time: t.Time, Hook: t.Hook.String(), Type: t.Type, Entity: t.Entity, Micros: t.Took.Microseconds(), WaitedMicros: t.Waited.Microseconds(),
			Fuel: t.Fuel, InBytes: t.In, OutBytes: t.Out, MemoryBytes: int64(t.Pages) * pageBytes, Error: t.Error,
		})
	}
	return ok(c, out)
}

func (s *Server) grantModule(c echo.Context, m *module.Module) error {
	grants, all, err := queryGrants(c)
	if err != nil {
		return err
	}
	m, err = s.engine.GrantModule(lasting(c), m.Name(), m.Version(), grants, all)
	if err != nil {
		return err
	}
	return ok(c, s.detailOfModule(m))
}

func (s *Server) resumeModule(c echo.Context, m *module.Module) error {
	m, err := s.engine.ResumeModule(lasting(c), m.Name(), m.Version())
	if err != nil {
		return err
	}
	return ok(c, s.detailOfModule(m))
}

func (s *Server) rollbackModule(c echo.Context) error {
	m, err := s.engine.RollbackModule(lasting(c), param(c, "name"))
	if err != nil {
		return err
	}
	return ok(c, s.detailOfModule(m))
}

// queryGrants reads the parameters grant: each is KIND=VALUE, or all.
func queryGrants(c echo.Context) (grants []hook.Capability, all bool, err error) {
	for _, text := range c.QueryParams()["grant"] {
		if text == "all" {
			all = true
			continue
		}
		kind, value, ok := strings.Cut(text, "=")
		if !ok || value == "" {
			return nil, false, fault.New(fault.Invalid, "grant %q: expected KIND=VALUE or all", text)
		}
		if !slices.Contains(hook.CapabilityKinds, kind) {
			return nil, false, fault.New(fault.Invalid, "grant %q: unknown kind %q%s; expected one of %s", text, kind,
				nearest.Hint(kind, hook.CapabilityKinds), strings.Join(hook.CapabilityKinds, ", "))
		}
		grants = append(grants, hook.Capability{Kind: kind, Value: value})
	}
	return grants, all, nil
}
