package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// fake is an engine whose effectors are Go functions. Entities, config,
// sensors and activities are the real ones.
type fake struct {
	store     store.Store
	tree      *entity.Tree
	tasks     *task.Manager
	Catalog   // that of a real engine
	locations []location.Definition
	adjuncts  map[entity.ID][]adjunct.Info
	health    engine.Health
	panics    bool
	requests  []engine.Request              // deployed
	asked     atomic.Pointer[chan struct{}] // told when Tasks is called
}

var _ Engine = (*fake)(nil)

func app() *entity.Declaration {
	return &entity.Declaration{Aggregates: true, Type: hook.Type{
		Name: "Application", Kind: "entity", Effectors: []hook.Effector{{Name: "start"}, {Name: "stop"}},
	}}
}

func web() *entity.Declaration {
	return &entity.Declaration{Type: hook.Type{
		Name: "Web", Kind: "entity", Description: "A web server",
		Config: []hook.ConfigKey{
			{Name: "image", Type: "string", Required: true, Description: "what to run"},
			{Name: "env", Type: "map"}, {Name: "port", Type: "port", Default: int64(80)}, {Name: "unset", Type: "string", Label: "Not set", Unpinned: true, Constraints: []any{map[string]any{"regex": "a|b"}, "notNull"}},
			{Name: "pending", Type: "string"}, {Name: "greeting", Type: "string"}, {Name: "broken", Type: "integer"},
		},
		Sensors: []hook.Sensor{{Name: "host.address", Type: "string", Description: "where it is"}, {Name: "requests", Type: "integer"}},
		Effectors: []hook.Effector{
			{Name: "start"},
			{Name: "echo", Description: "Says it again", ReturnType: "string", Parameters: []hook.Parameter{
				{Name: "text", Type: "string", Default: "hello"}, {Name: "password", Type: "string"},
			}},
			{Name: "fail"}, {Name: "slow"},
		},
	}}
}

func newFake(t testing.TB) *fake {
	t.Helper()
	s := store.NewMemory()
	m, err := task.NewManager(task.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	f := &fake{store: s, tree: entity.NewTree(s), tasks: m, adjuncts: map[entity.ID][]adjunct.Info{}}
	types := []*catalog.Type{
		{Type: app().Type, Application: true, Entity: nil},
		{Type: hook.Type{Name: "Scaler", Kind: "policy", Description: "Adds members", Config: []hook.ConfigKey{{Name: "max", Type: "integer", Default: int64(4)}}}, Version: "1.2.0", Module: "scaling"},
		{Type: web().Type},
		{Type: hook.Type{Name: "Redis", Kind: "entity"}, Unbuilt: "use docker:redis"},
	}
	types[2].Aliases = []string{"org.example.Web"}
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: types})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	f.Catalog = e
	f.locations = []location.Definition{{Name: "here", Kind: "localhost", Config: map[string]any{"user": "joe", "password": "pw"}}}
	return f
}

