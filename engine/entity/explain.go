package entity

import (
	"context"
	"sync"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Explanation tells where a config value comes from and what it waits for.
type Explanation struct {
	Key      string     `json:"key"`
	Entity   string     `json:"entity"` // that reads it
	Type     string     `json:"type,omitempty"`
	Mode     string     `json:"inheritance"`
	Declared string     `json:"declaredBy,omitempty"` // the entity whose declaration counts, with its type
	Levels   []Source   `json:"levels"`               // the entities that were looked at, the reader first
	Value    any        `json:"value"`                // now; null when there is none
	Error    string     `json:"error,omitempty"`      // why there is none
	Asked    []Question `json:"asked,omitempty"`      // by the expressions in it, in this order
}

// Source is one entity on the way from the reader to the application.
type Source struct {
	Entity  string `json:"entity"`
	Written any    `json:"written,omitempty"` // the value as its blueprint has it
	Default any    `json:"default,omitempty"` // of its declaration
	Scope   string `json:"scope,omitempty"`   // where the text of the value stands, if not in the application's blueprint
	Used    bool   `json:"used"`              // the value, or the default, counts
}

// Question is what an expression asked while it was computed.
type Question struct {
	What    string `json:"what"` // config, sensor, entity, location or external
	Of      string `json:"of,omitempty"`
	Name    string `json:"name,omitempty"`
	Waiting bool   `json:"waiting,omitempty"` // there was no answer yet
	Answer  any    `json:"answer,omitempty"`  // never that of external
	Error   string `json:"error,omitempty"`
}

// Explain tells how a config value comes about, without waiting for anything.
func (e *Entity) Explain(ctx context.Context, name string) *Explanation {
	s, name := e.look(name)
	x := &Explanation{Key: name, Entity: e.Name(), Mode: s.mode(name)}
	if s.Key != nil {
		x.Type = s.Key.Type
	}
	for at := (level{e}); ; {
		src := Source{Entity: at.Name()}
		if raw, ok := at.Writes(name); ok {
			src.Written = Document(raw)
		}
		if k := at.Declares(name); k != nil {
			src.Default = k.Default
			if x.Declared == "" && k == s.Key {
				x.Declared = at.Name() + " (" + at.Type() + ")"
			}
		}
		if scope := at.ScopeOf(name); scope != (Scope{}) {
			src.Scope = scope.Bundle
		}
		for _, used := range s.Values {
			src.Used = src.Used || used == at
		}
		src.Used = src.Used || len(s.Values) == 0 && s.HasDefault && s.Default == at
		x.Levels = append(x.Levels, src)
		var ok bool
		if at, ok = at.Above(); !ok {
			break
		}
	}
	t := &tracer{}
	v, err := e.Config(context.WithValue(Hurry(ctx), tracerKey{}, t), name)
	if x.Value = Document(v); err != nil {
		x.Error = err.Error()
	}
	x.Asked = t.asked
	return x
}

// tracer notes what expressions ask.
type tracer struct {
	mu    sync.Mutex
	asked []Question
}

type tracerKey struct{}

// note records a question and its answer, if somebody wants to know.
func note(ctx context.Context, what string, of expr.Entity, name string, answer any, err error) {
	t, _ := ctx.Value(tracerKey{}).(*tracer)
	if t == nil {
		return
	}
	q := Question{What: what, Name: name, Answer: Document(answer)}
	if of != nil {
		q.Of = of.EntityName()
	}
	switch {
	case what == "sensor" && fault.KindOf(err) == fault.Timeout:
		q.Waiting, q.Answer = true, nil
	case err != nil:
		q.Error, q.Answer = err.Error(), nil
	}
	t.mu.Lock()
	t.asked = append(t.asked, q)
	t.mu.Unlock()
}
