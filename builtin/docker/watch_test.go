package docker

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// journal is an observer that remembers.
type journal struct {
	mu   sync.Mutex
	seen []location.Observation
}

func (j *journal) Observe(o location.Observation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = append(j.seen, o)
}

func (j *journal) take() []location.Observation {
	j.mu.Lock()
	defer j.mu.Unlock()
	seen := j.seen
	j.seen = nil
	return seen
}

func (j *journal) empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.seen) == 0
}

func (j *journal) want(t *testing.T, want ...location.Observation) {
	t.Helper()
	synctest.Wait()
	if got := j.take(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func ran(entity, id string) location.Observation {
	return location.Observation{Entity: entity, Resource: id, Up: true, Sensors: m{"docker.container.running": true}}
}

func fell(entity, id, reason string) location.Observation {
	return location.Observation{Entity: entity, Resource: id, Reason: reason, Sensors: m{"docker.container.running": false}}
}

// watch runs Watch until the test ends.
func watch(t *testing.T, l *Location) *journal {
	t.Helper()
	j := &journal{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Watch(ctx, j) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returned %v", err)
		}
	})
	return j
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"))
		f := b.fakes[0]
		f.containers = map[string]*container{
			"c1": {ID: "c1", Labels: labels("e1"), Status: running},
			"c2": {ID: "c2", Labels: labels("e2"), Status: "exited", ExitCode: 1},
			"c3": {ID: "c3", Labels: labels("e3"), Status: created},
			"c4": {ID: "c4", Labels: labels("e4"), Status: paused},
			"c5": {ID: "c5", Labels: labels("e5"), Status: restarting, ExitCode: 2},
			"c6": {ID: "c6", Labels: labels("e6"), Status: dead},
			"c7": {ID: "c7", Labels: map[string]string{LabelPlane: "p1"}, Status: running},
			"c8": {ID: "c8", Labels: map[string]string{LabelPlane: "p2", LabelEntity: "e8"}, Status: running},
		}
		j := watch(t, b.location)
		c4 := fell("e4", "c4", "paused")
		c4.Sensors["docker.container.paused"] = true
		j.want(t, ran("e1", "c1"), fell("e2", "c2", "exited with code 1"), c4,
			fell("e5", "c5", "restarting after it exited with code 2"), fell("e6", "c6", "removed"))
		wantCalls(t, f, "Info", "Events now [org.gowanus.plane=p1]", "List [org.gowanus.plane=p1]")

		resumed := ran("e4", "c4")
		resumed.Sensors["docker.container.paused"] = false
		for _, c := range []struct {
			e    event
			want []location.Observation
		}{
			{event{Action: "start", ID: "c3", Labels: labels("e3")}, []location.Observation{ran("e3", "c3")}},
			{event{Action: "die", ID: "c3", Labels: labels("e3"), ExitCode: "137"}, []location.Observation{fell("e3", "c3", "exited with code 137")}},
			{event{Action: "oom", ID: "c1", Labels: labels("e1")}, nil},
			{event{Action: "die", ID: "c1", Labels: labels("e1"), ExitCode: "137"}, []location.Observation{fell("e1", "c1", "ran out of memory and exited with code 137")}},
			{event{Action: "die", ID: "c1", Labels: labels("e1"), ExitCode: ""}, []location.Observation{fell("e1", "c1", "exited")}},
			{event{Action: "destroy", ID: "c1", Labels: labels("e1")}, []location.Observation{fell("e1", "c1", "removed")}},
			{event{Action: "pause", ID: "c4", Labels: labels("e4")}, []location.Observation{c4}},
			{event{Action: "unpause", ID: "c4", Labels: labels("e4")}, []location.Observation{resumed}},
			{event{Action: "start", ID: "x", Labels: map[string]string{}}, nil},
			{event{Action: "rename", ID: "c4", Labels: labels("e4")}, nil},
		} {
			f.emit(c.e)
			j.want(t, c.want...)
		}
	})
}

// TestWatchResync: after a lost stream everything is told again, and what was
// up before and is not there any more.
func TestWatchResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"), newFake("two"))
		f := b.fakes[0]
		f.containers = map[string]*container{
			"c1": {ID: "c1", Labels: labels("e1"), Status: running},
			"c2": {ID: "c2", Labels: labels("e2"), Status: running},
		}
		j := watch(t, b.location)
		j.want(t, ran("e1", "c1"), ran("e2", "c2"))
		f.called()

		// The engine is away for a minute; one container is gone when it is back.
		f.change(func() {
			refused := fault.New(fault.Unavailable, "connection refused")
			for range 14 {
				f.fail["Info"] = append(f.fail["Info"], refused)
			}
			f.fail["Events"] = []error{refused}
			f.fail["List"] = []error{refused}
			delete(f.containers, "c2")
		})
		began := time.Now()
		f.cut()
		for synctest.Wait(); j.empty(); synctest.Wait() {
			time.Sleep(100 * time.Millisecond)
		}
		j.want(t, ran("e1", "c1"), fell("e2", "c2", "removed"))
		// 16 failures: pauses double from 0.1 s to 5 s, each cut by at most half.
		if took := time.Since(began); took < 25*time.Second || took > 65*time.Second {
			t.Errorf("resynced after %v", took)
		}
		if log := b.log.String(); strings.Count(log, "does not answer") != 1 || strings.Count(log, "answers again") != 1 {
			t.Errorf("log:\n%s", log)
		}
		// After success it starts with short pauses again.
		began = time.Now()
		f.cut()
		for synctest.Wait(); j.empty(); synctest.Wait() {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("resynced after %v", took)
		}
		j.want(t, ran("e1", "c1"))
	})
}

// TestWatchProbe: a host that hangs without closing the stream is noticed by
// the probes, told down by Hosts, and resynced when it is back. Nothing is
// reported about its containers meanwhile.
func TestWatchProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"))
		f := b.fakes[0]
		f.containers = map[string]*container{"c1": {ID: "c1", Labels: labels("e1"), Status: running}}
		j := watch(t, b.location)
		j.want(t, ran("e1", "c1"))
		time.Sleep(time.Minute)
		if n := f.streams(); n != 1 {
			t.Errorf("%d event streams while all is well", n)
		}
		f.change(func() { f.hang["Info"] = true })
		time.Sleep(20 * time.Second)
		hosts, err := b.location.Hosts(t.Context())
		if err != nil || hosts[0].Up {
			t.Errorf("hosts %+v, error %v", hosts, err)
		}
		time.Sleep(time.Minute)
		j.want(t)
		f.change(func() { f.hang["Info"] = false })
		time.Sleep(10 * time.Second)
		j.want(t, ran("e1", "c1"))
		if n := f.streams(); n != 2 {
			t.Errorf("%d event streams", n)
		}
	})
}

// TestWatchSlowStream: a stream that does not open in time is given up.
func TestWatchSlowStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"))
		f := b.fakes[0]
		f.hang["Events"] = true
		j := watch(t, b.location)
		time.Sleep(14 * time.Second)
		f.change(func() {
			f.hang["Events"] = false
			f.containers["c1"] = &container{ID: "c1", Labels: labels("e1"), Status: running}
		})
		time.Sleep(2 * time.Second)
		j.want(t, ran("e1", "c1"))
	})
}
