// Package command is what the steps that run commands have in common: their
// keys, the output that they keep, and what counts as success.
//
//	command          what a shell is to run
//	env              map of environment variables
//	exit_code        which exit codes are fine: a number, a list or a predicate; default 0
//	output_max_size  bytes that are kept of the output, its end; default 1 MiB
//
// A command is the text of the blueprint's author. Values get to it through
// env, which no shell reads as anything but text.
package command

import (
	"context"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

const (
	defaultOutput = 1 << 20  // bytes of output_max_size
	maxOutput     = 64 << 20 // beyond it a workflow could not be stored
)

// Keys are what a step says of its command, checked.
type Keys struct {
	Env    map[string]string
	Output int // bytes that are kept of each stream

	step  string
	input map[string]any
	exit  []*predicate.Predicate // of which one must hold; none: 0
}

var environName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Read checks the input of a step, which may have more keys than those of this
// package. Errors are Invalid and name the step and the key.
func Read(step string, input map[string]any, more ...string) (*Keys, error) {
	k := &Keys{step: step, input: input, Output: defaultOutput, Env: map[string]string{}}
	known := append([]string{"command", "env", "exit_code", "output_max_size"}, more...)
	for _, key := range slices.Sorted(maps.Keys(input)) {
		if !slices.Contains(known, key) {
			return nil, k.Fail(key, "there is no such key%s", nearest.Hint(key, known))
		}
	}
	for _, read := range []func() error{k.environ, k.exitCode, k.output} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Fail makes the error for a key.
func (k *Keys) Fail(key, format string, args ...any) error {
	return fault.New(fault.Invalid, k.step+": "+key+": "+format, args...)
}

// Text gives a key that is a text or another plain value, "" when it is absent.
func (k *Keys) Text(key string) (string, error) {
	switch v := k.input[key].(type) {
	case []any, map[string]any:
		return "", k.Fail(key, "expected text, not a list or a map")
	default:
		return coerce.Text(v), nil
	}
}

// Required is Text for a key that must be there.
func (k *Keys) Required(key string) (string, error) {
	text, err := k.Text(key)
	if err == nil && strings.TrimSpace(text) == "" {
		err = k.Fail(key, "it is missing")
	}
	return text, err
}

// environ reads the variables. Null leaves one out; a list or map is JSON.
func (k *Keys) environ() error {
	env, isMap := k.input["env"].(map[string]any)
	if k.input["env"] != nil && !isMap {
		return k.Fail("env", "expected a map of variables")
	}
	for name, v := range env {
		if !environName.MatchString(name) {
			return k.Fail("env", "%q cannot name an environment variable", name)
		}
		if v == nil {
			continue
		}
		if k.Env[name] = coerce.Text(v); strings.ContainsRune(k.Env[name], 0) {
			return k.Fail("env", "%s holds a zero byte", name)
		}
	}
	return nil
}

func (k *Keys) exitCode() error {
	wanted := k.input["exit_code"]
	list, isList := wanted.([]any)
	switch {
	case wanted == nil:
		return nil
	case !isList:
		list = []any{wanted}
	}
	for _, one := range list {
		p, err := predicate.CompileAny(one, predicate.Limits{})
		if err != nil {
			return k.Fail("exit_code", "%w", err)
		}
		k.exit = append(k.exit, p)
	}
	return nil
}

func (k *Keys) output() error {
	v := k.input["output_max_size"]
	if v == nil {
		return nil
	}
	n, err := coerce.To("bytes", v)
	if err != nil {
		return k.Fail("output_max_size", "%w", err)
	}
	size := n.(int64)
	if size > maxOutput {
		return k.Fail("output_max_size", "%d is more than %d bytes", size, maxOutput)
	}
	k.Output = int(size)
	return nil
}

// Streams is the output of a command: it is passed on as it comes, and its end
// is kept. Each of its two writers is for one goroutine at a time.
type Streams struct{ Out, Err *Stream }

// Streams makes the streams of one run; out and err may be nil.
func (k *Keys) Streams(out, err io.Writer) *Streams {
	return &Streams{&Stream{max: k.Output, on: out}, &Stream{max: k.Output, on: err}}
}

// Stream keeps the end of what is written to it.
type Stream struct {
	max  int
	on   io.Writer // nil: nobody
	kept []byte
	cut  bool
	skip int64
	seen int64
}

// Again makes the stream pass over what it has been given already, because its
// writer begins anew.
func (s *Stream) Again() { s.skip = s.seen }

// Write never fails: a reader that is gone is no reason to end a command.
func (s *Stream) Write(b []byte) (int, error) {
	n := len(b)
	over := int(min(s.skip, int64(n)))
	s.skip -= int64(over)
	b = b[over:]
	s.seen += int64(len(b))
	if s.on != nil && len(b) > 0 {
		_, _ = s.on.Write(b)
	}
	if len(b) >= s.max {
		s.cut = s.cut || len(s.kept) > 0 || len(b) > s.max
		s.kept = append(s.kept[:0], b[len(b)-s.max:]...)
		return n, nil
	}
	if len(s.kept)+len(b) > 2*s.max { // so that each byte moves but once
		s.kept = append(s.kept[:0], s.kept[len(s.kept)+len(b)-s.max:]...)
		s.cut = true
	}
	s.kept = append(s.kept, b...)
	return n, nil
}

// String gives what is kept, as text.
func (s *Stream) String() string {
	return strings.ToValidUTF8(string(s.kept[max(0, len(s.kept)-s.max):]), "\uFFFD")
}

// truncated tells whether a part of the output was not kept.
func (s *Stream) truncated() bool { return s.cut || len(s.kept) > s.max }

const quotedLines = 5 // of the output in an error

// Result gives the output of the step, or the error of an exit code that is
// not wanted. The key truncated is there when a part of stdout or stderr is
// not.
func (k *Keys) Result(ctx context.Context, s *Streams, code int) (any, error) {
	ok, err := k.wanted(ctx, code)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Unavailable, "%s: the command ended with exit code %d%s", k.step, code, s.quote())
	}
	out := map[string]any{"stdout": s.Out.String(), "stderr": s.Err.String(), "exit_code": int64(code)}
	if s.Out.truncated() || s.Err.truncated() {
		out["truncated"] = true
	}
	return out, nil
}

func (k *Keys) wanted(ctx context.Context, code int) (bool, error) {
	if k.exit == nil {
		return code == 0, nil
	}
	for _, p := range k.exit {
		ok, err := p.Test(ctx, predicate.Subject{Value: int64(code)})
		if err != nil {
			return false, k.Fail("exit_code", "%w", err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// quote gives the last lines of the output for an error.
func (s *Streams) quote() string {
	text := strings.TrimSpace(s.Err.String())
	if text == "" {
		text = strings.TrimSpace(s.Out.String())
	}
	lines := strings.Split(text, "\n")
	if text = strings.Join(lines[max(0, len(lines)-quotedLines):], "\n"); text == "" {
		return ""
	}
	return ": " + text
}
