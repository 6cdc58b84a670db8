package module

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	Digest  string // of the file, "sha256:" and hexadecimal digits; "" for a shipped one
	Shipped bool   // it came with the server, which trusts it

	keeper      *Keeper
	description []byte
	file        func() ([]byte, error)
	files       func(name string) ([]byte, error) // of the bundle it came in; nil when it came alone

	mu     sync.Mutex
	loaded *wasm.Module
	err    error  // of loading, for good
	held   string // why it is suspended, before it was loaded
	closed bool
}

// Digest gives the name of a content.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Magic is what every WebAssembly file begins with.
var Magic = []byte("\x00asm")

// Is tells whether a content is WebAssembly.
func Is(content []byte) bool { return bytes.HasPrefix(content, Magic) }

// Description gives what the module says of itself, as it said it.
func (m *Module) Description() []byte { return m.description }

// load reads and checks the file at the first call.
func (m *Module) load() (*wasm.Module, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, fault.New(fault.Unavailable, "module %s is closed", m.Name())
	case m.held != "":
		return nil, fault.New(fault.Unavailable, "module %s is suspended: %s", m.Name(), m.held)
	case m.loaded != nil || m.err != nil:
		return m.loaded, m.err
	}
	bin, err := m.file()
	if err == nil {
		m.loaded, err = m.keeper.cfg.Runtime.Load(m.Name(), bin, wasm.LoadOptions{Host: m.keeper.serve})
	}
	m.err = err
	return m.loaded, err
}

// CallInto implements guest.Caller.
func (m *Module) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
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

// Resume lets a suspended module be called again.
func (m *Module) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = ""
	if m.loaded != nil {
		m.loaded.Resume()
	}
}

// Close ends the module's calls and gives its memory back. Its file stays.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.keeper.forget(m)
	if m.loaded == nil {
		return nil
	}
	return m.loaded.Close()
}