// withShop adds the application that most tests look at.
func (f *fake) withShop(t testing.TB) *fake {
	t.Helper()
	_, err := f.tree.Add(t.Context(), nil, &entity.New{
		Record:      entity.Record{ID: "shop1", Name: "Shop", Type: "Application", Locations: []string{"here"}, Source: "name: Shop\n", Config: map[string]any{"owner": "joe"}},
		Declaration: app(),
		Children: []*entity.New{
			{Declaration: web(), Record: entity.Record{
				ID: "web1", Name: "Front End", Type: "Web", PlanID: "web", Item: "nginx:1.0", Tags: []any{"blue", map[string]any{"team": "a"}},
				Config: map[string]any{
					"image": "nginx", "env": map[string]any{"DB_PASSWORD": "s3cret", "MODE": "x"}, "greeting": `$brooklyn:config("image")`,
					"pending": `$brooklyn:attributeWhenReady("later")`, "broken": "many",
				},
			}},
			{Declaration: web(), Record: entity.Record{ID: "db1", Name: "db", Type: "Database", Config: map[string]any{"image": "mysql"}}},
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	front, _ := f.tree.Get("web1")
	front.Update(map[string]any{"host.address": "10.0.0.7", "admin.password": "pw", "ratio": 0.5, "odd/name": "yes"})
	f.adjuncts["web1"] = []adjunct.Info{
		{Record: adjunct.Record{Kind: "policy", ID: "p1", Type: "Scaler", Name: "scaler", Config: map[string]any{"min": int64(1), "token": "t"}}, Running: true},
		{Record: adjunct.Record{Kind: "policy", ID: "p2", Type: "Gone", Name: "other", Suspended: "failed too often"}},
	}
	return f
}

func (f *fake) Deploy(ctx context.Context, r engine.Request) (*entity.Entity, *task.Task, error) {
	f.requests = append(f.requests, r)
	if f.panics {
		panic("told to")
	}
	if err := f.refuse(r); err != nil {
		return nil, nil, err
	}
	for _, w := range doubts(r) {
		r.Warn(w)
	}
	if r.ID == "" {
		r.ID = "new1"
	}
	if _, err := f.tree.Get(entity.ID(r.ID)); err == nil {
		return nil, nil, fault.New(fault.Conflict, "Application with id '%s' already exists", r.ID)
	}
	ent, err := f.tree.Add(ctx, nil, &entity.New{Declaration: app(), Record: entity.Record{ID: entity.ID(r.ID), Name: "New", Type: "Application", Source: string(r.Text)}}, nil)
	if err != nil {
		return nil, nil, err
	}
	t, err := f.submit(ent, "start", "start-"+r.ID, nil, func(context.Context) (any, error) {
		ent.Expect(entity.Starting)
		time.Sleep(10 * time.Millisecond)
		return nil, nil
	})
	return ent, t, err
}

// refuse is what Check and Deploy find wrong.
func (f *fake) refuse(r engine.Request) error {
	var errs yamlpos.Errors
	switch text := string(r.Text); {
	case strings.Contains(text, "bad"):
		errs.Add(yamlpos.Pos{File: r.File, Line: 2, Col: 3}, "unknown entity type \"bad\"")
		errs.Add(yamlpos.Pos{File: r.File, Line: 4, Col: 1}, "and more")
		return &errs
	case strings.Contains(text, "missing"):
		return fault.New(fault.NotFound, "unknown location %q", "missing")
	case strings.Contains(text, "full"):
		return fault.New(fault.ReadOnly, "the store takes no writes: disk full")
	}
	return nil
}

func (f *fake) Check(_ context.Context, r engine.Request) (*engine.Report, error) {
	return &engine.Report{Warnings: doubts(r)}, f.refuse(r)
}

// doubts are the warnings of Check and Deploy.
func doubts(r engine.Request) (out []*yamlpos.Error) {
	if strings.Contains(string(r.Text), "odd") {
		w := &yamlpos.Error{Pos: yamlpos.Pos{File: r.File, Line: 3, Col: 5}, Msg: "P has no config key \"a\\b\"\nat all"}
		out = append(out, w, w)
	}
	return out
}

func (f *fake) AddChildren(ctx context.Context, parent *entity.Entity, r engine.Request, start bool) ([]*entity.Entity, *task.Task, error) {
	if err := f.refuse(r); err != nil {
		return nil, nil, err
	}
	ent, err := f.tree.Add(ctx, parent, &entity.New{Declaration: web(), Record: entity.Record{ID: "child1", Name: "child", Type: "Web"}}, nil)
	if err != nil {
		return nil, nil, err
	}
	t, err := f.submit(parent, "add children", "add1", nil, func(context.Context) (any, error) { return []any{"child1", start}, nil })
	return []*entity.Entity{ent}, t, err
}

func (f *fake) Delete(_ context.Context, ent *entity.Entity) (*task.Task, error) {
	return f.submit(ent, "delete", "delete1", nil, func(ctx context.Context) (any, error) { return nil, f.tree.Remove(ctx, ent, nil) })
}

func (f *fake) Expunge(_ context.Context, ent *entity.Entity, release bool) (*task.Task, error) {
	return f.submit(ent, "expunge", "expunge1", nil, func(ctx context.Context) (any, error) { return release, f.tree.Remove(ctx, ent, nil) })
}

func (f *fake) Invoke(_ context.Context, ent *entity.Entity, effector string, args map[string]any) (*task.Task, error) {
	if ent.Declaration().Effector(effector) == nil {
		return nil, fault.New(fault.NotFound, "Entity '%s' has no effector with name '%s'", ent.Name(), effector)
	}
	return f.submit(ent, effector, effector+"1", args, func(ctx context.Context) (any, error) {
		switch effector {
		case "fail":
			_, _ = task.From(ctx).Stream("stderr").Write([]byte("no luck\n"))
			return nil, errors.New("it failed")
		case "slow":
			return f.slow(ctx)
		}
		return args["text"], nil
	})
}

// slow runs until it is cancelled, with a child that shows what is going on.
func (f *fake) slow(ctx context.Context) (any, error) {
	defer task.From(ctx).Block("Waiting for ever")()
	return f.tasks.Run(ctx, task.Spec{ID: "step1", Name: "wait"}, func(ctx context.Context) (any, error) {
		_, _ = task.From(ctx).Stream("env").Write([]byte("A=1\nMY_TOKEN=t0p\n"))
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
}

// submit returns when the task has begun, and it then takes a moment of the
// test's clock, so that what is seen of it does not depend on the scheduler.
func (f *fake) submit(ent *entity.Entity, name, id string, args map[string]any, fn func(context.Context) (any, error)) (*task.Task, error) {
	begun := make(chan struct{})
	t, err := f.tasks.Submit(task.Spec{
		ID: task.ID(id), Name: name, Description: "Invoking effector " + name, Entity: string(ent.ID()), EntityName: ent.Name(),
		Effector: name, Args: args, Tags: []string{"TOP-LEVEL", "EFFECTOR"},
	}, func(ctx context.Context) (any, error) {
		close(begun)
		time.Sleep(10 * time.Millisecond)
		return fn(ctx)
	})
	if err == nil {
		<-begun
	}
	return t, err
}

func (f *fake) Applications() []*entity.Entity { return f.tree.Applications() }

func (f *fake) Application(ref string) (*entity.Entity, error) {
	for _, a := range f.tree.Applications() {
		if string(a.ID()) == ref || strings.EqualFold(a.Name(), ref) {
			return a, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Application '%s' not found", ref)
}

func (f *fake) EntityByID(id string) (*entity.Entity, error) { return f.tree.Get(entity.ID(id)) }

func (f *fake) Entity(application, ref string) (*entity.Entity, error) {
	a, err := f.Application(application)
	if err != nil {
		return nil, err
	}
	if ent, err := f.tree.Get(entity.ID(ref)); err == nil {
		if ent.Application() != a.ID() {
			return nil, fault.New(fault.Precondition, "Application '%s' does not have an entity '%s'", application, ref)
		}
		return ent, nil
	}
	for _, ent := range a.Descendants() {
		if ent.Name() == ref {
			return ent, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Cannot find entity '%s' in application '%s'", ref, application)
}

func (f *fake) Explain(ctx context.Context, ent *entity.Entity, key string) (*entity.Explanation, error) {
	return ent.Explain(ctx, key), nil
}

func (f *fake) Config(ctx context.Context, ent *entity.Entity, key string) (any, error) {
	v, err := ent.Config(ctx, key)
	return entity.Document(v), err
}

func (f *fake) SetConfig(ctx context.Context, ent *entity.Entity, key string, value any) error {
	return ent.SetConfig(ctx, key, value)
}

func (f *fake) SetSensor(_ context.Context, ent *entity.Entity, name string, value any) error {
	ent.Set(name, value)
	return nil
}

func (f *fake) ClearSensor(_ context.Context, ent *entity.Entity, name string) error {
	if _, there := ent.Sensor(name); !there {
		return fault.New(fault.NotFound, "Sensor '%s' not known", name)
	}
	ent.Set(name, nil)
	return nil
}

func (f *fake) Adjuncts(ent *entity.Entity) []adjunct.Info { return f.adjuncts[ent.ID()] }

func (f *fake) SuspendAdjunct(_ context.Context, ent *entity.Entity, id string) error {
	return f.changeAdjunct(ent, id, func(i *adjunct.Info) { i.Running, i.Suspended = false, "suspended by the user" })
}

func (f *fake) ResumeAdjunct(_ context.Context, ent *entity.Entity, id string) error {
	return f.changeAdjunct(ent, id, func(i *adjunct.Info) { i.Running, i.Suspended = true, "" })
}

func (f *fake) RemoveAdjunct(_ context.Context, ent *entity.Entity, id string) error {
	f.adjuncts[ent.ID()] = slices.DeleteFunc(slices.Clone(f.adjuncts[ent.ID()]), func(i adjunct.Info) bool { return i.ID == id })
	return nil
}

func (f *fake) AddAdjunct(_ context.Context, ent *entity.Entity, r engine.AdjunctRequest) (adjunct.Info, error) {
	if r.Type != "Scaler" {
		return adjunct.Info{}, fault.New(fault.Invalid, "unknown policy type %q", r.Type)
	}
	i := adjunct.Info{Record: adjunct.Record{Kind: cmp.Or(r.Kind, "policy"), ID: cmp.Or(r.ID, "p3"), Type: r.Type, Name: cmp.Or(r.Name, r.Type), Config: r.Config}, Running: true}
	f.adjuncts[ent.ID()] = append(slices.Clone(f.adjuncts[ent.ID()]), i)
	return i, nil
}

func (f *fake) SetAdjunctConfig(_ context.Context, ent *entity.Entity, id, key string, value any) error {
	return f.changeAdjunct(ent, id, func(i *adjunct.Info) {
		i.Config = maps.Clone(i.Config)
		i.Config[key] = value
	})
}

func (f *fake) changeAdjunct(ent *entity.Entity, id string, change func(*adjunct.Info)) error {
	list := slices.Clone(f.adjuncts[ent.ID()])
	for i := range list {
		if list[i].ID == id {
			change(&list[i])
		}
	}
	f.adjuncts[ent.ID()] = list
	return nil
}

func (f *fake) Tasks() *task.Manager {
	if c := f.asked.Load(); c != nil {
		*c <- struct{}{}
	}
	return f.tasks
}

func (f *fake) Locations() []location.Definition { return f.locations }
func (f *fake) Health() engine.Health            { return f.health }
func (f *fake) Plane() string                    { return "plane1" }

// logged makes a server that logs into the buffer.
func logged(e Engine, log *bytes.Buffer) *Server {
	return New(e, Config{Password: "pw", Version: "1.0", Commit: "abc", Log: slog.New(slog.NewTextHandler(log, nil))})
}

var errNoWorkflows = fault.New(fault.Internal, "the fake runs no workflows")

func (f *fake) RunWorkflow(context.Context, *entity.Entity, engine.Request) (*task.Task, error) {
	return nil, errNoWorkflows
}
func (f *fake) Workflows(*entity.Entity) ([]*workflow.View, error) { return nil, errNoWorkflows }
func (f *fake) Workflow(*entity.Entity, string) (*workflow.View, error) {
	return nil, errNoWorkflows
}
func (f *fake) DeleteWorkflow(context.Context, *entity.Entity, string) error { return errNoWorkflows }
func (f *fake) ReplayWorkflow(context.Context, *entity.Entity, string, string, string, bool) (*task.Task, error) {
	return nil, errNoWorkflows
}
