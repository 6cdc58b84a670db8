package entity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

var (
	startable = []hook.Effector{{Name: "start"}, {Name: "stop"}}
	appType   = &entity.Declaration{Type: hook.Type{Name: "app", Effectors: startable}, Aggregates: true}
	soft      = &entity.Declaration{Type: hook.Type{Name: "soft", Effectors: startable, Config: []hook.ConfigKey{
		{Name: "port", Flags: []string{"p"}, Type: "integer", Default: int64(80)},
		{Name: "launch.command", Type: "string", Inherit: "never"},
		{Name: "links", Type: "list"},
	}}}
	plainType = &entity.Declaration{Type: hook.Type{Name: "plain"}}
)

func node(id string, d *entity.Declaration, config map[string]any, children ...*entity.New) *entity.New {
	n := &entity.New{Declaration: d, Children: children}
	n.ID, n.PlanID, n.Name, n.Type, n.Config = entity.ID(id+"-id"), id, id, d.Name, config
	return n
}

func plant(t *testing.T, s store.Store, n *entity.New) (*entity.Tree, func(plan string) *entity.Entity) {
	t.Helper()
	tree := entity.NewTree(s)
	if _, err := tree.Add(context.Background(), nil, n, nil); err != nil {
		t.Fatal(err)
	}
	return tree, func(plan string) *entity.Entity {
		e, err := tree.Get(entity.ID(plan + "-id"))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func TestConfigIsInheritedAndEvaluatedWhereItStands(t *testing.T) {
	_, get := plant(t, store.NewMemory(), node("app", appType, map[string]any{
		"who":            "$brooklyn:self().entityId()",
		"port":           "8080",
		"launch.command": "run the app",
		"text":           "plain",
		"loop":           `$brooklyn:config("pool")`,
		"pool":           `$brooklyn:config("loop")`,
	},
		node("web", soft, map[string]any{"text": "mine", "bad": `$brooklyn:component("nobody").config("x")`, "peer": `$brooklyn:component("db")`, "links": []any{`$brooklyn:component("db")`}}),
		node("db", soft, map[string]any{"port": "many"}),
	))
	web := get("web")
	for _, tt := range []struct {
		key  string
		want any
		err  string
	}{
		{"who", "app-id", ""},
		{"port", int64(8080), ""},
		{"p", int64(8080), ""},
		{"launch.command", nil, ""},
		{"text", "mine", ""},
		{"absent", nil, ""},
		{"peer", get("db"), ""},
		{"links", []any{get("db")}, ""},
		{"bad", nil, "No entity matching id 'nobody'"},
		{"loop", nil, "Recursive reference"},
	} {
		got, err := web.Config(context.Background(), tt.key)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q in it", tt.key, err, tt.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s = %v (%T), %v; want %v", tt.key, got, got, err, tt.want)
		}
	}
	if _, err := get("db").Config(context.Background(), "port"); err == nil || !strings.HasPrefix(err.Error(), "Invalid value for port on db: ") {
		t.Errorf("error %v", err)
	}
}

