package docker

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"), newFake("two"))
		b.fakes[1].hang["Info"] = true
		hosts, err := b.location.Hosts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []location.Host{
			{ID: "lh1", Address: "10.77.0.11", Name: "one", Up: true, CPUs: 2, Memory: 1 << 30,
				Labels: map[string]string{"zone": "a", "disk": "ssd", "docker.version": "20.10.24"}, Revision: 1},
			{ID: "lh2", Address: "10.77.0.12", Revision: 1, Labels: map[string]string{
				"zone": "a", "org.gowanus.reason": `ask for the state on host "lh2": no answer within 5s`}},
		}
		if !reflect.DeepEqual(hosts, want) {
			t.Errorf("got  %+v\nwant %+v", hosts, want)
		}
		if n := strings.Count(b.log.String(), "docker host does not answer"); n != 1 {
			t.Errorf("log: %s", b.log)
		}
		b.fakes[0].called()

		// Fresh enough: nobody is asked. Then many callers share one question.
		if _, err := b.location.Hosts(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, b.fakes[0])
		time.Sleep(16 * time.Second)
		b.fakes[1].change(func() { b.fakes[1].hang["Info"] = false })
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				hosts, err := b.location.Hosts(t.Context())
				if err != nil || !hosts[1].Up || hosts[1].Name != "two" {
					t.Errorf("hosts %+v, error %v", hosts, err)
				}
			})
		}
		wg.Wait()
		wantCalls(t, b.fakes[0], "Info")
		if !strings.Contains(b.log.String(), "docker host answers again") {
			t.Errorf("log: %s", b.log)
		}

		// A failed call puts the host in doubt.
		b.fakes[0].fail["Networks"] = []error{fault.New(fault.Unavailable, "broken pipe")}
		err = b.location.Clean(t.Context(), "App1")
		wantErr(t, err, fault.Unavailable, `remove networks of location cloud: list networks on host "lh1": broken pipe`)
		b.fakes[0].called()
		if _, err := b.location.Hosts(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, b.fakes[0], "Info")
	})
}

func TestUnnamedHosts(t *testing.T) {
	b := setup(t, Config{}, newFake("moby"), newFake("moby"))
	l, err := b.Open(location.Definition{Name: "cloud", Config: m{"hosts": []any{
		m{"host": "tcp://10.77.0.11:2376"}, m{"host": "tcp://10.77.0.12:2376"}}}})
	if err != nil {
		t.Fatal(err)
	}
	c := call(nil)
	c.Lease.Host = "moby"
	b.fakes[0].fail["Info"] = []error{fault.New(fault.Unavailable, "refused")}
	b.fakes[1].fail["Info"] = []error{fault.New(fault.Unavailable, "refused"), fault.New(fault.Unavailable, "refused")}
	_, err = b.run(t.Context(), "remove-container", c)
	wantErr(t, err, fault.Unavailable, `location "cloud": host "moby" is not among those that answer`)
	for _, h := range l.(*Location).hosts {
		h.doubt()
	}
	b.mustRun(t, "remove-container", c)
	for _, h := range l.(*Location).hosts {
		h.doubt()
	}
	hosts, err := l.Hosts(t.Context())
	if err != nil || hosts[0].ID != "moby" || !hosts[0].Up {
		t.Fatalf("hosts %+v, error %v", hosts, err)
	}
	l.(*Location).hosts[1].doubt()
	if hosts, err = l.Hosts(t.Context()); err != nil || hosts[1].Up || hosts[1].ID != "tcp://10.77.0.12:2376" ||
		hosts[1].Labels[LabelReason] != `another host of the location calls itself "moby" too: give them names` {
		t.Fatalf("hosts %+v, error %v", hosts, err)
	}
}

func labels(entity string) map[string]string {
	return map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelEntity: entity}
}

