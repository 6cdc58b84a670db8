package module

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// Module is a module of the server. Its methods may be called at the same
// time.
type Module struct {
	*guest.Module
	Digest  string // of the file, "sha256:" and hexadecimal digits
	Shipped bool   // it came with the server, which trusts it

	keeper      *Keeper
	description []byte
	file        func() ([]byte, error)
	files       func(name string) ([]byte, error) // of the bundle it came in; nil when it came alone

	use sync.RWMutex // held while it is called

	mu     sync.Mutex
	loaded *wasm.Module
	err    error  // of loading, for good
	gone   bool   // see Withdraw
	held   string // why it is suspended, before it was loaded
}

// Digest gives the name of a content.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func digestBytes(digest string) (sum [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(digest, "sha256:")
	if n, err := hex.Decode(sum[:], []byte(digits)); !ok || err != nil || n != len(sum) {
		return sum, fault.New(fault.Internal, "%q is no digest of a module", digest)
	}
	return sum, nil
}

// Magic is what every WebAssembly file begins with.
var Magic = []byte("\x00asm")

// Is tells whether a content is WebAssembly.
func Is(content []byte) bool { return bytes.HasPrefix(content, Magic) }

// Description gives what the module says of itself, as it said it.
func (m *Module) Description() []byte { return m.description }

// load opens the file at the first call. What the cache has is not read.
func (m *Module) load() (*wasm.Module, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.held != "":
		return nil, fault.New(fault.Unavailable, "module %s is suspended: %s", m.Name(), m.held)
	case m.loaded != nil || m.err != nil:
		return m.loaded, m.err
	}
	sum, err := digestBytes(m.Digest)
	if err == nil {
		m.loaded, err = m.keeper.cfg.Runtime.Open(m.Name(), wasm.File{Digest: sum, Read: m.file}, wasm.LoadOptions{Host: m.keeper.serve})
	}
	m.err = err
	return m.loaded, err
}

func (m *Module) is(loaded *wasm.Module) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loaded == loaded
}

// CallInto implements guest.Caller.
func (m *Module) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	m.use.RLock()
	defer m.use.RUnlock()
	loaded, err := m.load()
	if err != nil {
		return err
	}
	return loaded.CallInto(ctx, id, size, write, read)
}

// Prepare compiles the module, if that was not done, and starts an instance.
func (m *Module) Prepare(ctx context.Context) error {
	loaded, err := m.load()
	if err != nil {
		return err
	}
	return loaded.Prepare(ctx)
}

// Stats gives what became of the module's calls; the zero value before the
// first.
func (m *Module) Stats() wasm.Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded == nil {
		return wasm.Stats{Suspended: m.held}
	}
	return m.loaded.Stats()
}

// Trace gives the last calls, the newest first.
func (m *Module) Trace() []wasm.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded == nil {
		return nil
	}
	return m.loaded.Trace()
}

// Limits gives the limits of the module's calls.
func (m *Module) Limits() wasm.Limits {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded == nil {
		return m.keeper.cfg.Runtime.Limits()
	}
	return m.loaded.Limits()
}

// Suspended gives the reason why the module is not called any more, or "".
func (m *Module) Suspended() string { return m.Stats().Suspended }

// Hold suspends a module that was suspended when the server stopped.
func (m *Module) Hold(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded == nil {
		m.held = reason
	}
}

// Withdraw says whether a version before this one is in charge again: it then
// only ends what began with it.
func (m *Module) Withdraw(gone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = gone
}

// Withdrawn tells what Withdraw said.
func (m *Module) Withdrawn() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gone
}

// Resume lets a suspended module be called again.
func (m *Module) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = ""
	if m.loaded != nil {
		m.loaded.Resume()
	}
}

// Retire gives the module's memory back once its calls have ended. A call that comes later still loads it again: whoever found it
// in the catalog just before is served.
func (m *Module) Retire() error {
	m.use.Lock()
	defer m.use.Unlock()
	m.mu.Lock()
	loaded := m.loaded
	m.loaded = nil
	m.mu.Unlock()
	if loaded == nil {
		return nil
	}
	return loaded.Close()
}
