package entity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// WhenReady waits until the sensor has a value that the options accept, and
// gives it. It is woken by events only. A value that is there wins over the
// entity being on fire. Options that do not wait for a truthy value take what
// there is, nil too, when the time is over or the entity is on fire.
//
// Errors: OnFire when the entity is on fire and the options forbid it,
// Timeout, Conflict for a wait that can never end because those who would
// publish the value wait, directly or not, for the one who asks.
func (e *Entity) WhenReady(ctx context.Context, sensor string, o expr.WaitOptions) (any, error) {
	if v, ok := e.ready(sensor, o); ok {
		return v, nil
	}
	if hurry := ctx.Value(hurryKey{}) != nil; hurry || o.Timeout != nil && *o.Timeout <= 0 {
		return nil, fault.New(fault.Timeout, "Waiting not permitted: sensor %s of %s is not ready", sensor, e.Name())
	}
	wake := make(chan struct{}, 1)
	poke := func(event.Event) {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	defer e.Subscribe(sensor, poke).Cancel()
	defer e.Subscribe(ServiceState, poke).Cancel()
	release, err := e.tree.waits.add(ctx, e, sensor, func() bool { _, ok := e.ready(sensor, o); return ok })
	if err != nil {
		return nil, err
	}
	defer release()
	defer task.From(ctx).Block(fmt.Sprintf("Waiting for sensor %s of %s", sensor, e.Name()))()
	return e.await(ctx, wake, sensor, o)
}

func (e *Entity) await(ctx context.Context, wake <-chan struct{}, sensor string, o expr.WaitOptions) (any, error) {
	start := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if v, ok := e.ready(sensor, o); ok {
			return v, nil
		}
		if e.Gone() {
			return nil, fault.New(fault.NotFound, "%s was removed while its sensor %s was waited for", e.Name(), sensor)
		}
		state := e.State()
		if state == OnFire && o.AbortIfOnFire {
			if !o.WaitForTruthy {
				return nil, nil
			}
			return nil, fault.New(fault.OnFire, "Abort due to %s on-fire, while waiting for its sensor %s", e.Name(), sensor)
		}
		limit, why := patience(o, state)
		var expired <-chan time.Time
		if limit != nil {
			timer.Reset(time.Until(start.Add(*limit)))
			expired = timer.C
		}
		select {
		case <-wake:
		case <-expired:
			if !o.WaitForTruthy {
				return nil, nil
			}
			return nil, fault.New(fault.Timeout, "Unsatisfied after %s%s: sensor %s of %s", coerce.FormatDuration(*limit), why, sensor, e.Name())
		case <-ctx.Done():
			err := context.Cause(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				return nil, fault.New(fault.Timeout, "Unsatisfied when the time was over: sensor %s of %s", sensor, e.Name())
			}
			return nil, err
		}
	}
}

// ready gives the sensor's value if the options accept it.
func (e *Entity) ready(sensor string, o expr.WaitOptions) (any, bool) {
	v, ok := e.Sensor(sensor)
	return v, ok && (!o.WaitForTruthy || coerce.Truthy(v))
}

// waits is the graph of who waits for whom, among entities that cannot
// publish anything themselves until their own wait ends: those that start.
type waits struct {
	mu    sync.Mutex
	edges map[*Entity][]*edge
}

// edge says that somebody who starts waits for a sensor of another entity, or
// (sensor "") for that entity's own start.
type edge struct {
	to     *Entity
	sensor string
	over   func() bool // the wait is satisfied, though its owner has not run yet
}

type starterKey struct{}

// Acting marks ctx as belonging to the start of an entity. What it waits for
// takes part in the detection of cyclic waits.
func (e *Entity) Acting(ctx context.Context) context.Context {
	return context.WithValue(ctx, starterKey{}, e)
}

// AwaitStart notes that the start which ctx belongs to waits for another
// entity's start, until done is called.
func (e *Entity) AwaitStart(ctx context.Context) (done func()) {
	release, _ := e.tree.waits.link(ctx, &edge{to: e, over: func() bool { return false }}, false)
	return release
}

func (w *waits) add(ctx context.Context, to *Entity, sensor string, over func() bool) (release func(), err error) {
	return w.link(ctx, &edge{to, sensor, over}, true)
}

func (w *waits) link(ctx context.Context, n *edge, check bool) (release func(), err error) {
	from, _ := ctx.Value(starterKey{}).(*Entity)
	if from == nil {
		return func() {}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if check {
		if cycle := w.path(n, from, map[*Entity]bool{}); cycle != nil {
			return nil, fault.New(fault.Conflict, "cyclic wait: %s", describe(from, cycle))
		}
	}
	if w.edges == nil {
		w.edges = map[*Entity][]*edge{}
	}
	w.edges[from] = append(w.edges[from], n)
	return func() { w.unlink(from, n) }, nil
}

func (w *waits) unlink(from *Entity, n *edge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.edges[from]
	for i, other := range list {
		if other == n {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if w.edges[from] = list; len(list) == 0 {
		delete(w.edges, from)
	}
}

// path follows the edges from n.to back to goal. An entity that waits for the
// start of its children can still publish anything but its service state, so
// that kind of edge only counts for those sensors.
func (w *waits) path(n *edge, goal *Entity, seen map[*Entity]bool) []*edge {
	if n.to == goal {
		return []*edge{n}
	}
	if seen[n.to] {
		return nil
	}
	seen[n.to] = true
	for _, next := range w.edges[n.to] {
		if next.over() || next.sensor == "" && n.sensor != "" && !strings.HasPrefix(n.sensor, "service.") {
			continue
		}
		if rest := w.path(next, goal, seen); rest != nil {
			return append([]*edge{n}, rest...)
		}
	}
	return nil
}

// describe says a cycle in words: "a waits for sensor x of b, which waits …".
func describe(from *Entity, cycle []*edge) string {
	var b strings.Builder
	b.WriteString(from.Name())
	for i, n := range cycle {
		if i > 0 {
			b.WriteString(", which")
		}
		if n.sensor == "" {
			fmt.Fprintf(&b, " waits for the start of %s", n.to.Name())
		} else {
			fmt.Fprintf(&b, " waits for sensor %s of %s", n.sensor, n.to.Name())
		}
	}
	return b.String()
}

// patience gives the longest wait in the entity's present state, nil for
// ever, and the reason when it is tighter than the caller's own.
func patience(o expr.WaitOptions, state string) (*time.Duration, string) {
	switch {
	case state == OnFire && tighter(o.TimeoutIfOnFire, o.Timeout):
		return o.TimeoutIfOnFire, " (tighter timeout due to on-fire)"
	case (state == Stopped || state == Stopping) && tighter(o.TimeoutIfDown, o.Timeout):
		return o.TimeoutIfDown, " (tighter timeout due to " + state + ")"
	}
	return o.Timeout, ""
}

func tighter(a, b *time.Duration) bool { return a != nil && (b == nil || *a < *b) }
