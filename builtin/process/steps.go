package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// entity gives the tracked entity of a step, with its run directory.
func (p *Provider) entity(c *action.Call) (*tracked, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.entities[c.Entity.ID]; t != nil {
		return t, nil
	}
	dir, err := p.makeRunDir(c.Entity)
	if err != nil {
		return nil, err
	}
	t := newTracked(c.Entity.ID, dir)
	if t.rec, err = readRecord(dir); err != nil {
		return nil, err
	}
	p.entities[t.entity] = t
	return t, nil
}

// startProcess is the step start-process.
func (p *Provider) startProcess(ctx context.Context, c *action.Call) (any, error) {
	in, err := read(c, "start-process", "command", "env")
	if err != nil {
		return nil, err
	}
	if in.command == "" {
		return nil, fault.New(fault.Invalid, "start-process has no command")
	}
	t, err := p.entity(c)
	if err != nil {
		return nil, err
	}
	release, err := t.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := p.current(ctx, t)
	if err == nil && r != nil {
		err = holdLease(ctx, c, r.ident)
	} else if err == nil {
		r, err = p.start(ctx, c, t, in)
	}
	if err != nil {
		return nil, fault.Wrap(err, "start process of", c.Entity.Name)
	}
	return map[string]any{"pid": r.PID, "pgid": r.PID, "dir": t.dir, "log": filepath.Join(t.dir, stdoutLog)}, nil
}

// current gives the run that lives, nil if none does. What a failed run left
// behind is ended.
func (p *Provider) current(ctx context.Context, t *tracked) (*run, error) {
	p.mu.Lock()
	r := t.run
	up := r != nil && r.up
	p.mu.Unlock()
	if up {
		left, err := p.left(t, r.started)
		if err != nil || len(left) > 0 {
			return r, err
		}
	}
	return nil, p.halt(ctx, t, p.stopTimeout)
}

// start starts the command anew. Wherever the server is killed in it, either
// nothing is left or the record tells of what runs.
func (p *Provider) start(ctx context.Context, c *action.Call, t *tracked, in input) (*run, error) {
	p.capLogs(t.dir)
	if err := os.Remove(filepath.Join(t.dir, pidFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	stdout, err := openLog(t.dir, stdoutLog)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := openLog(t.dir, stderrLog)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	logged, err := stderr.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	if err := failpoint.Hit("process.start.before"); err != nil {
		return nil, err
	}
	h, err := hold(launch{in.command, t.dir, p.environment(t.entity, t.dir, in.env), stdout, stderr})
	if err != nil {
		return nil, err
	}
	if err := recordAndRelease(ctx, c, t, h); err != nil {
		h.discard()
		return nil, errors.Join(err, t.record(nil))
	}
	r := &run{started: h.started, cmd: h.cmd, released: time.Now()}
	p.mu.Lock()
	p.begin(t, r)
	p.tell(observe(t, r))
	p.mu.Unlock()
	return r, p.awaitSettled(ctx, t, r, logged)
}

// recordAndRelease makes a held process the recorded one and lets it go.
func recordAndRelease(ctx context.Context, c *action.Call, t *tracked, h *held) error {
	for _, step := range []func() error{
		func() error { return failpoint.Hit("process.start.held") },
		func() error { return t.record(&h.started) },
		func() error { return failpoint.Hit("process.start.recorded") },
		func() error { return holdLease(ctx, c, h.ident) },
		func() error { return failpoint.Hit("process.start.leased") },
		h.release,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	_ = failpoint.Hit("process.start.released") // nothing can be taken back any more
	return nil
}

// awaitSettled gives a command that fails at once the time to do so: its
// start then fails with what it wrote, from the given offset of its log on.
func (p *Provider) awaitSettled(ctx context.Context, t *tracked, r *run, logged int64) error {
	timer := time.NewTimer(p.settle)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.decided:
	}
	p.mu.Lock()
	st := r.status
	p.mu.Unlock()
	if st.ok {
		return nil
	}
	return fault.New(fault.Unavailable, "the command %s%s", st.sentence(), quote(tailFile(filepath.Join(t.dir, stderrLog), logged)))
}

// openLog opens a log for appending: cutting it does not disturb the writer.
func openLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func holdLease(ctx context.Context, c *action.Call, id ident) error {
	if c.Hold == nil {
		return nil
	}
	return c.Hold(ctx, id.String())
}

// checkProcess is the step check-process: the check command decides if there
// is one, else whether the process lives. When the process has ended, asking
// again is in vain, and the error is of kind OnFire.
func (p *Provider) checkProcess(ctx context.Context, c *action.Call) (any, error) {
	in, err := read(c, "check-process", "command", "env", "timeout")
	if err != nil {
		return nil, err
	}
	t, err := p.entity(c)
	if err == nil && in.command != "" {
		in.name = "check"
		_, err = p.command(ctx, c, in)
	} else if err == nil {
		err = p.alive(t)
	}
	if s := process(t); err != nil && s != nil && s.Ended != "" && ctx.Err() == nil {
		err = fault.New(fault.OnFire, "it %s%s", status{text: s.Ended}.sentence(), quote(tailFile(filepath.Join(t.dir, stderrLog), 0)))
	}
	if err != nil {
		return nil, fault.Wrap(err, "check process of", c.Entity.Name)
	}
	return map[string]any{"running": true}, nil
}

func process(t *tracked) *started {
	if t == nil {
		return nil
	}
	return t.process()
}

// alive fails when nothing of the entity's process lives.
func (p *Provider) alive(t *tracked) error {
	s := t.process()
	if s == nil {
		return fault.New(fault.Unavailable, "it was not started")
	}
	if s.Ended != "" {
		return fault.New(fault.OnFire, "it has ended")
	}
	left, err := p.left(t, *s)
	switch {
	case err != nil || len(left) > 0:
		return err
	case s.Done:
		return fault.New(fault.OnFire, "the launch command exited with code 0 and left nothing running")
	}
	return fault.New(fault.Unavailable, "it has just ended") // its follower will say how
}
