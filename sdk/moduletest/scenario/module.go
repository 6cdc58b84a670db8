package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// Options say how a module is tested. The zero value is usable.
type Options struct {
	CacheDir string       // for compiled code, see wasm.Config; "" makes one that Close removes
	Limits   wasm.Limits  // of the module
	Log      *slog.Logger // takes what the module logs; nil drops it
	Once     bool         // makes each call once, so that impurity is not found
}

// Module is a module under test. It is for one goroutine at a time.
type Module struct {
	Description *hook.Description

	runtimes []*wasm.Runtime
	temp     string // the cache, if Close removes it
	recorder *recorder
	guest    *guest.Module
	types    []*catalog.Type
	covered  coverage
	text     []byte // of the description
}

// Open loads a module from its file. Errors are those of Load, and
// fault.NotFound.
func Open(ctx context.Context, file string, o Options) (*Module, error) {
	bin, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "read the module: %w", err)
	}
	return Load(ctx, filepath.Base(file), bin, o)
}

// Load checks a module, as the engine does, compiles it and asks for its
// description. Errors are of kind Limit, Forbidden (an import) or Invalid.
func Load(ctx context.Context, name string, bin []byte, o Options) (_ *Module, err error) {
	m := &Module{covered: coverage{}}
	defer func() {
		if err != nil {
			_ = m.Close()
		}
	}()
	if o.CacheDir == "" {
		if o.CacheDir, err = os.MkdirTemp("", "gowanus-moduletest-"); err != nil {
			return nil, fault.New(fault.Unavailable, "make a folder for compiled code: %w", err)
		}
		m.temp = o.CacheDir
	}
	for _, log := range []*slog.Logger{o.Log, nil} { // what new instances log in addition is of no interest
		r, err := wasm.New(wasm.Config{CacheDir: o.CacheDir, Log: log})
		if err != nil {
			return nil, err
		}
		m.runtimes = append(m.runtimes, r)
	}
	if m.recorder, err = record(m.runtimes[0], m.runtimes[1], name, bin, o); err != nil {
		return nil, err
	}
	if m.text, err = guest.Describe(ctx, m.recorder, guest.Limits{}); err != nil {
		return nil, err
	}
	if m.guest, err = guest.Load(m.text, m.recorder, guest.Limits{}); err != nil {
		return nil, err
	}
	m.Description = new(hook.Description)
	if err = json.Unmarshal(m.text, m.Description); err != nil { // it was read already
		return nil, fault.New(fault.Internal, "read the description: %w", err)
	}
	m.types = m.guest.Types()
	m.cover("", hook.Describe, "")
	return m, nil
}

// Close gives everything back that the module took.
func (m *Module) Close() error {
	var errs []error
	for _, r := range m.runtimes {
		errs = append(errs, r.Close())
	}
	if m.temp != "" {
		errs = append(errs, os.RemoveAll(m.temp))
	}
	return errors.Join(errs...)
}

// Describe gives the answer to describe, as the module wrote it.
func (m *Module) Describe() []byte { return slices.Clone(m.text) }

// find gives the type of a kind that has a name, an alias, or a prefix of it.
func (m *Module) find(kind, name string) (*catalog.Type, error) {
	var names []string
	for _, t := range m.types {
		if t.Kind != kind {
			continue
		}
		if t.Name == name || slices.Contains(t.Aliases, name) || t.Prefix != "" && strings.HasPrefix(name, t.Prefix) {
			return t, nil
		}
		names = append(append(names, t.Name), t.Aliases...)
	}
	hint := nearest.Hint(name, names)
	if hint == "" {
		hint = "; it has " + strings.Join(names, ", ")
	}
	if len(names) == 0 {
		hint = "; it has none of this kind"
	}
	return nil, fault.New(fault.NotFound, "module %s has no %s type %q%s", m.Description.Name, kind, name, hint)
}

// grant gives the module what it asks for but for what a scenario withholds.
func (m *Module) grant(s *Scenario) error {
	granted := m.guest.Capabilities()
	for _, w := range s.withhold {
		before := len(granted)
		granted = slices.DeleteFunc(granted, func(c hook.Capability) bool { return c.Kind == w.Kind && c.Value == w.Value })
		if len(granted) == before {
			var values []string
			for _, c := range m.Description.Capabilities {
				if c.Kind == w.Kind {
					values = append(values, c.Value)
				}
			}
			return at(w.pos, "module %s does not ask for %s %s%s", m.Description.Name, w.Kind, w.Value, nearest.Hint(w.Value, values))
		}
	}
	m.guest.Grant(granted)
	return nil
}
