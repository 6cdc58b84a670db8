package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gowanus-project/gowanus/engine/location"
)

// tracked is an entity that has a run directory.
type tracked struct {
	entity string
	dir    string
	op     chan struct{} // holds a value while a step starts or stops the process

	mu  sync.Mutex // guards rec and its file
	rec record

	run *run // the current run, nil when stopped; guarded by Provider.mu
}

func newTracked(entity, dir string) *tracked {
	return &tracked{entity: entity, dir: dir, op: make(chan struct{}, 1)}
}

// acquire waits until no other step starts or stops the process.
func (t *tracked) acquire(ctx context.Context) (release func(), err error) {
	select {
	case t.op <- struct{}{}:
		return func() { <-t.op }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// process gives a copy of what is recorded, nil when nothing is.
func (t *tracked) process() *started {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rec.Process == nil {
		return nil
	}
	r := *t.rec.Process
	return &r
}

// record changes what is recorded, on disk first.
func (t *tracked) record(s *started) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := t.rec
	next.Process = s
	if err := writeJSON(filepath.Join(t.dir, recordFile), next); err != nil {
		return err
	}
	t.rec = next
	return nil
}

// amend changes the record of one run, unless another has taken its place.
func (t *tracked) amend(run string, change func(*started)) error {
	s := t.process()
	if s == nil || s.Run != run {
		return nil
	}
	change(s)
	return t.record(s)
}

// run is one run of an entity's command as this server sees it. Its fields
// after started are guarded by Provider.mu, the channels aside.
type run struct {
	started
	cmd      *exec.Cmd     // nil when it was adopted: then nobody tells its exit code
	released time.Time     // zero when it was adopted
	up       bool          // something of it lives
	reason   string        // why not
	status   status        // how the leader ended
	decided  chan struct{} // closed when the leader has ended, and what follows from that is recorded
	over     chan struct{} // closed when the follower has ended
}

// watcher is one caller of Watch.
type watcher struct{ observer location.Observer }

// begin makes r the current run of t and follows it, unless the provider is
// closed. Callers hold p.mu.
func (p *Provider) begin(t *tracked, r *run) {
	r.decided, r.over = make(chan struct{}), make(chan struct{})
	r.up = true
	t.run = r
	if p.ctx == nil {
		close(r.decided)
		close(r.over)
		return
	}
	ctx := p.ctx
	p.followers.Go(func() { p.follow(ctx, t, r) })
}

// adopt takes up a recorded process after a restart of the server. Callers
// hold p.mu.
func (p *Provider) adopt(t *tracked) error {
	s := t.rec.Process
	if s == nil || s.Done {
		return nil
	}
	if s.Ended == "" {
		if err := p.settleHeld(*s); err != nil {
			return err
		}
		left, err := p.left(t, *s)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			p.begin(t, &run{started: *s})
			return nil
		}
	}
	r := &run{started: *s, reason: or(s.Ended, "exited while the server was down")}
	if boot, err := bootID(); err == nil && boot != s.Boot {
		r.reason = "the machine was restarted"
	}
	r.decided, r.over = closed(), closed()
	t.run = r
	return nil
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// heldPatience bounds the wait for a held shell whose server has died. Its
// pipe has ended, or holds the release, so it acts as soon as it is scheduled.
const heldPatience = 10 * time.Second

// settleHeld waits until a process that an earlier server had started is
// either its command or gone. A shell that is neither in time is ended: it
// has done nothing yet.
func (p *Provider) settleHeld(s started) error {
	h, err := open(s.ident)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	} else if err != nil {
		return err
	}
	defer h.close()
	for deadline := time.Now().Add(heldPatience); isHeld(s.PID); {
		if time.Now().After(deadline) {
			return h.signal(syscall.SIGKILL)
		}
		ctx, cancel := context.WithTimeout(p.ctx, 5*time.Millisecond) // becoming the command is no event that can be waited for
		err := h.wait(ctx)
		cancel()
		if err == nil {
			return nil
		}
	}
	return nil
}

// left gives what still lives of a run: its members, and the daemon that the
// launch command named in PID_FILE.
func (p *Provider) left(t *tracked, s started) ([]ident, error) {
	ids, err := members(s)
	if err != nil {
		return nil, err
	}
	if id, ok := fromPidFile(t.dir, s); ok && !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return ids, nil
}

// follow waits for the end of a run, as long as ctx lasts.
func (p *Provider) follow(ctx context.Context, t *tracked, r *run) {
	defer close(r.over)
	if err := waitAll(ctx, r.ident); err != nil {
		close(r.decided)
		p.abandon(ctx, t, err)
		return
	}
	left, err := p.left(t, r.started) // before the leader is collected: until then its session cannot be another's
	st := status{"exited", -1, true}
	if r.cmd != nil {
		st, _ = collect(r.cmd)
	}
	p.mu.Lock()
	r.status = st
	p.mu.Unlock()
	if !st.ok || err != nil || len(left) == 0 {
		p.ended(ctx, t, r, st, err)
		close(r.decided)
		return
	}
	err = t.amend(r.Run, func(s *started) { s.Members = left })
	close(r.decided)
	for err == nil && len(left) > 0 {
		r.Members = left
		if err = waitAll(ctx, left...); err == nil {
			left, err = members(r.started)
		}
		if err == nil && len(left) > 0 {
			err = t.amend(r.Run, func(s *started) { s.Members = left })
		}
	}
	p.ended(ctx, t, r, status{"exited", -1, false}, err) // daemons have other parents, which are told how
}

// ended records how a run ended and tells the watchers. A command that did its
// work at once and left nothing to watch is no news to them.
func (p *Provider) ended(ctx context.Context, t *tracked, r *run, st status, err error) {
	if err != nil {
		p.abandon(ctx, t, err)
		return
	}
	quick := !r.released.IsZero() && time.Since(r.released) < p.settle
	if quick && st.ok {
		p.finish(t, r, "", func(s *started) { s.Done = true })
		return
	}
	p.finish(t, r, st.text, func(s *started) { s.Ended = st.text })
}

// abandon notes that a run is no longer followed: the provider closes, or the
// system refused.
func (p *Provider) abandon(ctx context.Context, t *tracked, err error) {
	if ctx.Err() == nil {
		p.log.Error("process is no longer watched", "entity", t.entity, "error", err)
	}
}

// finish records that nothing of a run is left and tells the watchers. An
// empty reason is a command that did its work and left nothing to watch.
func (p *Provider) finish(t *tracked, r *run, reason string, change func(*started)) {
	if err := t.amend(r.Run, change); err != nil {
		p.log.Error("end of process is not recorded", "entity", t.entity, "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.up, r.reason = false, reason
	if reason != "" {
		p.tell(observe(t, r))
	}
}

func observe(t *tracked, r *run) location.Observation {
	return location.Observation{Entity: t.entity, Resource: r.ident.String(), Up: r.up, Reason: r.reason}
}

// tell gives an observation to all watchers. Callers hold p.mu, so that all
// of them see the same order.
func (p *Provider) tell(o location.Observation) {
	for w := range p.watchers {
		w.observer.Observe(o)
	}
}

// waitAll returns when each of the processes has ended.
func waitAll(ctx context.Context, ids ...ident) error {
	for _, id := range ids {
		h, err := open(id)
		if errors.Is(err, os.ErrProcessDone) {
			continue
		} else if err != nil {
			return err
		}
		err = h.wait(ctx)
		h.close()
		if err != nil {
			return err
		}
	}
	return nil
}
