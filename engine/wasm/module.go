package wasm

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Module is a loaded module. Its methods may be called at the same time; as
// many calls run as there are instances allowed, the others wait.
type Module struct {
	runtime *Runtime
	name    string
	file    File
	entry   string // its directory in the cache, or ""
	limits  Limits
	host    HostFunc
	log     *slog.Logger

	slots   chan struct{} // one element per instance that is lent out
	closing chan struct{} // closed by Close

	// Written by the compiler before compiling is closed, then only read.
	program     *program
	compileErr  error
	compileTime atomic.Int64

	stats     counters
	trace     trace
	allowance allowance
	logs      logMeter
	memory    budget

	mu        sync.Mutex
	compiling chan struct{} // nil before the first call
	closed    bool
	idle      []*instance
	running   map[*instance]struct{}
	failures  int             // in a row
	suspended *SuspendedError // nil while it may be called
}

// Name gives the name under which the module was loaded.
func (m *Module) Name() string { return m.name }

// Hash gives the SHA-256 of the module's file in hexadecimal digits.
func (m *Module) Hash() string { return hex.EncodeToString(m.file.Digest[:]) }

// Limits gives the limits that hold for the module.
func (m *Module) Limits() Limits { return m.limits }

// Prepare compiles the module, if that was not done, and starts an instance.
func (m *Module) Prepare(ctx context.Context) error {
	i, err := m.acquire(ctx)
	if err != nil {
		return err
	}
	m.release(i)
	return nil
}

func (m *Module) closedError() error {
	return fault.New(fault.Unavailable, "module %s is closed", m.name)
}

// Close stops the running calls, which fail, and gives all memory back.
func (m *Module) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	close(m.closing)
	for i := range m.running {
		i.halt(m.closedError())
	}
	idle, compiling := m.idle, m.compiling
	m.idle = nil
	m.mu.Unlock()

	for range cap(m.slots) { // whoever has an instance gives it back
		m.slots <- struct{}{}
	}
	for _, i := range idle {
		i.close()
	}
	m.runtime.forget(m)
	if compiling == nil {
		return nil
	}
	<-compiling
	return m.program.close(context.WithoutCancel(m.runtime.ctx))
}
