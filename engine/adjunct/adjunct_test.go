package adjunct_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// host is an engine whose policies listen to the sensor "n". It notes what
// they are asked, and decides as the test says.
type host struct {
	store store.Store

	mu      sync.Mutex
	asked   []string
	carried []string
	calls   int
	decide  func(c *hook.PolicyCall) (*hook.Decision, error)
	events  func(context.Context, *entity.Entity) ([]adjunct.Watch, error)
}

func (h *host) Enrich(_ context.Context, r *adjunct.Record, e catalog.EnricherHost) error {
	switch r.Type {
	case "refuses":
		return errors.New("no such luck")
	case "panics":
		e.Listen(e.Entity(), "n", func(event.Event) { panic("oh no") })
	default:
		e.Listen(e.Entity(), "n", func(ev event.Event) { e.Publish("copy", ev.Value) })
	}
	return nil
}

func (h *host) PartConfig(context.Context, *entity.Entity, *adjunct.Record, string) (any, error) {
	return nil, nil
}

func (h *host) Durable(r *adjunct.Record) bool { return r.Type == "durable" }

func (h *host) Events(ctx context.Context, e *entity.Entity, _ *adjunct.Record) ([]adjunct.Watch, error) {
	if h.events != nil {
		return h.events(ctx, e)
	}
	return []adjunct.Watch{{Entity: e, Sensor: "n"}}, nil
}

func (h *host) Decide(_ context.Context, _ *adjunct.Record, c *hook.PolicyCall) (*hook.Decision, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case c.Timer:
		h.asked = append(h.asked, "timer "+string(c.State))
	case c.Event.Change != "":
		h.asked = append(h.asked, fmt.Sprintf("%s %s (%s)", c.Event.Source.ID, c.Event.Change, c.Event.Source.Name))
	case c.Event.Source.ID != "e":
		h.asked = append(h.asked, fmt.Sprintf("%s.%s=%v", c.Event.Source.ID, c.Event.Sensor, c.Event.Value))
	default:
		h.asked = append(h.asked, fmt.Sprintf("%s=%v %s", c.Event.Sensor, c.Event.Value, c.State))
	}
	if h.decide == nil {
		return &hook.Decision{}, nil
	}
	return h.decide(c)
}

func (h *host) Carry(ctx context.Context, _ *entity.Entity, r *adjunct.Record, d *hook.Decision, b *store.Batch) error {
	if err := h.store.Commit(ctx, b); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range d.Steps {
		h.carried = append(h.carried, s.Step+" "+string(r.State))
	}
	return nil
}

// first tells whether it is called for the first time.
func (h *host) first() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	return h.calls == 1
}

func (h *host) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.asked, "; ")
}

// life is one run of a server.
type life struct {
	host     *host
	tasks    *task.Manager
	tree     *entity.Tree
	policies *adjunct.Manager
	entity   *entity.Entity
}

var plain = &entity.Declaration{Type: hook.Type{Name: "plain"}}

// begin starts a server on a store, which has the entity "e" from its first
// life on.
func begin(t *testing.T, s store.Store, limits adjunct.Limits, decide func(*hook.PolicyCall) (*hook.Decision, error)) *life {
	t.Helper()
	tasks, err := task.NewManager(task.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{host: &host{store: s, decide: decide}, tasks: tasks, tree: entity.NewTree(s)}
	if err := l.tree.Load(func(entity.Record) *entity.Declaration { return plain }); err != nil {
		t.Fatal(err)
	}
	if l.entity, err = l.tree.Get("e"); err != nil {
		n := &entity.New{Declaration: plain}
		n.ID, n.Name, n.Type = "e", "e", "plain"
		if l.entity, err = l.tree.Add(context.Background(), nil, n, nil); err != nil {
			t.Fatal(err)
		}
	}
	l.policies = adjunct.NewManager(adjunct.Config{Store: s, Tasks: tasks, Tree: l.tree, Host: l.host, Limits: limits})
	return l
}

func (l *life) attach(t *testing.T) {
	t.Helper()
	r := &adjunct.Record{ID: "p", Entity: "e", Type: "watcher", Name: "watcher"}
	var b store.Batch
	if err := adjunct.Stage(r, &b); err != nil {
		t.Fatal(err)
	}
	if err := l.host.store.Commit(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := l.policies.Attach(l.entity, r); err != nil {
		t.Fatal(err)
	}
}

func (l *life) end(t *testing.T) {
	t.Helper()
	if err := l.tasks.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := l.host.store.Flush(context.Background()); err != nil {
		t.Error(err)
	}
}

// counting remembers how often it was asked, and acts at odd numbers.
func counting(c *hook.PolicyCall) (*hook.Decision, error) {
	n := 0
	if len(c.State) > 0 {
		if err := json.Unmarshal(c.State, &n); err != nil {
			return nil, err
		}
	}
	n++
	d := &hook.Decision{State: json.RawMessage(fmt.Sprint(n))}
	if n%2 == 1 {
		d.Steps = []hook.Step{{Step: "act"}}
	}
	return d, nil
}

func TestEventsComeInOrderWithTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, store.NewMemory(), adjunct.Limits{}, counting)
		l.attach(t)
		for _, v := range []string{"a", "b", "a"} {
			l.entity.Set("n", v)
		}
		l.entity.Set("other", 1)
		synctest.Wait()
		l.end(t)
		if got := l.host.said(); got != "n=a ; n=b 1; n=a 2" {
			t.Errorf("asked %s", got)
		}
		if got := strings.Join(l.host.carried, "; "); got != "act 1; act 3" {
			t.Errorf("carried %s", got)
		}
	})
}

