package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// maxNameBytes is the length of step types, ids, tokens and sensor names.
const maxNameBytes = 256

// decide asks a hook whose answer is a decision about an entity.
func (m *Module) decide(ctx context.Context, id hook.ID, typ, entity string, call any) (*hook.Decision, error) {
	in, veil, err := m.cloak(call)
	if err != nil {
		return nil, m.fail(fault.New(fault.Internal, "encode the call: %w", err), id, typ)
	}
	var d *hook.Decision
	ctx = context.WithValue(ctx, inquiryKey{}, Inquiry{m, id, typ, entity})
	err = m.call(ctx, id, typ, len(in), func(b []byte) { copy(b, in) }, func(answer []byte) error {
		var err error
		d, err = m.read(id, answer)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.Error != nil {
		return nil, m.refusal(d.Error)
	}
	if err := m.permit(id, typ, entity, d.Steps); err != nil {
		return nil, m.fail(err, id, typ)
	}
	veil.reveal(d.Steps)
	return d, nil
}

// call asks a hook. What is wrong with the answer, or with the call itself,
// comes back with the names of all concerned.
func (m *Module) call(ctx context.Context, id hook.ID, typ string, size int, write func([]byte), read func([]byte) error) error {
	var bad error
	ctx = context.WithValue(ctx, typeKey{}, typ)
	err := m.caller.CallInto(ctx, id, size, write, func(answer []byte) error {
		bad = read(answer)
		return bad
	})
	if bad != nil { // without what was put around it on the way
		return m.fail(bad, id, typ)
	}
	return fault.Wrap(err, "type", typ)
}

// read decodes a decision. It keeps nothing of answer.
func (m *Module) read(id hook.ID, answer []byte) (*hook.Decision, error) {
	d := new(hook.Decision)
	if len(answer) > m.limits.DecisionBytes {
		return nil, fault.New(fault.Limit, "answer of %d bytes, the limit DecisionBytes allows %d", len(answer), m.limits.DecisionBytes)
	}
	if err := m.limits.strictly(answer, d); err != nil {
		return nil, fault.New(unreadable(err, fault.Internal), "the answer cannot be read: %w", err)
	}
	if d.Error != nil {
		return d, nil
	}
	d.Result = coerce.Plain(d.Result)
	coerce.Plain(d.Sensors)
	for _, s := range d.Steps {
		coerce.Plain(s.Input)
	}
	if string(d.State) == "null" {
		d.State = nil
	}
	return d, m.check(id, d)
}

// strictly decodes one JSON value that has no fields but those of v.
func (l *Limits) strictly(text []byte, v any) error {
	if n := values(text); n > l.Values {
		return fault.New(fault.Limit, "it has %d values, the limit Values allows %d", n, l.Values)
	}
	if n := coerce.Depth(text); n > l.Depth {
		return fault.New(fault.Limit, "it is nested %d deep, the limit Depth allows %d", n, l.Depth)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(v); err != nil {
		return readable(err, decoder.InputOffset(), reflect.TypeOf(v))
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return broken("it is null, expected an object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fault.New(fault.Internal, "something follows the JSON value")
	}
	return nil
}

// unreadable is the kind of what strictly found: kind, unless it is a limit.
func unreadable(err error, kind fault.Kind) fault.Kind {
	if fault.KindOf(err) == fault.Limit {
		return fault.Limit
	}
	return kind
}

// values counts the values of a JSON text: itself, and what stands in its lists
// and objects. Of a text that is none it gives any number.
func values(text []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',':
			n++
		case c == '{' || c == '[':
			if rest := bytes.TrimLeft(text[i+1:min(i+64, len(text))], " \t\r\n"); len(rest) == 0 || rest[0] != c+2 { // the bracket that closes it
				n++
			}
		}
	}
	return n
}

// readable says what is wrong with JSON that is no t in the words of its author.
func readable(err error, at int64, t reflect.Type) error {
	var wrong *json.UnmarshalTypeError
	var broke *json.SyntaxError
	switch {
	case err == io.EOF:
		return broken("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return broken("the JSON ends in the middle")
	case errors.As(err, &broke):
		return broken("byte %d: %s", broke.Offset, broke.Error())
	case errors.As(err, &wrong):
		where := strings.TrimPrefix(wrong.Field, "Description.")
		if where == "" {
			where = "the whole"
		}
		return broken("%s: expected %s, got %s", where, words[wrong.Type.Kind()], wrong.Value)
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	hint := ""
	if name, is := strings.CutPrefix(text, "unknown field "); is {
		hint = nearest.Hint(strings.Trim(name, `"`), fieldNames(t, nil, 0))
	}
	return broken("%s, before byte %d%s", text, at, hint)
}

// fieldNames adds the names in JSON of all fields of t, and of what these are made of.
func fieldNames(t reflect.Type, into []string, depth int) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth > 6 { // types of ours are not deeper
		return into
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" && !slices.Contains(into, name) {
			into = append(into, name)
		}
		into = fieldNames(f.Type, into, depth+1)
	}
	return into
}

// words are the kinds of Go values in those of JSON.
var words = map[reflect.Kind]string{
	reflect.String: "a string", reflect.Bool: "true or false", reflect.Slice: "a list", reflect.Array: "a list", reflect.Map: "an object", reflect.Struct: "an object",
	reflect.Int: "a number", reflect.Int64: "a number", reflect.Float64: "a number", reflect.Pointer: "an object",
}

// check refuses what a decision of the hook must not have.
func (m *Module) check(id hook.ID, d *hook.Decision) error {
	for _, l := range []struct {
		what, limit string
		n, most     int
	}{
		{"steps", "Steps", len(d.Steps), m.limits.Steps},
		{"sensors", "Sensors", len(d.Sensors), m.limits.Sensors},
		{"bytes of state", "StateBytes", len(d.State), m.limits.StateBytes},
	} {
		if l.n > l.most {
			return fault.New(fault.Limit, "answer with %d %s, the limit %s allows %d", l.n, l.what, l.limit, l.most)
		}
	}
	for name := range d.Sensors {
		if name == "" || len(name) > maxNameBytes {
			return broken("sensor name %.60q: expected 1 to %d bytes", name, maxNameBytes)
		}
	}
	policy := id == hook.PolicyEvent || id == hook.EnricherEvent
	switch {
	case id == hook.EnricherEvent && len(d.Steps) > 0:
		return broken("an enricher has no steps")
	case policy && d.Result != nil:
		return broken("a policy or enricher has no result")
	case !policy && d.WakeAfter != "":
		return broken("wakeAfter: only a policy or enricher is woken")
	case d.WakeAfter != "":
		if err := duration(d.WakeAfter); err != nil {
			return broken("wakeAfter: %w", err)
		}
	}
	ids := map[string]bool{}
	for i := range d.Steps {
		if err := checkStep(&d.Steps[i], policy); err != nil {
			return broken("step %d: %w", i+1, err)
		}
		if id := d.Steps[i].ID; id != "" && ids[id] {
			return broken("step %d: two steps have the id %q", i+1, id)
		}
		ids[d.Steps[i].ID] = true
	}
	return nil
}

func checkStep(s *hook.Step, policy bool) error {
	switch {
	case (s.Step == "") == (s.Continue == ""):
		return broken("expected either step or continue")
	case len(s.Resolve) > 0:
		return broken("resolve is not for modules")
	case max(len(s.Step), len(s.Continue), len(s.ID)) > maxNameBytes:
		return broken("step, continue and id may have at most %d bytes", maxNameBytes)
	case s.Continue != "" && policy:
		return broken("a policy cannot continue")
	case s.Continue != "" && (s.ID != "" || s.Input != nil || s.Timeout != ""):
		return broken("continue stands alone, without id, input or timeout")
	case s.Timeout != "":
		if err := duration(s.Timeout); err != nil {
			return broken("timeout: %w", err)
		}
	}
	return nil
}

func duration(text string) error {
	d, err := coerce.Duration(text)
	if err == nil && d <= 0 {
		err = broken("expected a duration above 0, got %q", text)
	}
	return err
}

func broken(format string, args ...any) error { return fault.New(fault.Internal, format, args...) }

// refusal is the error that the module itself decided on. It is written for
// users and goes to them as it is.
func (m *Module) refusal(e *hook.Error) error {
	text := strings.ToValidUTF8(e.Message, "�")
	if text == "" {
		text = "module " + m.Name() + " refused without saying why"
	}
	if at := strings.ToValidUTF8(e.At, "�"); at != "" && !strings.Contains(text, strings.TrimPrefix(at, "config.")) {
		text = at + ": " + text
	}
	if most := m.limits.MessageBytes; len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fault.New(kindOf(e.Kind), "%s", text)
}
