package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Sensors of observations.
const (
	SensorRunning = "docker.container.running"
	SensorPaused  = "docker.container.paused"
)

// Watch reports what happens to the plane's containers on all hosts. For each
// host it first tells the state of all of them, and again after each loss of
// contact, then also of those that went away meanwhile. A container that was
// created and never started is not reported. Hosts that do not answer are
// tried again with growing pauses, up to Config.Backoff.
func (l *Location) Watch(ctx context.Context, o location.Observer) error {
	l.each(func(_ int, h *host) {
		w := &watcher{h: h, plane: plane(l.config), observer: o, known: map[string]string{}, outOfMemory: map[string]bool{}}
		w.run(ctx)
	})
	return ctx.Err()
}

// watcher follows one host.
type watcher struct {
	h           *host
	plane       string
	observer    location.Observer
	known       map[string]string // container id → entity, of those last reported as up
	outOfMemory map[string]bool   // containers that are about to end for that
}

const firstBackoff = 100 * time.Millisecond

func (w *watcher) run(ctx context.Context) {
	wait := firstBackoff
	for ctx.Err() == nil {
		synced, err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if synced {
			wait = firstBackoff
		}
		w.h.log.Debug("docker event stream ended", "error", err)
		jitter := time.Duration(rand.Int64N(int64(wait)/2 + 1))
		if pause(ctx, wait/2+jitter) != nil {
			return
		}
		wait = min(2*wait, w.h.limits.Backoff)
	}
}

// follow subscribes, tells the state of everything, and then what happens,
// until contact is lost. synced tells that it came as far as the second.
func (w *watcher) follow(ctx context.Context) (synced bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := w.h.look(ctx, 0)
	if s.err != nil {
		return false, s.err
	}
	// The stream starts where the engine's clock stood before the list was
	// asked for, so that nothing falls between the two.
	events, failed, err := w.subscribe(ctx, cancel, s.info.Time)
	if err != nil {
		return false, err
	}
	if err := w.sync(ctx); err != nil {
		return false, err
	}
	var probe sync.WaitGroup
	defer probe.Wait()
	defer cancel(nil) // ends the probe before it is waited for
	probe.Go(func() { w.probe(ctx, cancel) })
	for {
		select {
		case e := <-events:
			if o, tell := w.digest(e); tell {
				w.observer.Observe(o)
			}
		case err := <-failed:
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			w.h.doubt()
			return true, err
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
}

// subscribe opens the event stream, which must answer within the deadline.
func (w *watcher) subscribe(ctx context.Context, cancel context.CancelCauseFunc, since string) (<-chan event, <-chan error, error) {
	d, err := w.h.daemon()
	if err != nil {
		return nil, nil, err
	}
	limit := w.h.limits.Deadlines.Inspect
	late := time.AfterFunc(limit, func() { cancel(fault.New(fault.Unavailable, "no event stream within %v", limit)) })
	defer late.Stop()
	events, failed := d.Events(ctx, since, w.plane)
	return events, failed, context.Cause(ctx)
}

// sync reports the state of everything that is there, and of what was there
// and is gone.
func (w *watcher) sync(ctx context.Context) error {
	list, err := w.h.list(ctx, w.plane)
	if err != nil {
		return err
	}
	gone := w.known
	w.known = map[string]string{}
	for _, c := range list {
		delete(gone, c.ID)
		if o, tell := state(c); tell {
			w.note(o)
			w.observer.Observe(o)
		}
	}
	for id, entity := range gone {
		w.observer.Observe(down(entity, id, "removed"))
	}
	return nil
}

// probe asks the host how it is from time to time, which also keeps what
// Hosts tells fresh. A host that is gone without a word is found that way.
func (w *watcher) probe(ctx context.Context, cancel context.CancelCauseFunc) {
	missed := 0
	for pause(ctx, w.h.limits.Probe) == nil {
		s := w.h.look(ctx, 0)
		if s.err == nil {
			missed = 0
			continue
		}
		if missed++; missed >= w.h.limits.Misses {
			cancel(fmt.Errorf("no answer to %d probes: %w", missed, s.err))
			return
		}
	}
}

// note remembers what was reported as up.
func (w *watcher) note(o location.Observation) {
	if o.Up {
		w.known[o.Resource] = o.Entity
	} else {
		delete(w.known, o.Resource)
	}
}

// digest makes an observation from an event, if it tells something.
func (w *watcher) digest(e event) (location.Observation, bool) {
	entity := e.Labels[LabelEntity]
	if entity == "" {
		return location.Observation{}, false
	}
	var o location.Observation
	switch e.Action {
	case "start":
		o = up(entity, e.ID)
	case "unpause":
		o = up(entity, e.ID)
		o.Sensors[SensorPaused] = false
	case "pause":
		o = down(entity, e.ID, "paused")
		o.Sensors[SensorPaused] = true
	case "oom":
		w.outOfMemory[e.ID] = true
		return o, false
	case "die":
		code, err := strconv.Atoi(e.ExitCode)
		reason := exited(code, w.outOfMemory[e.ID])
		if err != nil {
			reason = "exited"
		}
		delete(w.outOfMemory, e.ID)
		o = down(entity, e.ID, reason)
	case "destroy":
		o = down(entity, e.ID, "removed")
	default:
		return o, false
	}
	w.note(o)
	return o, true
}

// state makes an observation from a list entry. One that never ran has
// nothing to tell.
func state(c container) (location.Observation, bool) {
	entity := c.Labels[LabelEntity]
	if entity == "" {
		return location.Observation{}, false
	}
	switch c.Status {
	case created:
		return location.Observation{}, false
	case running:
		return up(entity, c.ID), true
	case paused:
		o := down(entity, c.ID, "paused")
		o.Sensors[SensorPaused] = true
		return o, true
	case restarting:
		return down(entity, c.ID, "restarting after it "+exited(c.ExitCode, false)), true
	case removing, dead:
		return down(entity, c.ID, "removed"), true
	default:
		return down(entity, c.ID, exited(c.ExitCode, c.OutOfMem)), true
	}
}

func up(entity, id string) location.Observation {
	return location.Observation{Entity: entity, Resource: id, Up: true, Sensors: map[string]any{SensorRunning: true}}
}

func down(entity, id, reason string) location.Observation {
	return location.Observation{Entity: entity, Resource: id, Reason: reason, Sensors: map[string]any{SensorRunning: false}}
}