// What was published while the policy did not run is given to it when it does,
// what it dealt with is not given again.
func TestStateAndMissedEventsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := begin(t, s, adjunct.Limits{}, counting)
		l.attach(t)
		l.entity.Set("n", "seen")
		synctest.Wait()
		l.end(t)

		l = begin(t, s, adjunct.Limits{}, counting)
		if err := l.policies.Load(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.end(t)
		if got := l.host.said(); got != "" {
			t.Errorf("given again: %s", got)
		}

		l = begin(t, s, adjunct.Limits{}, counting)
		l.entity.Set("n", "missed")
		if err := l.policies.Load(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.end(t)
		if got := l.host.said(); got != "n=missed 1" {
			t.Errorf("asked %s", got)
		}
	})
}

func TestTimerFiresOnceAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		later := func(c *hook.PolicyCall) (*hook.Decision, error) {
			if c.Timer {
				return &hook.Decision{}, nil
			}
			return &hook.Decision{WakeAfter: "1m", Steps: []hook.Step{{Step: "act"}}}, nil
		}
		l := begin(t, s, adjunct.Limits{}, later)
		l.attach(t)
		l.entity.Set("n", 1)
		time.Sleep(30 * time.Second)
		l.end(t)

		l = begin(t, s, adjunct.Limits{}, later)
		if err := l.policies.Load(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if got := l.host.said(); got != "" {
			t.Errorf("too early: %s", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		l.end(t)
		if got := l.host.said(); got != "timer " {
			t.Errorf("asked %q, want the timer once", got)
		}
	})
}

// A policy that always wants to be woken at once is woken now and then.
func TestTimersAreNotALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := 0
		l := begin(t, store.NewMemory(), adjunct.Limits{}, func(c *hook.PolicyCall) (*hook.Decision, error) {
			if c.Timer {
				woken++
			}
			return &hook.Decision{WakeAfter: "1ns"}, nil
		})
		l.attach(t)
		l.entity.Set("n", 1)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		l.end(t)
		if woken != 10 {
			t.Errorf("woken %d times in a second", woken)
		}
	})
}

// Policies that answer themselves for ever are held to a rate.
func TestDecisionsHaveARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decided := 0
		var set func(string, any)
		l := begin(t, store.NewMemory(), adjunct.Limits{Rate: 100, Burst: 50}, func(*hook.PolicyCall) (*hook.Decision, error) {
			decided++
			set("n", decided)
			return &hook.Decision{}, nil
		})
		set = l.entity.Set
		l.attach(t)
		l.entity.Set("n", 0)
		time.Sleep(10 * time.Second)
		l.end(t)
		if decided < 1000 || decided > 1100 {
			t.Errorf("%d decisions in ten seconds", decided)
		}
	})
}

func TestSuspension(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits adjunct.Limits
		want   string
	}{
		{"failures", adjunct.Limits{Failures: 3}, "failed too often: no way"},
		{"queue", adjunct.Limits{Queue: 2}, "more events wait than Limits.Queue allows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				l := begin(t, store.NewMemory(), tt.limits, func(*hook.PolicyCall) (*hook.Decision, error) {
					if tt.name == "queue" {
						<-release
						return &hook.Decision{}, nil
					}
					return nil, errors.New("no way")
				})
				l.attach(t)
				for i := range 10 {
					l.entity.Set("n", i)
					if tt.name == "failures" {
						synctest.Wait()
					}
				}
				close(release)
				synctest.Wait()
				info := l.policies.Of("e")
				if len(info) != 1 || info[0].Running || info[0].Suspended != tt.want {
					t.Errorf("got %+v, want it suspended: %s", info, tt.want)
				}
				l.end(t)
			})
		})
	}
}

func TestDetachEndsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := begin(t, s, adjunct.Limits{}, counting)
		l.attach(t)
		var b store.Batch
		l.policies.Detach("e", &b)
		if err := s.Commit(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		l.entity.Set("n", 1)
		synctest.Wait()
		if got := l.host.said(); got != "" {
			t.Errorf("asked %s", got)
		}
		_ = s.Scan("adjunct", "", func(key string, _ []byte) error { t.Errorf("%s is left", key); return nil })
		l.end(t)
	})
}