func TestDocumentsNameEntities(t *testing.T) {
	tree, get := plant(t, store.NewMemory(), node("app", appType, nil, node("db", soft, nil)))
	db := get("db")
	in := map[string]any{"links": []any{"x", db}, "n": 1}
	doc := entity.Document(in)
	want := map[string]any{"$entity": "db-id", "application": "app-id", "planId": "db", "name": "db", "type": "soft"}
	if got := doc.(map[string]any)["links"].([]any)[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if in["links"].([]any)[1] != db {
		t.Error("the value given was changed")
	}
	if back := tree.Resolve(doc).(map[string]any)["links"].([]any)[1]; back != db {
		t.Errorf("resolved to %v", back)
	}
}

func TestServiceState(t *testing.T) {
	_, get := plant(t, store.NewMemory(), node("app", appType, nil, node("a", soft, nil), node("b", soft, nil), node("x", plainType, nil)))
	app, a, b := get("app"), get("a"), get("b")
	check := func(when, appState, aState string, appUp bool) {
		t.Helper()
		if app.State() != appState || a.State() != aState || app.Up() != appUp {
			t.Errorf("%s: app %s (up %v), a %s; want %s (up %v), %s", when, app.State(), app.Up(), a.State(), appState, appUp, aState)
		}
	}
	check("created", "created", "created", false)
	app.Expect(entity.Starting)
	a.Expect(entity.Starting)
	check("starting", "starting", "starting", false)
	a.Expect(entity.Running)
	b.Expect(entity.Running)
	check("children run", "starting", "running", false)
	app.Expect(entity.Running)
	check("all run", "running", "running", true)
	a.Indicate("place", "exited with code 137")
	check("a died", "on-fire", "on-fire", false)
	if v, _ := a.Sensor(entity.NotUpIndicators); !reflect.DeepEqual(v, map[string]any{"place": "exited with code 137"}) {
		t.Errorf("indicators %v", v)
	}
	a.Indicate("place", "")
	check("a is back", "running", "running", true)
	b.Problem("disk", "full")
	check("b has a problem", "on-fire", "running", false)
	b.Problem("disk", "")
	a.Expect(entity.Stopping)
	a.Expect(entity.Stopped)
	check("a stopped", "on-fire", "stopped", false)
	if s := get("x").State(); s != "" {
		t.Errorf("an entity without a life cycle is %s", s)
	}
}

func TestReloadRestoresEverything(t *testing.T) {
	s := store.NewMemory()
	_, get := plant(t, s, node("app", appType, map[string]any{"k": `$brooklyn:config("other")`, "other": "v"},
		node("a", soft, nil, node("a1", plainType, nil)), node("b", soft, nil)))
	for _, id := range []string{"a", "b", "app"} {
		get(id).Expect(entity.Running)
	}
	get("a1").Set("greeting", "hello")
	if err := get("b").SetConfig(context.Background(), "p", "99"); err != nil {
		t.Fatal(err)
	}
	if err := get("b").Rename(context.Background(), "bee"); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	tree := entity.NewTree(s)
	types := map[string]*entity.Declaration{"app": appType, "soft": soft, "plain": plainType}
	if err := tree.Load(func(r entity.Record) *entity.Declaration { return types[r.Type] }); err != nil {
		t.Fatal(err)
	}
	app := tree.Applications()[0]
	var shape []string
	for _, d := range app.Descendants() {
		shape = append(shape, fmt.Sprintf("%s:%s", d.Name(), d.State()))
	}
	if got := strings.Join(shape, " "); got != "app:running a:running bee:running a1:" {
		t.Errorf("tree %s", got)
	}
	b := app.Children()[1]
	if v, err := b.Config(context.Background(), "port"); v != int64(99) || err != nil {
		t.Errorf("port %v %v", v, err)
	}
	if v, err := b.Config(context.Background(), "k"); v != "v" || err != nil {
		t.Errorf("k %v %v", v, err)
	}
	b.Indicate("place", "gone")
	if app.State() != entity.OnFire {
		t.Errorf("the application is %s after a child died: the counts were not restored", app.State())
	}
}

func TestRemoveTellsWaitersAndLeavesNothing(t *testing.T) {
	s := store.NewMemory()
	tree, get := plant(t, s, node("app", appType, nil, node("a", soft, nil), node("b", soft, nil)))
	a := get("a")
	failed := make(chan error, 1)
	go func() {
		_, err := a.WhenReady(context.Background(), "never", expr.DefaultWait())
		failed <- err
	}()
	if err := tree.Remove(context.Background(), get("app"), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; fault.KindOf(err) != fault.NotFound {
		t.Errorf("the waiter got %v", err)
	}
	a.Set("late", 1)
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []store.Bucket{"entity", "sensor"} {
		_ = s.Scan(bucket, "", func(key string, _ []byte) error { t.Errorf("%s %s is left", bucket, key); return nil })
	}
}

func TestWhenReady(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		name  string
		opts  func(*expr.WaitOptions)
		do    func(e *entity.Entity)
		want  any
		err   string
		after time.Duration
	}{
		{"is there", nil, func(e *entity.Entity) { e.Set("s", "v") }, "v", "", 0},
		{"falsy is not ready", func(o *expr.WaitOptions) { o.Timeout = &second }, func(e *entity.Entity) { e.Set("s", "") }, nil, "Unsatisfied after 1s: sensor s of a", second},
		{"falsy suffices", func(o *expr.WaitOptions) { o.WaitForTruthy = false }, func(e *entity.Entity) { e.Set("s", false) }, false, "", 0},
		{"nothing suffices in the end", func(o *expr.WaitOptions) { o.WaitForTruthy, o.Timeout = false, &second }, nil, nil, "", second},
		{"on fire", nil, func(e *entity.Entity) { e.Expect(entity.OnFire) }, nil, "Abort due to a on-fire", 0},
		{"on fire is allowed", func(o *expr.WaitOptions) { o.AbortIfOnFire, o.Timeout = false, &second }, func(e *entity.Entity) { e.Expect(entity.OnFire) }, nil, "Unsatisfied after 1s", second},
		{"stopped", nil, func(e *entity.Entity) { e.Expect(entity.Stopped) }, nil, "Unsatisfied after 1m (tighter timeout due to stopped)", time.Minute},
		{"no wait", func(o *expr.WaitOptions) { var zero time.Duration; o.Timeout = &zero }, nil, nil, "Waiting not permitted", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, get := plant(t, store.NewMemory(), node("app", appType, nil, node("a", soft, nil)))
				o := expr.DefaultWait()
				if tt.opts != nil {
					tt.opts(&o)
				}
				if tt.do != nil {
					tt.do(get("a"))
				}
				start := time.Now()
				got, err := get("a").WhenReady(context.Background(), "s", o)
				if time.Since(start) != tt.after {
					t.Errorf("took %s, want %s", time.Since(start), tt.after)
				}
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want %q", err, tt.err)
					}
				} else if err != nil || got != tt.want {
					t.Errorf("got %v, %v; want %v", got, err, tt.want)
				}
			})
		})
	}
}

