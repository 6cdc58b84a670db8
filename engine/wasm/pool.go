package wasm

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// acquire lends an instance, waiting for one to become free.
func (m *Module) acquire(ctx context.Context) (*instance, error) {
	if err := m.refusal(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(err, "call module", m.name)
	}
	p, err := m.ready(ctx)
	if err != nil {
		return nil, err
	}
	if wait := m.allowance.wait(); wait > 0 {
		if err := m.waitForAllowance(ctx, wait); err != nil {
			return nil, err
		}
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

// waitForAllowance waits until the module may be busy again.
func (m *Module) waitForAllowance(ctx context.Context, wait time.Duration) error {
	begin := time.Now()
	for ; wait > 0; wait = m.allowance.wait() {
		if l := &m.limits; time.Since(begin)+wait > l.BusyWait {
			return fault.New(fault.Limit, "module %s was busy for longer than the limits BusyShare (%g processors) and BusyBurst (%s) allow; it can be called again in %s",
				m.name, l.BusyShare, l.BusyBurst, wait.Round(time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.closing:
			timer.Stop()
			return m.closedError()
		case <-ctx.Done():
			timer.Stop()
			return fault.Wrap(ctx.Err(), "wait for processor time of module", m.name)
		}
	}
	return nil
}

// lend takes an idle instance or starts one.
func (m *Module) lend(ctx context.Context, p *program) (*instance, error) {
	m.mu.Lock()
	if err := m.refusalLocked(); err != nil { // since acquire looked
		m.mu.Unlock()
		return nil, err
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
	begin := time.Now()
	err := i.start(ctx, p)
	now := time.Now()
	m.allowance.take(now.Sub(begin)-i.waited, now)
	if err == nil {
		m.stats.started.Add(1)
		return i, nil
	}
	m.drop(i)
	if !i.interrupted() && !(i.guest == nil && i.denied.Load()) {
		m.count(err)
	}
	return nil, fault.Wrap(err, "start an instance of module", m.name)
}

// release takes an instance back. One that is broken or too large is closed.
func (m *Module) release(i *instance) {
	m.mu.Lock()
	delete(m.running, i)
	keep := !m.closed && m.suspended == nil && !i.broken && !i.stopped.Load() && i.pages() <= m.limits.HighWaterPages
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
