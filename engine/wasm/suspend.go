package wasm

import (
	"fmt"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// SuspendedError refuses a call because the module is suspended: by itself
// after too many failures in a row, or by Suspend. The kind of the error that it
// comes in is Unavailable.
type SuspendedError struct {
	Module string
	Reason string
	Last   error // the last failure; nil after Suspend
}

// Error names the module and why it is suspended.
func (e *SuspendedError) Error() string {
	return fmt.Sprintf("module %s is suspended: %s", e.Module, e.Reason)
}

// Unwrap gives the last failure.
func (e *SuspendedError) Unwrap() error { return e.Last }

// Suspend refuses all further calls, until Resume, with the reason. Calls under
// way go on; instances that wait for one are closed, and give their memory
// back. It does not call Config.OnSuspend, so that what that has kept can be
// set again at the next start. A module that is suspended already keeps its
// first reason.
func (m *Module) Suspend(reason string) { m.suspend(&SuspendedError{Module: m.name, Reason: reason}) }

// suspend says whether the module was not suspended before.
func (m *Module) suspend(e *SuspendedError) bool {
	m.mu.Lock()
	if m.suspended != nil {
		m.mu.Unlock()
		return false
	}
	m.suspended = e
	idle := m.idle
	m.idle = nil
	m.mu.Unlock()
	for _, i := range idle {
		m.stats.discarded.Add(1)
		i.close()
	}
	m.log.Error("module suspended", "reason", e.Reason)
	return true
}

// Suspended gives the reason for which the module is suspended; ok is false
// when it is not.
func (m *Module) Suspended() (reason string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.suspended == nil {
		return "", false
	}
	return m.suspended.Reason, true
}

// Resume lets a suspended module be called again, and forgets its failures.
func (m *Module) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.suspended, m.failures = nil, 0
}

// count keeps the number of failures in a row, and suspends the module when
// there are too many.
func (m *Module) count(err error) {
	m.mu.Lock()
	if err == nil {
		m.failures = 0
		m.mu.Unlock()
		return
	}
	m.failures++
	failures := m.failures
	m.mu.Unlock()
	if failures < m.limits.Failures {
		return
	}
	e := &SuspendedError{Module: m.name, Reason: fmt.Sprintf("%d failures in a row, the last: %v", failures, err), Last: err}
	if told := m.runtime.cfg.OnSuspend; m.suspend(e) && told != nil {
		told(m, e.Reason)
	}
}

// refusal says why the module takes no calls at all, or nil.
func (m *Module) refusal() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refusalLocked()
}

func (m *Module) refusalLocked() error {
	switch {
	case m.closed:
		return m.closedError()
	case m.suspended != nil:
		return fault.As(m.suspended, fault.Unavailable)
	}
	return nil
}
