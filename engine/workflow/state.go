package workflow

import (
	"bytes"
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
	end      *outcome
	point    string // path of the last step that can be gone back to, or atStart
}

// frame is one block that is being run.
type frame struct {
	Block    string    `json:"b"` // step.Workflow.Block's path
	Next     int       `json:"n"` // index of the step that runs, or is to run
	Running  bool      `json:"r,omitempty"`
	Count    int       `json:"c,omitempty"` // how often the step that runs was begun
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

// outcome is how a run at the top ended. It stands in the state, so that the
// record of a run is written once.
type outcome struct {
	Status Status          `json:"status"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Kind   string          `json:"kind,omitempty"`
	Time   time.Time       `json:"time"`
	Hash   string          `json:"hash"`
	Steps  []string        `json:"steps,omitempty"` // paths of those that are stored by themselves
}

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
	json      []byte // as it was last stored
	apart     bool   // it is stored by itself
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
	End      *outcome          `json:"end,omitempty"`
	Has      bool              `json:"has,omitempty"`
	FinalHas bool              `json:"finalHas,omitempty"`
}

// encode writes the state: a list of its JSON part, input, variables, output,
// final output, and the steps that are kept with it.
func (s *state) encode(steps [][]byte) ([]byte, error) {
	head, err := json.Marshal(rest{s.begun, s.stack, s.previous, s.tries, s.deadline, s.lock, s.point, s.end, s.has, s.finalHas})
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
	b = append(b, ",["...)
	b = append(b, bytes.Join(steps, []byte{','})...)
	return append(b, "]]"...), nil
}

const stateParts = 6

// decodeHead reads the JSON part of a state.
func decodeHead(text []byte) (*rest, []json.RawMessage, error) {
	parts, err := split(text, stateParts)
	if err != nil {
		return nil, nil, err
	}
	r := &rest{}
	if err := json.Unmarshal(parts[0], r); err != nil {
		return nil, nil, fault.New(fault.Internal, "a stored workflow cannot be read: %w", err)
	}
	return r, parts, nil
}

// decodeState reads a state, and gives the steps that are kept with it.
func decodeState(text []byte, resolve func(string) expr.Entity) (*state, []json.RawMessage, error) {
	r, parts, err := decodeHead(text)
	if err != nil {
		return nil, nil, err
	}
	s, err := r.state(parts, resolve)
	if err != nil {
		return nil, nil, err
	}
	var steps []json.RawMessage
	if err := json.Unmarshal(parts[5], &steps); err != nil {
		return nil, nil, fault.New(fault.Internal, "a stored workflow cannot be read: %w", err)
	}
	return s, steps, nil
}

func (r *rest) state(parts []json.RawMessage, resolve func(string) expr.Entity) (s *state, err error) {
	s = &state{begun: r.Begun, stack: r.Stack, previous: r.Previous, tries: r.Tries, deadline: r.Deadline, lock: r.Lock, point: r.Point, end: r.End, has: r.Has, finalHas: r.FinalHas}
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
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fault.New(fault.Internal, "stored values cannot be read: %w", err)
	}
	m := make(map[string]any, len(raw))
	for name, v := range raw {
		var err error
		if m[name], err = readValue(v, resolve); err != nil {
			return nil, err
		}
	}
	return &values{m: m}, nil
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
