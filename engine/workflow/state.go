package workflow

import (
	"encoding/json"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// state is where the run of a definition stands: what is stored before a step
// acts and after it ended.
type state struct {
	begun    bool // inputs are computed, the lock is held
	input    *values
	vars     *values
	stack    []frame // the block that runs now is the last one
	output   any     // of the last step that gave one
	has      bool    // output is set
	final    any     // what "let output" said
	finalHas bool
	previous string // path of the step that ran before
	tries    map[string]*tries
	deadline time.Time // of the whole run; zero is none
	lock     *heldLock
	point    string // path of the last step that can be gone back to, or atStart
}

// frame is one block that is being run.
type frame struct {
	Block    string    `json:"b"` // step.Workflow.Block's path
	Next     int       `json:"n"` // index of the step that runs, or is to run
	Running  bool      `json:"r,omitempty"`
	Until    time.Time `json:"u,omitzero"`  // when the sleep or backoff of the step that runs ends
	Deadline time.Time `json:"d,omitzero"`  // of the step that runs
	Failure  *Failure  `json:"f,omitempty"` // what an error handler handles
	Ran      bool      `json:"h,omitempty"` // a step of the handler ran
}

// Failure is an error as it is kept.
type Failure struct {
	Message string `json:"message"`
	Kind    string `json:"kind"`
	Step    string `json:"step,omitempty"` // path of the step that failed
}

func failureOf(err error, path string) *Failure {
	return &Failure{Message: err.Error(), Kind: fault.KindOf(err).String(), Step: path}
}

func (f *Failure) err() error { return fault.New(fault.ParseKind(f.Kind), "%s", f.Message) }

// tries counts the goings back of a retry.
type tries struct {
	Count int         `json:"n"`
	Times []time.Time `json:"t,omitempty"`
}

type heldLock struct {
	Entity string `json:"e"`
	Name   string `json:"n"`
}

// info is what is known of a step that ran, by its path.
type info struct {
	path      string
	started   int
	completed int
	vars      *values // as they were when it last started
	before    any     // output before it
	beforeHas bool
	input     *values
	output    any
	has       bool
	error     string
	task      string
	previous  string
	next      string
	dirty     bool
}

// rest is the part of a state that encoding/json does.
type rest struct {
	Begun    bool              `json:"begun,omitempty"`
	Stack    []frame           `json:"stack"`
	Previous string            `json:"previous,omitempty"`
	Tries    map[string]*tries `json:"tries,omitempty"`
	Deadline time.Time         `json:"deadline,omitzero"`
	Lock     *heldLock         `json:"lock,omitempty"`
	Point    string            `json:"point,omitempty"`
	Has      bool              `json:"has,omitempty"`
	FinalHas bool              `json:"finalHas,omitempty"`
}

// encode writes the state: a list of its JSON part, input, variables, output and
// final output.
func (s *state) encode() ([]byte, error) {
	head, err := json.Marshal(rest{s.begun, s.stack, s.previous, s.tries, s.deadline, s.lock, s.point, s.has, s.finalHas})
	if err != nil {
		return nil, err
	}
	b := append([]byte{'['}, head...)
	for _, v := range []*values{s.input, s.vars} {
		if b, err = v.append(append(b, ',')); err != nil {
			return nil, err
		}
	}
	for _, v := range []any{s.output, s.final} {
		if b, err = appendValue(append(b, ','), v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func decodeState(text []byte, resolve func(string) expr.Entity) (*state, error) {
	parts, err := split(text, 5)
	if err != nil {
		return nil, err
	}
	var r rest
	if err := json.Unmarshal(parts[0], &r); err != nil {
		return nil, fault.New(fault.Internal, "a stored workflow cannot be read: %w", err)
	}
	s := &state{begun: r.Begun, stack: r.Stack, previous: r.Previous, tries: r.Tries, deadline: r.Deadline, lock: r.Lock, point: r.Point, has: r.Has, finalHas: r.FinalHas}
	if s.input, err = readValues(parts[1], resolve); err != nil {
		return nil, err
	}
	if s.vars, err = readValues(parts[2], resolve); err != nil {
		return nil, err
	}
	if s.output, err = readValue(parts[3], resolve); err != nil {
		return nil, err
	}
	s.final, err = readValue(parts[4], resolve)
	return s, err
}

func split(text []byte, n int) ([]json.RawMessage, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil || len(parts) != n {
		return nil, fault.New(fault.Internal, "a stored workflow cannot be read: %d parts, %v", len(parts), err)
	}
	return parts, nil
}

func readValues(text []byte, resolve func(string) expr.Entity) (*values, error) {
	v, err := readValue(text, resolve)
	m, _ := v.(map[string]any)
	return &values{m: m}, err
}

// infoHead is the part of an info that encoding/json does.
type infoHead struct {
	Path      string `json:"path"`
	Started   int    `json:"started"`
	Completed int    `json:"completed"`
	BeforeHas bool   `json:"beforeHas,omitempty"`
	Has       bool   `json:"has,omitempty"`
	Error     string `json:"error,omitempty"`
	Task      string `json:"task,omitempty"`
	Previous  string `json:"previous,omitempty"`
	Next      string `json:"next,omitempty"`
}

func (i *info) encode() ([]byte, error) {
	head, err := json.Marshal(infoHead{i.path, i.started, i.completed, i.beforeHas, i.has, i.error, i.task, i.previous, i.next})
	if err != nil {
		return nil, err
	}
	b := append([]byte{'['}, head...)
	for _, v := range []*values{i.vars, i.input} {
		if b, err = v.append(append(b, ',')); err != nil {
			return nil, err
		}
	}
	for _, v := range []any{i.before, i.output} {
		if b, err = appendValue(append(b, ','), v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func decodeInfo(text []byte, resolve func(string) expr.Entity) (*info, error) {
	parts, err := split(text, 5)
	if err != nil {
		return nil, err
	}
	var h infoHead
	if err := json.Unmarshal(parts[0], &h); err != nil {
		return nil, fault.New(fault.Internal, "a stored step cannot be read: %w", err)
	}
	i := &info{path: h.Path, started: h.Started, completed: h.Completed, beforeHas: h.BeforeHas, has: h.Has, error: h.Error, task: h.Task, previous: h.Previous, next: h.Next}
	if i.vars, err = readValues(parts[1], resolve); err != nil {
		return nil, err
	}
	if i.input, err = readValues(parts[2], resolve); err != nil {
		return nil, err
	}
	if i.before, err = readValue(parts[3], resolve); err != nil {
		return nil, err
	}
	i.output, err = readValue(parts[4], resolve)
	return i, err
}
