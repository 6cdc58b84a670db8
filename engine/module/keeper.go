package module

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/semver"
)

// Config makes a Keeper.
type Config struct {
	Runtime *wasm.Runtime // required
	Dir     string        // for the files; "" keeps them in memory only
	Limits  guest.Limits
	Log     *slog.Logger
}

// Keeper has the modules of a server.
type Keeper struct {
	cfg    Config
	reader atomic.Pointer[Reader]
	told   atomic.Pointer[func(*Module, string)]

	mu      sync.Mutex
	modules []*Module
}

// New gives a Keeper without modules.
func New(cfg Config) *Keeper {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{cfg: cfg}
}

// Modules gives the modules by name and version.
func (k *Keeper) Modules() []*Module {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(k.modules), func(a, b *Module) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Version(), b.Version()))
	})
}

// OnSuspend says whom to tell of modules that are suspended for what they do.
// It is told on a goroutine that must not be kept.
func (k *Keeper) OnSuspend(told func(m *Module, reason string)) { k.told.Store(&told) }

// Suspended is for wasm.Config.OnSuspend.
func (k *Keeper) Suspended(loaded *wasm.Module, reason string) {
	told := k.told.Load()
	for _, m := range k.Modules() {
		if m.is(loaded) && told != nil {
			(*told)(m, reason)
		}
	}
}

// Forget lists a module no longer.
func (k *Keeper) Forget(m *Module) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.modules = slices.DeleteFunc(k.modules, func(other *Module) bool { return other == m })
}

// make gives a module of a description; it is not listed yet.
func (k *Keeper) make(description []byte, file func() ([]byte, error)) (*Module, error) {
	m := &Module{keeper: k, description: description, file: file}
	g, err := guest.Load(description, m, k.cfg.Limits)
	m.Module = g
	return m, err
}

// Keep lists a module among those of the server.
func (k *Keeper) Keep(m *Module) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.modules, m) {
		k.modules = append(k.modules, m)
	}
}

// Ship adds a module that came with the server; it may do all that it asks
// for. file gives the content, which must have the digest.
func (k *Keeper) Ship(digest string, description []byte, file func() ([]byte, error)) (*Module, error) {
	m, err := k.make(description, file)
	if err != nil {
		return nil, err
	}
	m.Digest, m.Shipped = digest, true
	m.GrantAll()
	k.Keep(m)
	return m, nil
}

// Examine loads a module from its file's content: it is checked, compiled,
// started and asked for its description. It is granted nothing and not listed;
// Close it when it is not kept.
func (k *Keeper) Examine(ctx context.Context, content []byte) (*Module, error) {
	digest := Digest(content)
	probe, err := k.cfg.Runtime.Load(digest[:19], content, wasm.LoadOptions{})
	if err != nil {
		return nil, err
	}
	description, err := guest.Describe(ctx, probe, k.cfg.Limits)
	if cerr := probe.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	m, err := k.make(description, func() ([]byte, error) { return content, nil })
	if err != nil {
		return nil, err
	}
	if _, err := semver.Parse(m.Version()); err != nil {
		return nil, fault.New(fault.Invalid, "description of module %s: %w", m.Name(), err)
	}
	m.Digest = digest
	if err := agrees(content, description); err != nil {
		return nil, fault.New(fault.Invalid, "module %s: %w", m.Name(), err)
	}
	return m, nil
}

// agrees compares the description that a file carries with the module's own.
func agrees(content, description []byte) error {
	carried, err := section.Get(content, section.Describe)
	if err != nil || carried == nil {
		return err
	}
	var a, b bytes.Buffer
	if json.Compact(&a, carried) != nil || json.Compact(&b, description) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		return fault.New(fault.Invalid, "its custom section %s says something else than the module does", section.Describe)
	}
	return nil
}

// Open gives a module whose file was saved. The file is read at the first
// call. files gives the files of the bundle it came in, if it did not come
// alone.
func (k *Keeper) Open(digest string, description []byte, files func(name string) ([]byte, error)) (*Module, error) {
	m, err := k.make(description, func() ([]byte, error) { return k.read(digest) })
	if err != nil {
		return nil, err
	}
	m.Digest, m.files = digest, files
	return m, nil
}

// In says that the module came in a bundle with other files.
func (m *Module) In(files func(name string) ([]byte, error)) { m.files = files }
