package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// stopProcess is the step stop-process. A stop command that fails is noted in
// the task's output; the signals decide.
func (p *Provider) stopProcess(ctx context.Context, c *action.Call) (any, error) {
	in, err := read(c, "stop-process", "command", "env", "timeout")
	if err != nil {
		return nil, err
	}
	grace := or(in.timeout, p.stopTimeout)
	if in.command != "" {
		_, err := p.command(ctx, c, input{name: "stop", command: in.command, env: in.env, timeout: grace})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil && c.Err != nil {
			fmt.Fprintf(c.Err, "stop command: %v\n", err)
		}
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
	return nil, fault.Wrap(p.halt(ctx, t, grace), "stop process of", c.Entity.Name)
}

// halt ends whatever lives of an entity's run and forgets the run.
func (p *Provider) halt(ctx context.Context, t *tracked, grace time.Duration) error {
	s := t.process()
	if s == nil {
		return nil
	}
	if err := failpoint.Hit("process.stop.before"); err != nil {
		return err
	}
	if err := end(ctx, grace, func() ([]ident, error) { return p.left(t, *s) }); err != nil {
		return err
	}
	if err := failpoint.Hit("process.stop.after"); err != nil {
		return err
	}
	p.mu.Lock()
	r := t.run
	p.mu.Unlock()
	if r != nil {
		select {
		case <-r.over: // the watchers have been told
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := t.record(nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.run = nil
	return nil
}

// end sends SIGTERM to the listed processes, and SIGKILL to those that are
// there when the grace is over. It returns when none is left.
func end(ctx context.Context, grace time.Duration, list func() ([]ident, error)) error {
	err := sweep(ctx, grace, syscall.SIGTERM, list)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	err = sweep(ctx, killPatience, syscall.SIGKILL, list)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fault.New(fault.Unavailable, "processes are still there %s after SIGKILL", killPatience)
	}
	return err
}

// sweep signals each listed process once and waits for its end, until none is
// listed any more.
func sweep(ctx context.Context, patience time.Duration, sig syscall.Signal, list func() ([]ident, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	signalled := map[ident]bool{}
	for {
		ids, err := list()
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if signalled[id] {
				continue
			}
			signalled[id] = true
			if err := signal(id, sig); err != nil {
				return err
			}
		}
		if err := waitAll(ctx, ids...); err != nil {
			return err
		}
	}
}

func signal(id ident, sig syscall.Signal) error {
	h, err := open(id)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	} else if err != nil {
		return err
	}
	defer h.close()
	return h.signal(sig)
}
