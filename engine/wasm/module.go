package wasm

import (
	"context"
	"encoding/hex"
	"fmt"
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
	hash    [32]byte
	limits  Limits
	host    HostFunc
	log     *slog.Logger

	slots   chan struct{} // one element per instance that is lent out
	closing chan struct{} // closed by Close

	// Written by the compiler before compiling is closed, then only read.
	binary      []byte
	program     *program
	compileErr  error
	compileTime atomic.Int64

	stats counters

	mu        sync.Mutex
	compiling chan struct{} // nil before the first call
	closed    bool
	idle      []*instance
	running   map[*instance]struct{}
	failures  int   // in a row
	suspended error // the failure that made it too many
}

// Name gives the name under which the module was loaded.
func (m *Module) Name() string { return m.name }

// Hash gives the SHA-256 of the module's file in hexadecimal digits.
func (m *Module) Hash() string { return hex.EncodeToString(m.hash[:]) }

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

// SuspendedError refuses a call because the module failed too often in a row;
// the kind of the error that it comes in is Unavailable.
type SuspendedError struct {
	Module   string
	Failures int   // how many in a row
	Last     error // the last of them
}

// Error names the module and its last failure.
func (e *SuspendedError) Error() string {
	return fmt.Sprintf("module %s is suspended after %d failures in a row, the last: %v", e.Module, e.Failures, e.Last)
}

// Unwrap gives the last failure.
func (e *SuspendedError) Unwrap() error { return e.Last }

// Resume lets a suspended module be called again.
func (m *Module) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.suspended, m.failures = nil, 0
}

// count keeps the number of failures in a row.
func (m *Module) count(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.failures = 0
		return
	}
	if m.failures++; m.failures >= m.limits.Failures && m.suspended == nil {
		m.suspended = err
		m.log.Error("module suspended", "failures", m.failures, "error", err)
	}
}

func (m *Module) closedError() error {
	return fault.New(fault.Unavailable, "module %s is closed", m.name)
}

// acquire lends an instance, waiting for one to become free.
func (m *Module) acquire(ctx context.Context) (*instance, error) {
	m.mu.Lock()
	closed, suspended, failures := m.closed, m.suspended, m.failures
	m.mu.Unlock()
	if closed {
		return nil, m.closedError()
	}
	if suspended != nil {
		return nil, fault.As(&SuspendedError{Module: m.name, Failures: failures, Last: suspended}, fault.Unavailable)
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(err, "call module", m.name)
	}
	p, err := m.ready(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case m.slots <- struct{}{}:
	case <-m.closing:
		return nil, m.closedError()
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), "wait for an instance of module", m.name)
	}
	i, err := m.lend(ctx, p)
	if err != nil {
		<-m.slots
		return nil, err
	}
	return i, nil
}

// lend takes an idle instance or starts one.
func (m *Module) lend(ctx context.Context, p *program) (*instance, error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, m.closedError()
	}
	if last := len(m.idle) - 1; last >= 0 {
		i := m.idle[last]
		m.idle = m.idle[:last]
		m.running[i] = struct{}{}
		m.mu.Unlock()
		return i, nil
	}
	i := newInstance(m)
	m.running[i] = struct{}{} // before it runs, so that Close can stop it
	m.mu.Unlock()
	err := i.start(ctx, p)
	if err == nil {
		m.stats.started.Add(1)
		return i, nil
	}
	m.drop(i)
	if !i.interrupted() {
		m.count(err)
	}
	return nil, fault.Wrap(err, "start an instance of module", m.name)
}

// release takes an instance back. One that is broken or too large is closed.
func (m *Module) release(i *instance) {
	m.mu.Lock()
	delete(m.running, i)
	keep := !m.closed && !i.broken && !i.stopped.Load() && i.pages() <= m.limits.HighWaterPages
	if keep {
		m.idle = append(m.idle, i)
	}
	m.mu.Unlock()
	if !keep {
		m.stats.discarded.Add(1)
		i.close()
	}
	<-m.slots
}

func (m *Module) drop(i *instance) {
	m.mu.Lock()
	delete(m.running, i)
	m.mu.Unlock()
	i.close()
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
