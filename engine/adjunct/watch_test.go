package adjunct_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// grown is a life whose policy listens to children and members.
func grown(t *testing.T, s store.Store, watches ...adjunct.Watch) *life {
	t.Helper()
	l := begin(t, s, adjunct.Limits{Queue: 3}, nil)
	l.host.events = func(_ context.Context, e *entity.Entity) ([]adjunct.Watch, error) {
		out := make([]adjunct.Watch, len(watches))
		for i, w := range watches {
			if out[i] = w; w.Of == "" {
				out[i].Entity = e
			}
		}
		return out, nil
	}
	return l
}

func (l *life) child(t *testing.T, id string) *entity.Entity {
	t.Helper()
	n := &entity.New{Declaration: plain}
	n.ID, n.Name, n.Type = entity.ID(id), "child "+id, "plain"
	c, err := l.tree.Add(t.Context(), l.entity, n, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (l *life) remove(t *testing.T, e *entity.Entity) {
	t.Helper()
	if err := l.tree.Remove(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
}

// heard checks what the policy was asked since the last time.
func (l *life) heard(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	if got := l.host.said(); got != want {
		t.Errorf("asked %q\nwant  %q", got, want)
	}
	l.host.mu.Lock()
	l.host.asked = nil
	l.host.mu.Unlock()
}

func (l *life) load(t *testing.T) {
	t.Helper()
	if err := l.policies.Load(); err != nil {
		t.Fatal(err)
	}
}

var (
	aboutChildren = []adjunct.Watch{{Of: adjunct.Children, Sensor: "n"}, {Of: adjunct.Children}}
	aboutMembers  = []adjunct.Watch{{Of: adjunct.Members, Sensor: "n"}, {Of: adjunct.Members}}
)

func TestChildrenComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := grown(t, s, aboutChildren...)
		a := l.child(t, "a")
		a.Set("n", 1)
		l.attach(t)
		l.heard(t, "a joined (child a); a.n=1")
		b := l.child(t, "b")
		b.Set("n", 2)
		b.Set("other", 2)
		l.entity.Set("n", 3)
		l.heard(t, "b joined (child b); b.n=2")
		l.remove(t, a)
		b.Set("n", 3)
		l.heard(t, "a left (child a); b.n=3")
		l.end(t)

		// What happened while nobody listened is told, what was told is not.
		l = grown(t, s, aboutChildren...)
		b, _ = l.tree.Get("b")
		l.remove(t, b)
		l.child(t, "c").Set("n", 4)
		l.load(t)
		l.heard(t, "b left (child b); c joined (child c); c.n=4")
		l.end(t)

		l = grown(t, s, aboutChildren...)
		l.load(t)
		l.heard(t, "")
		var batch store.Batch
		l.policies.Detach("e", &batch)
		if err := s.Commit(t.Context(), &batch); err != nil {
			t.Fatal(err)
		}
		for _, bucket := range []store.Bucket{"adjunct", "adjunct-heard"} {
			_ = s.Scan(bucket, "", func(key string, _ []byte) error { t.Errorf("%s is left", key); return nil })
		}
		l.end(t)
	})
}

func TestMembersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := grown(t, s, aboutMembers...)
		a, b := l.child(t, "a"), l.child(t, "b")
		b.Set("n", 1)
		l.entity.Set(entity.Members, []any{a})
		l.attach(t)
		l.heard(t, "a joined (child a)")
		l.entity.Set(entity.Members, []any{a, b})
		l.entity.Set(entity.Members, []any{b, a})
		a.Set("n", 2)
		l.heard(t, "b joined (child b); b.n=1; a.n=2")
		l.entity.Set(entity.Members, []any{a})
		b.Set("n", 3)
		l.heard(t, "b left (child b)")
		l.end(t)
	})
}

// A policy that only listens to sensors is not asked about who comes and goes,
// and forgets them all the same.
func TestSensorsOfChildrenAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := grown(t, s, aboutChildren[0])
		a := l.child(t, "a")
		l.attach(t)
		a.Set("n", 1)
		l.heard(t, "a.n=1")
		l.end(t)

		l = grown(t, s, aboutChildren[0])
		l.load(t)
		l.heard(t, "")
		a, _ = l.tree.Get("a")
		a.Set("n", 2)
		l.heard(t, "a.n=2")
		l.remove(t, a)
		l.heard(t, "")
		l.end(t)
		_ = s.Scan("adjunct-heard", "", func(key string, _ []byte) error { t.Errorf("%s is left", key); return nil })
	})
}

// More were there before than may wait at once.
func TestManyAreThereBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := grown(t, store.NewMemory(), aboutChildren...)
		for _, id := range []string{"a", "b", "c", "d"} {
			l.child(t, id)
		}
		l.attach(t)
		l.heard(t, "a joined (child a); b joined (child b); c joined (child c); d joined (child d)")
		l.end(t)
	})
}

func TestSuspendAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		watches := append([]adjunct.Watch{{Sensor: "n"}}, aboutChildren...)
		l := grown(t, s, watches...)
		a, b := l.child(t, "a"), l.child(t, "b")
		l.attach(t)
		l.entity.Set("n", 1)
		l.heard(t, "a joined (child a); b joined (child b); n=1 ")
		do := func(f func(context.Context, string, string) error) {
			t.Helper()
			for range 2 { // the second time it is so already
				if err := f(t.Context(), "e", "p"); err != nil {
					t.Fatal(err)
				}
			}
		}
		suspend := func(ctx context.Context, e, id string) error { return l.policies.Suspend(ctx, e, id, "a pause") }
		do(suspend)
		if i := l.policies.Of("e")[0]; i.Running || i.Suspended != "a pause" {
			t.Errorf("got %+v", i)
		}
		l.entity.Set("n", 2)
		a.Set("n", 2)
		l.remove(t, b)
		l.child(t, "c").Set("n", 2)
		l.heard(t, "")
		l.end(t)

		l = grown(t, s, watches...)
		l.load(t)
		l.entity.Set("n", 3)
		l.heard(t, "")
		do(l.policies.Resume)
		if i := l.policies.Of("e")[0]; !i.Running || i.Suspended != "" {
			t.Errorf("got %+v", i)
		}
		l.heard(t, "")
		l.entity.Set("n", 4)
		c, _ := l.tree.Get("c")
		c.Set("n", 5)
		l.heard(t, "n=4 ; c.n=5")
		l.end(t)

		l = grown(t, s, watches...)
		l.load(t)
		l.heard(t, "")
		c, _ = l.tree.Get("c")
		l.remove(t, c)
		l.heard(t, "c left (child c)")
		if err := l.policies.Resume(t.Context(), "e", "q"); err == nil || err.Error() != `no policy has the id "q"` {
			t.Errorf("got %v", err)
		}
		l.end(t)
	})
}

// A timer that came due while the policy was suspended fires when it goes on.
func TestTimerWaitsForResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, store.NewMemory(), adjunct.Limits{}, func(c *hook.PolicyCall) (*hook.Decision, error) {
			if c.Timer {
				return &hook.Decision{}, nil
			}
			return &hook.Decision{WakeAfter: "1m"}, nil
		})
		l.attach(t)
		l.entity.Set("n", 1)
		l.heard(t, "n=1 ")
		if err := l.policies.Suspend(t.Context(), "e", "p", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		l.heard(t, "")
		if err := l.policies.Resume(t.Context(), "e", "p"); err != nil {
			t.Fatal(err)
		}
		l.heard(t, "timer ")
		time.Sleep(time.Hour)
		l.heard(t, "")
		l.end(t)
	})
}

// A timer whose decision fails is not lost.
func TestTimerIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 2
		l := begin(t, store.NewMemory(), adjunct.Limits{}, func(c *hook.PolicyCall) (*hook.Decision, error) {
			if !c.Timer {
				return &hook.Decision{WakeAfter: "1m"}, nil
			}
			if failures--; failures >= 0 {
				return nil, errors.New("not now")
			}
			return &hook.Decision{}, nil
		})
		l.attach(t)
		l.entity.Set("n", 1)
		time.Sleep(time.Minute + 4*time.Second)
		l.heard(t, "n=1 ; timer ; timer ; timer ")
		time.Sleep(time.Hour)
		l.heard(t, "")
		l.end(t)
	})
}

// What the policy listens to may depend on what is not there yet.
func TestListensLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, store.NewMemory(), adjunct.Limits{}, nil)
		there := make(chan struct{})
		l.host.events = func(ctx context.Context, e *entity.Entity) ([]adjunct.Watch, error) {
			select {
			case <-there:
				return []adjunct.Watch{{Entity: e, Sensor: "n"}}, nil
			default:
			}
			if l.host.first() {
				return nil, fault.New(fault.Timeout, "not there yet")
			}
			select {
			case <-there:
				return []adjunct.Watch{{Entity: e, Sensor: "n"}}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		l.attach(t)
		l.entity.Set("n", 1)
		l.heard(t, "")
		close(there)
		l.heard(t, "n=1 ")
		l.end(t)
	})
}

// An enricher of a module lives like a policy, and has no steps.
func TestDurableEnricher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := begin(t, s, adjunct.Limits{Failures: 1}, counting)
		r := &adjunct.Record{Kind: "enricher", ID: "p", Entity: "e", Type: "durable", Name: "watcher"}
		if err := l.policies.Attach(l.entity, r); err != nil {
			t.Fatal(err)
		}
		l.entity.Set("n", 1)
		l.heard(t, "n=1 ")
		i := l.policies.Of("e")[0]
		if i.Kind != "enricher" || i.Running || i.Suspended != "failed too often: enricher watcher answered with steps, which an enricher cannot have" {
			t.Errorf("got %+v", i)
		}
		l.end(t)
	})
}