func TestCyclicWaitIsNamed(t *testing.T) {
	_, get := plant(t, store.NewMemory(), node("app", appType, nil, node("a", soft, nil), node("b", soft, nil), node("c", soft, nil)))
	ctx := context.Background()
	waiting := func(from, to, sensor string) chan error {
		out := make(chan error, 1)
		go func() {
			_, err := get(to).WhenReady(get(from).Acting(ctx), sensor, expr.DefaultWait())
			out <- err
		}()
		return out
	}
	synctest.Test(t, func(t *testing.T) {
		ab, bc := waiting("a", "b", "url"), waiting("b", "c", "port")
		synctest.Wait()
		err := <-waiting("c", "a", "service.isUp")
		want := "cyclic wait: c waits for sensor service.isUp of a, which waits for sensor url of b, which waits for sensor port of c"
		if err == nil || err.Error() != want {
			t.Errorf("error %v\n want %s", err, want)
		}
		get("c").Set("port", 1)
		get("b").Set("url", "x")
		for _, ch := range []chan error{ab, bc} {
			if err := <-ch; err != nil {
				t.Error(err)
			}
		}
	})
}

// A parent that waits for its children's start is no obstacle to its own
// sensors, but it cannot be up before they are.
func TestChildWaitsForParent(t *testing.T) {
	_, get := plant(t, store.NewMemory(), node("app", appType, nil, node("a", soft, nil)))
	done := get("a").AwaitStart(get("app").Acting(context.Background()))
	defer done()
	ctx := get("a").Acting(context.Background())
	if _, err := get("app").WhenReady(ctx, "service.isUp", expr.DefaultWait()); err == nil || !strings.Contains(err.Error(), "app, which waits for the start of a") {
		t.Errorf("error %v", err)
	}
	get("app").Set("token", "t")
	if v, err := get("app").WhenReady(ctx, "token", expr.DefaultWait()); v != "t" || err != nil {
		t.Errorf("%v %v", v, err)
	}
}

// Ten thousand waiters of one sensor are all woken by its value.
func BenchmarkRelease10kWaiters(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		tree := entity.NewTree(store.NewMemory())
		if _, err := tree.Add(context.Background(), nil, node("app", appType, nil), nil); err != nil {
			b.Fatal(err)
		}
		app := tree.Applications()[0]
		var ready, done sync.WaitGroup
		for range 10_000 {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				if _, err := app.WhenReady(context.Background(), "go", expr.DefaultWait()); err != nil {
					b.Error(err)
				}
			})
		}
		ready.Wait()
		b.StartTimer()
		app.Set("go", true)
		done.Wait()
	}
}

func BenchmarkSet(b *testing.B) {
	tree := entity.NewTree(store.NewMemory())
	if _, err := tree.Add(context.Background(), nil, node("app", appType, nil), nil); err != nil {
		b.Fatal(err)
	}
	app := tree.Applications()[0]
	b.ReportAllocs()
	for b.Loop() {
		app.Set("n", 1)
	}
}

func TestRecordIsStable(t *testing.T) {
	text, err := json.Marshal(entity.Record{ID: "x", Application: "x", Type: "t", Name: "n"})
	want := `{"id":"x","application":"x","seq":0,"type":"t","name":"n","created":"0001-01-01T00:00:00Z"}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