func TestPresent(t *testing.T) {
	b := setup(t, Config{}, newFake("one"), newFake("two"))
	b.fakes[0].containers = map[string]*container{
		"c1": {ID: "c1", Labels: labels("e1"), Status: running},
		"c2": {ID: "c2", Labels: labels("e2"), Status: "exited"},
		"c3": {ID: "c3", Labels: map[string]string{LabelPlane: "p2", LabelEntity: "e3"}},
	}
	b.fakes[1].containers = map[string]*container{
		"d1": {ID: "d1", Labels: labels("e1"), Status: "exited"},
		"d2": {ID: "d2", Labels: labels("e2"), Status: running},
	}
	got, err := b.location.Present(t.Context())
	if want := map[string]string{"e1": "c1", "e2": "d2"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("present %v, error %v; want %v", got, err, want)
	}
	b.fakes[1].fail["List"] = []error{fault.New(fault.Unavailable, "refused")}
	got, err = b.location.Present(t.Context())
	wantErr(t, err, fault.Unavailable, `list containers of location cloud: list containers on host "lh2": refused`)
	if want := map[string]string{"e1": "c1", "e2": "c2"}; !maps.Equal(got, want) {
		t.Errorf("present %v; want %v", got, want)
	}
}

func TestClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"), newFake("two"))
		b.mustRun(t, "create-container", call(full()))
		f := b.fakes[0]
		f.networks["other"] = &network{ID: "n-other", Name: "other", Labels: map[string]string{LabelPlane: "p1", LabelApplication: "App2"}}
		f.attached = 3
		f.called()
		if err := b.location.Clean(t.Context(), "App1"); err != nil {
			t.Fatal(err)
		}
		remove := "RemoveNetwork n-gowanus-app1"
		wantCalls(t, f, "List [org.gowanus.plane=p1 org.gowanus.application=App1]", "Networks [org.gowanus.plane=p1 org.gowanus.application=App1]", remove, remove, remove, remove)
		if f.networks["other"] == nil || len(f.networks) != 1 {
			t.Errorf("networks %v", f.networks)
		}
		if len(f.containers) != 1 {
			t.Error("Clean removed a container")
		}
		if err := b.location.Clean(t.Context(), "App1"); err != nil {
			t.Error(err)
		}
		// What was remembered of it is forgotten.
		f.called()
		b.mustRun(t, "create-container", call(full()))
		wantCalls(t, f, "Network gowanus-app1", "CreateNetwork gowanus-app1", "Create redis_x1", "Inspect redis_x1")

		f.attached = 1 << 30
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := b.location.Clean(ctx, "App1")
		if fault.KindOf(err) != fault.Timeout || !strings.Contains(err.Error(), "n-gowanus-app1 has active endpoints; gave up: context deadline exceeded") {
			t.Errorf("%s: %v", fault.KindOf(err), err)
		}
	})
}

func TestMemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var memo memo[int]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		waits := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, loaded, err := memo.get(ctx, "k", waits); !loaded || !errors.Is(err, context.Canceled) {
				t.Errorf("loaded %v, error %v", loaded, err)
			}
		})
		synctest.Wait()
		// One waits with less patience, one outlives the first caller and loads by itself.
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, loaded, err := memo.get(short, "k", waits); loaded || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("loaded %v, error %v", loaded, err)
		}
		wg.Go(func() {
			v, loaded, err := memo.get(t.Context(), "k", func(context.Context) (int, error) { return 7, nil })
			if v != 7 || !loaded || err != nil {
				t.Errorf("value %d, loaded %v, error %v", v, loaded, err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if v, loaded, err := memo.get(t.Context(), "k", waits); v != 7 || loaded || err != nil {
			t.Errorf("value %d, loaded %v, error %v", v, loaded, err)
		}
		// Failures are shared by those who waited, and not remembered.
		boom := errors.New("boom")
		release := make(chan struct{})
		for range 3 {
			wg.Go(func() {
				if _, _, err := memo.get(t.Context(), "x", func(context.Context) (int, error) { <-release; return 0, boom }); !errors.Is(err, boom) {
					t.Errorf("error %v", err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if v, _, err := memo.get(t.Context(), "x", func(context.Context) (int, error) { return 1, nil }); v != 1 || err != nil {
			t.Errorf("value %d, error %v", v, err)
		}
		memo.forget("k")
		if v, _, _ := memo.get(t.Context(), "k", func(context.Context) (int, error) { return 8, nil }); v != 8 {
			t.Errorf("value %d", v)
		}
	})
}
