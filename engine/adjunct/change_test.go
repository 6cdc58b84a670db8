package adjunct_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// with gives the change that sets one config value.
func with(key string, value any) func(*adjunct.Record) error {
	return func(r *adjunct.Record) error {
		config := maps.Clone(r.Config)
		if config == nil {
			config = map[string]any{}
		}
		config[key] = value
		r.Config = config
		return nil
	}
}

// telling decides that the state is the number of calls, and tells the config.
func telling(told *[]string) func(c *hook.PolicyCall) (*hook.Decision, error) {
	return func(c *hook.PolicyCall) (*hook.Decision, error) {
		*told = append(*told, fmt.Sprint(c.Config["k"], " ", string(c.State)))
		return &hook.Decision{State: []byte(fmt.Sprint(len(*told)))}, nil
	}
}

// What is given other config goes on with it: no event is given twice, none
// that came after the last one is lost, and the state stays. It is so after a
// restart.
func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		var told []string
		l := begin(t, s, adjunct.Limits{}, telling(&told))
		l.entity.Set("n", 1)
		if err := l.policies.Add(t.Context(), l.entity, &adjunct.Record{ID: "p", Entity: "e", Type: "T", Name: "p", Config: map[string]any{"k": "a"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "b")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(time.Millisecond) // the next value is later
		l.entity.Set("n", 2)
		synctest.Wait()
		if got, want := fmt.Sprint(told), "[a  b 1]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if info := l.policies.Of("e"); len(info) != 1 || !info[0].Running || info[0].Config["k"] != "b" {
			t.Errorf("shown is %+v", info)
		}
		if err := l.tasks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		l = begin(t, s, adjunct.Limits{}, telling(&told))
		if err := l.policies.Load(); err != nil {
			t.Fatal(err)
		}
		l.entity.Set("n", 3)
		synctest.Wait()
		if got, want := fmt.Sprint(told), "[a  b 1 b 2]"; got != want {
			t.Errorf("after a restart: got %s, want %s", got, want)
		}
		if err := l.tasks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// An event that was being decided about when the config changed is decided
// about with the new config.
func TestReconfigureGivesUpAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := begin(t, s, adjunct.Limits{}, nil)
		waits := &waiting{host: l.host}
		l.policies = adjunct.NewManager(adjunct.Config{Store: s, Tasks: l.tasks, Tree: l.tree, Host: waits})
		l.entity.Set("n", 1)
		if err := l.policies.Add(t.Context(), l.entity, &adjunct.Record{ID: "p", Entity: "e", Type: "T", Name: "p", Config: map[string]any{"k": "never"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "now")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := l.host.said(); got != "n=1 " {
			t.Errorf("asked %q", got)
		}
		if err := l.tasks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// waiting is a host whose config "never" is not there before the end of time.
type waiting struct{ *host }

func (w *waiting) Decide(ctx context.Context, r *adjunct.Record, c *hook.PolicyCall) (*hook.Decision, error) {
	if r.Config["k"] == "never" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.host.Decide(ctx, r, c)
}

func TestReconfigureFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := store.NewFailing(store.NewMemory())
		var told []string
		l := begin(t, failing, adjunct.Limits{}, telling(&told))
		if err := l.policies.Add(t.Context(), l.entity, &adjunct.Record{ID: "p", Entity: "e", Type: "T", Name: "p", Config: map[string]any{"k": "a"}}); err != nil {
			t.Fatal(err)
		}
		shown := func(config string, running bool) {
			t.Helper()
			if i := l.policies.Of("e")[0]; i.Config["k"] != config || i.Running != running {
				t.Errorf("shown is %v, running %v", i.Config, i.Running)
			}
		}
		beat := func(want string) {
			t.Helper()
			time.Sleep(time.Millisecond)
			l.entity.Set("n", len(told))
			synctest.Wait()
			if got := told[len(told)-1]; got != want {
				t.Errorf("decided with %q, want %q", got, want)
			}
		}
		if err := l.policies.Reconfigure(t.Context(), "e", "nobody", with("k", "b")); fault.KindOf(err) != fault.NotFound || err.Error() != `no policy has the id "nobody"` {
			t.Errorf("unknown: %v", err)
		}
		if err := l.policies.Reconfigure(t.Context(), "e", "p", func(*adjunct.Record) error { return errors.New("no such key") }); err == nil || err.Error() != "no such key" {
			t.Errorf("refused: %v", err)
		}
		shown("a", true)
		beat("a ")
		// What cannot be stored leaves it as it was.
		failing.Fail(store.Failure{Call: store.CallCommit, Err: errors.New("disk full")})
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "b")); err == nil || err.Error() != "disk full" {
			t.Errorf("not stored: %v", err)
		}
		failing.Heal()
		shown("a", true)
		beat("a 1")
		// So does config by which it cannot listen.
		l.host.events = func(context.Context, *entity.Entity) ([]adjunct.Watch, error) { return nil, errors.New("no sensor") }
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "b")); err == nil || err.Error() != "no sensor" {
			t.Errorf("not begun: %v", err)
		}
		if i := l.policies.Of("e")[0]; i.Config["k"] != "a" || i.Running {
			t.Errorf("shown is %v, running %v", i.Config, i.Running)
		}
		// One that could not begin tries again.
		l.host.events = nil
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "c")); err != nil {
			t.Fatal(err)
		}
		shown("c", true)
		beat("c 2")
		// One that is suspended stays so.
		if err := l.policies.Suspend(t.Context(), "e", "p", ""); err != nil {
			t.Fatal(err)
		}
		if err := l.policies.Reconfigure(t.Context(), "e", "p", with("k", "d")); err != nil {
			t.Fatal(err)
		}
		shown("d", false)
		if err := l.policies.Resume(t.Context(), "e", "p"); err != nil {
			t.Fatal(err)
		}
		beat("d 3")
		if err := l.tasks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		l := begin(t, s, adjunct.Limits{}, nil)
		add := func(id, tag, kind string) error {
			return l.policies.Add(t.Context(), l.entity, &adjunct.Record{ID: id, Kind: kind, Entity: "e", Type: "T", Name: id, Tag: tag})
		}
		ids := func() (out string) {
			for _, i := range l.policies.Of("e") {
				out += i.ID + " "
			}
			return out
		}
		if err := errors.Join(add("a", "", ""), add("b", "only", ""), add("c", "", catalog.Enricher), add("d", "only", "")); err != nil {
			t.Fatal(err)
		}
		if got := ids(); got != "a c d " {
			t.Errorf("there are %s", got)
		}
		if err := add("a", "", ""); fault.KindOf(err) != fault.Conflict || err.Error() != `there is a policy or enricher with the id "a" already` {
			t.Errorf("twice: %v", err)
		}
		l.host.events = func(context.Context, *entity.Entity) ([]adjunct.Watch, error) { return nil, errors.New("no sensor") }
		if err := add("x", "", ""); err == nil || err.Error() != "no sensor" {
			t.Errorf("that cannot listen: %v", err)
		}
		l.host.events = nil
		if err := add("x", "", ""); err != nil { // nothing was left of it
			t.Error(err)
		}
		l.tree.Remove(t.Context(), l.entity, nil)
		if err := add("y", "", ""); fault.KindOf(err) != fault.NotFound {
			t.Errorf("to what is gone: %v", err)
		}
		stored := ""
		_ = s.Scan("adjunct", "", func(key string, _ []byte) error { stored += key + " "; return nil })
		if stored != "a c d x " {
			t.Errorf("stored are %s", stored)
		}
		if err := l.tasks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
