package wasm

import (
	"context"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
)

// Call is one call that reached an instance of a module.
type Call struct {
	Time   time.Time // when it began
	Hook   hook.ID
	Type   string        // that was asked, and
	Entity string        // for whom, as Config.Subject says
	Took   time.Duration // all together
	Waited time.Duration // of that, for its turns
	Fuel   int64
	In     int // bytes of the document
	Out    int // bytes of the answer
	Pages  int // of memory after it
	Error  string
}

// traceError is how much of an error is remembered, in bytes.
const traceError = 400

// trace remembers the last calls of a module.
type trace struct {
	most int

	mu    sync.Mutex
	calls []Call // a ring once there are most
	next  int
}

type subject struct{ typ, entity string }

func (r *Runtime) subject(ctx context.Context) (s subject) {
	if r.cfg.Subject != nil {
		s.typ, s.entity = r.cfg.Subject(ctx)
	}
	return s
}

func (t *trace) add(c Call, s subject, err error) {
	c.Type, c.Entity = s.typ, s.entity
	if err != nil {
		text := err.Error()
		c.Error = text[:min(len(text), traceError)]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.calls) < t.most {
		t.calls = append(t.calls, c)
		return
	}
	t.calls[t.next] = c
	t.next = (t.next + 1) % t.most
}

// Trace gives the last calls, the newest first.
func (m *Module) Trace() []Call {
	t := &m.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Call, 0, len(t.calls))
	for n := range t.calls {
		out = append(out, t.calls[(t.next+len(t.calls)-1-n)%len(t.calls)])
	}
	return out
}
