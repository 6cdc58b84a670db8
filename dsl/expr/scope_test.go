package expr_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// entity is a node of a fake application. It is a pointer with exported
// fields and methods, none of which an expression may reach.
type entity struct {
	ID, Name string
	Secret   string
	parent   *entity
	children []*entity
	config   map[string]any
	sensors  map[string]any
}

func (e *entity) EntityID() string   { return e.ID }
func (e *entity) EntityName() string { return e.Name }
func (e *entity) Destroy() string    { panic("an expression reached into the engine") }

func (e *entity) add(child *entity) *entity {
	child.parent = e
	e.children = append(e.children, child)
	return e
}

// world is a fake Scope.
type world struct {
	self  *entity
	asked []string // every question, in order
	waits []expr.WaitOptions
	calls atomic.Int64
}

func (w *world) Self() expr.Entity { return w.self }

func (w *world) note(format string, args ...any) {
	w.calls.Add(1)
	w.asked = append(w.asked, fmt.Sprintf(format, args...))
}

func (w *world) Find(_ context.Context, from expr.Entity, how expr.Locator, id string) (expr.Entity, error) {
	w.note("find %s %s of %s", how, id, from.EntityID())
	e := from.(*entity)
	root := e
	for root.parent != nil {
		root = root.parent
	}
	var found *entity
	switch how {
	case expr.Parent:
		if e.parent == nil {
			return nil, nil
		}
		return e.parent, nil
	case expr.Root, expr.ScopeRoot:
		return root, nil
	case expr.Ancestor:
		for up := e.parent; up != nil && found == nil; up = up.parent {
			if up.ID == id {
				found = up
			}
		}
	case expr.Child:
		found = below(e, id, 1)
	case expr.Descendant, expr.Member:
		found = below(e, id, 99)
	case expr.Sibling:
		found = below(e.parent, id, 1)
	default:
		if found = below(root, id, 99); root.ID == id {
			found = root
		}
	}
	if found == nil {
		return nil, fault.New(fault.NotFound, "No entity matching id '%s'", id)
	}
	return found, nil
}

func below(e *entity, id string, depth int) *entity {
	if depth == 0 {
		return nil
	}
	for _, c := range e.children {
		if c.ID == id {
			return c
		}
		if found := below(c, id, depth-1); found != nil {
			return found
		}
	}
	return nil
}

func (w *world) Config(ctx context.Context, of expr.Entity, key string) (any, error) {
	w.note("config %s of %s", key, of.EntityID())
	switch v := of.(*entity).config[key].(type) {
	case error:
		return nil, v
	case chan struct{}:
		<-ctx.Done()
		return nil, context.Cause(ctx)
	default:
		return v, nil
	}
}

func (w *world) Location(_ context.Context, of expr.Entity, i int) (any, error) {
	if i > 0 {
		return nil, fault.New(fault.NotFound, "%s has 1 location, so none has the number %d", of.EntityName(), i)
	}
	return map[string]any{"name": "home"}, nil
}

func (w *world) External(_ context.Context, provider, key string) (any, error) {
	return provider + "/" + key, nil
}

func (w *world) AttributeWhenReady(_ context.Context, of expr.Entity, sensor string, o expr.WaitOptions) (any, error) {
	w.note("sensor %s of %s", sensor, of.EntityID())
	w.waits = append(w.waits, o)
	if v, ok := of.(*entity).sensors[sensor]; ok {
		return v, nil
	}
	return nil, fault.New(fault.Timeout, "Unsatisfied after 10ms: sensor %s of %s", sensor, of.EntityName())
}

// newWorld makes app{web, db{node}} and stands on web.
func newWorld() *world {
	node := &entity{ID: "node", Name: "Node"}
	db := &entity{
		ID: "db", Name: "Database",
		config:  map[string]any{"port": int64(3306), "other": "web", "user": "scott"},
		sensors: map[string]any{"url": "mysql://db", "ready": true},
	}
	web := &entity{
		ID: "web", Name: "Web", Secret: "s3cret",
		sensors: map[string]any{"peer": db},
		config: map[string]any{
			"n": int64(21), "f": 2.5, "host": "example.org", "key": "n", "target": "db", "dbEntity": db, "yes": true,
			"list": []any{int64(10), int64(20), "c"}, "map": map[string]any{"a": []any{int64(1), int64(2)}, "Name": "x"},
			"entities": []any{db, node}, "big": strings.Repeat("x", 1<<20),
			"ports":   []any{map[string]any{"name": "http", "port": int64(80)}, map[string]any{"name": "https", "port": int64(443)}},
			"broken":  fault.New(fault.OnFire, "Abort due to db on-fire"),
			"waiting": make(chan struct{}), "empty": "",
		},
	}
	app := &entity{ID: "app", Name: "App", config: map[string]any{"n": int64(1)}}
	app.add(web).add(db.add(node))
	return &world{self: web}
}

// scalar gives text as it would stand in column 10 of line 3 of app.yaml.
func scalar(text string) *yamlpos.Node {
	return &yamlpos.Node{Pos: yamlpos.Pos{File: "app.yaml", Line: 3, Col: 10}, Kind: yamlpos.Scalar, Value: text}
}

func eval(text string) (any, *world, error) {
	w := newWorld()
	v, err := expr.Compile(scalar(text), expr.Limits{})
	if err != nil {
		return nil, w, fmt.Errorf("compile: %w", err)
	}
	got, err := v.Eval(context.Background(), w)
	return got, w, err
}
