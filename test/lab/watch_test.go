//go:build lab

package lab_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/docker"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// observer passes observations on.
type observer chan location.Observation

func (o observer) Observe(seen location.Observation) { o <- seen }

// watch observes the cloud until the test ends.
func watch(t *testing.T, c *cloud) observer {
	t.Helper()
	o := make(observer, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.location.Watch(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returned %v", err)
		}
	})
	return o
}

// await gives the next observation, of any entity.
func (o observer) await(t *testing.T, what string) location.Observation {
	t.Helper()
	select {
	case seen := <-o:
		return seen
	case <-time.After(limit):
		t.Fatalf("%s: nothing observed within %v", what, limit)
		return location.Observation{}
	}
}

func (o observer) want(t *testing.T, what string, e *entity, up bool, reason string) {
	t.Helper()
	got := o.await(t, what)
	if got.Entity != e.ref.ID || got.Resource != e.lease.Resource || got.Up != up || got.Reason != reason || got.Sensors[docker.SensorRunning] != up {
		t.Fatalf("%s: observed %+v", what, got)
	}
}

func (o observer) wantNothing(t *testing.T, during time.Duration) {
	t.Helper()
	select {
	case seen := <-o:
		t.Fatalf("observed %+v", seen)
	case <-time.After(during):
	}
}

// impatient makes tests short that wait for a host that does not answer.
func impatient(c *docker.Config) { c.Deadlines.Info = 2 * time.Second }

func TestEvents(t *testing.T) {
	c := newCloud(t)
	e := c.entity("web", 0)
	e.up(t, e.sleeper(nil))
	o := watch(t, c)
	o.want(t, "the list at the start", e, true, "")
	c.Hosts[0].API(t, "POST", "/containers/"+e.lease.Resource+"/kill", nil, nil)
	o.want(t, "a kill", e, false, "exited with code 137")
	e.run(t, "start-container", nil)
	o.want(t, "a start", e, true, "")
	c.Hosts[0].API(t, "POST", "/containers/"+e.lease.Resource+"/pause", nil, nil)
	o.want(t, "a pause", e, false, "paused")
	c.Hosts[0].API(t, "POST", "/containers/"+e.lease.Resource+"/unpause", nil, nil)
	o.want(t, "the end of a pause", e, true, "")
	e.run(t, "remove-container", nil)
	o.want(t, "a removal", e, false, "exited with code 137")
	o.want(t, "a removal", e, false, "removed")
}

// TestDaemonRestart: what ran dies with its daemon; the rest of the cloud does
// not notice, and the state is told again when the daemon is back.
func TestDaemonRestart(t *testing.T) {
	c := newCloud(t)
	lost, other := c.entity("web", 0), c.entity("other", 1)
	lost.up(t, lost.sleeper(nil))
	o := watch(t, c)
	o.want(t, "the list at the start", lost, true, "")
	other.up(t, other.sleeper(nil))
	o.want(t, "a start elsewhere", other, true, "")

	goroutines := runtime.NumGoroutine()
	for range 3 {
		c.Hosts[0].Kill(t)
		o.wantNothing(t, time.Second)
		hosts, err := c.location.Hosts(t.Context())
		if err != nil || hosts[0].Up || !hosts[1].Up || hosts[0].Labels[docker.LabelReason] == "" {
			t.Fatalf("hosts %+v, error %v", hosts, err)
		}
		_, err = lost.try(t.Context(), "stop-container", nil)
		wantFault(t, err, fault.Unavailable, `host "lh1"`)
		present, err := c.location.(interface {
			Present(context.Context) (map[string]string, error)
		}).Present(t.Context())
		wantFault(t, err, fault.Unavailable, `host "lh1"`)
		if len(present) != 1 || present["xother"] != other.lease.Resource {
			t.Errorf("present %v", present)
		}
		c.Hosts[0].Start(t)
		began := time.Now()
		if got := o.await(t, "the list after the restart"); got.Entity != "xweb" || got.Up || got.Resource != lost.lease.Resource {
			t.Errorf("observed %+v", got)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("resynced after %v", took)
		}
		lost.run(t, "start-container", nil)
		o.want(t, "a start", lost, true, "")
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+4 })
}

// TestFrozenDaemon: a daemon that hangs is noticed without false alarms about
// its containers, and others are not slowed down.
func TestFrozenDaemon(t *testing.T) {
	c := newCloud(t, impatient)
	e, other := c.entity("web", 0), c.entity("other", 1)
	e.up(t, e.sleeper(nil))
	other.up(t, other.sleeper(nil))
	o := watch(t, c)
	seen := []string{o.await(t, "the lists").Entity, o.await(t, "the lists").Entity}
	if slices.Sort(seen); !slices.Equal(seen, []string{"xother", "xweb"}) {
		t.Fatalf("observed %v", seen)
	}
	c.Hosts[0].Freeze(t)
	defer c.Hosts[0].Thaw(t)
	eventually(t, "the host is down", func() bool {
		hosts, err := c.location.Hosts(t.Context())
		return err == nil && !hosts[0].Up && hosts[1].Up
	})
	began := time.Now()
	third := c.entity("third", 1)
	third.up(t, third.sleeper(nil))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a deployment elsewhere took %v", took)
	}
	o.want(t, "a start elsewhere", third, true, "")
	c.Hosts[0].Thaw(t)
	eventually(t, "the host is up", func() bool {
		hosts, err := c.location.Hosts(t.Context())
		return err == nil && hosts[0].Up
	})
}

// TestCable: packets get lost without a word. The host is told down, nothing
// is said about its containers, and what changed meanwhile is told after.
func TestCable(t *testing.T) {
	c := newCloud(t, impatient)
	e, gone := c.entity("web", 0), c.entity("gone", 0)
	e.up(t, e.sleeper(nil))
	o := watch(t, c)
	o.want(t, "the list at the start", e, true, "")
	gone.up(t, gone.sleeper(nil))
	o.want(t, "a start", gone, true, "")
	c.Hosts[0].Cut(t)
	defer c.Hosts[0].Plug(t)
	c.Hosts[0].API(t, "DELETE", "/containers/"+gone.lease.Resource+"?force=1", nil, nil) // by the socket, which needs no cable
	eventually(t, "the host is down", func() bool {
		hosts, err := c.location.Hosts(t.Context())
		return err == nil && !hosts[0].Up
	})
	// Until the stream is given up, after three probes of 1 s + 2 s.
	o.wantNothing(t, 12*time.Second)
	c.Hosts[0].Plug(t)
	began := time.Now()
	o.want(t, "the list after the cable is back", e, true, "")
	o.want(t, "the list after the cable is back", gone, false, "removed")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("resynced after %v", took)
	}
}
