package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// partial are the fields of an answer of which an expectation may name a part.
var partial = []string{"sensors", "refused", "scores", "config", "error"}

// judge compares what the module answered within a call with what is expected.
func (p *play) judge(c *call, label string, answers []answer) {
	expected := []*yamlpos.Node{c.expect}
	switch {
	case c.expect == nil:
		expected = make([]*yamlpos.Node, len(answers))
	case c.expect.Kind == yamlpos.List:
		expected = c.expect.Items
	}
	if len(expected) != len(answers) {
		var what []string
		for _, a := range answers {
			what = append(what, p.label("", &a))
		}
		said, hint := "none", ""
		if len(what) > 0 {
			said = fmt.Sprintf("%d: %s", len(what), strings.Join(what, ", "))
		}
		if c.expect.Kind != yamlpos.List && len(answers) > 1 {
			hint = "; give a list of expectations, one for each"
		}
		p.result.add(Problem{At: c.expect.Pos, Call: label, Message: fmt.Sprintf("expected %s, got %s%s", count(len(expected), "decision"), said, hint)})
		return
	}
	for i := range answers {
		a := &answers[i]
		m := &matcher{play: p, call: p.label(label, a)}
		if expected[i] == nil {
			if kind, message, is := failed(a.said); is {
				p.result.add(Problem{At: c.pos, Call: m.call, Message: "expected a decision, got the error " + kind + ": " + message})
			}
			continue
		}
		m.answer(expected[i], a.said, c)
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// label says which answer it is.
func (p *play) label(call string, a *answer) string {
	text := a.what
	if p.s.kind != "" && (!a.now.Equal(p.s.now) || a.what == "timer") {
		text += " at " + clock(a.now)
	}
	if call != "" {
		text = call + ", " + text
	}
	return text
}

// matcher compares one answer with an expectation.
type matcher struct {
	play *play
	call string
}

func (m *matcher) add(n *yamlpos.Node, path string, p Problem) {
	p.At, p.Path, p.Call = n.Pos, path, m.call
	p.Expected, p.Got, p.Diff, p.Message = clip(p.Expected), clip(p.Got), clip(p.Diff), clip(p.Message)
	m.play.result.add(p)
}

// maxShown is how many bytes of a value are shown: an answer may have megabytes.
const maxShown = 10_000

func clip(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + fmt.Sprintf("… (%d bytes)", len(text))
}

// answer compares the whole of an answer.
func (m *matcher) answer(n *yamlpos.Node, got map[string]any, c *call) {
	if kind, message, is := failed(got); is && n.Get("error") == nil {
		m.add(n, "", Problem{Message: "expected a decision, got the error " + kind + ": " + message})
		return
	}
	exactly := false
	for _, e := range n.Entries {
		if e.Key == wordExactly {
			exactly, _ = e.Value.Value.(bool)
		}
	}
	for _, e := range n.Entries {
		if e.Key == wordExactly {
			continue
		}
		if words := saidTo(c.hook); m.play.s.kind == "" && !slices.Contains(words, e.Key) {
			m.add(n, "", Problem{Message: fmt.Sprintf("an answer to %s has no %q, it has %s%s", c.hook, e.Key, strings.Join(words, ", "), nearest.Hint(e.Key, words))})
			continue
		}
		value, there := got[e.Key]
		m.field(e, value, there, exactly)
	}
	if !exactly {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if n.Get(key) == nil {
			m.add(n, key, Problem{Expected: "nothing", Got: inline(got[key])})
		}
	}
}

// field compares a field of an answer.
func (m *matcher) field(e yamlpos.Entry, got any, there, exactly bool) {
	n := e.Value
	switch {
	case e.Key == "error" && there:
		m.error(n, got)
		return
	case e.Key == "error" && n.Value == false:
		return
	case e.Key == "error":
		m.add(n, "error", Problem{Expected: expectedText(n), Got: "a decision"})
		return
	case e.Key == "wakeAfter" && n.Kind == yamlpos.Scalar && there:
		want, err := coerce.Duration(n.Any())
		is, gerr := coerce.Duration(got)
		if err == nil && gerr == nil && want == is {
			return
		}
	case slices.Contains(partial, e.Key) && !exactly && n.Kind == yamlpos.Map && len(n.Entries) > 0 && m.play.s.tests[n] == nil && only(n, wordExactly) == nil:
		if value, isMap := got.(map[string]any); isMap || !there {
			m.part(e.Key, n, value)
			return
		}
	case !there && (n.Kind == yamlpos.List || n.Kind == yamlpos.Map) && len(n.Items)+len(n.Entries) == 0:
		return // an empty list or map is the same as none
	}
	m.value(e.Key, n, got, there)
}

// error compares an error: true is any, a text its message, a map its kind and
// message.
func (m *matcher) error(n *yamlpos.Node, got any) {
	e, _ := got.(map[string]any)
	switch {
	case n.Value == true:
	case n.Value == false:
		m.add(n, "error", Problem{Expected: "a decision", Got: inline(got)})
	case n.Kind == yamlpos.Map && m.play.s.tests[n] == nil:
		m.part("error", n, e)
	default:
		m.value("error", n, e["message"], true)
	}
}

// part compares those entries of a map that the expectation names.
func (m *matcher) part(path string, n *yamlpos.Node, got map[string]any) {
	for _, e := range n.Entries {
		value, there := got[e.Key]
		if !there && e.Value.Kind == yamlpos.Scalar {
			m.add(e.Value, join(path, e.Key), Problem{Expected: expectedText(e.Value), Got: "nothing" + nearest.Hint(e.Key, slices.Sorted(maps.Keys(got)))})
			continue
		}
		m.value(join(path, e.Key), e.Value, value, there)
	}
}

// value compares any value.
func (m *matcher) value(path string, n *yamlpos.Node, got any, there bool) {
	if inner := only(n, wordExactly); inner != nil {
		if !same(inner.Any(), got) {
			m.differ(path, n, inner.Any(), got, there)
		}
		return
	}
	if inner := only(n, wordIncludes); inner != nil {
		m.includes(path, inner, got)
		return
	}
	if test := m.play.s.tests[n]; test != nil {
		m.test(path, n, test, got, there)
		return
	}
	list, isList := got.([]any)
	object, isMap := got.(map[string]any)
	switch {
	case n.Kind == yamlpos.List && isList && len(list) == len(n.Items):
		for i, item := range n.Items {
			m.value(fmt.Sprintf("%s[%d]", path, i), item, list[i], true)
		}
	case n.Kind == yamlpos.Map && isMap:
		m.part(path, n, object)
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if n.Get(key) == nil {
				m.add(n, join(path, key), Problem{Expected: "nothing", Got: inline(object[key])})
			}
		}
	case n.Kind == yamlpos.Scalar || n.Kind == yamlpos.Null:
		if !same(n.Any(), got) {
			m.differ(path, n, n.Any(), got, there)
		}
	default:
		m.differ(path, n, n.Any(), got, there)
	}
}

// test compares with a predicate.
func (m *matcher) test(path string, n *yamlpos.Node, test *predicate.Predicate, got any, there bool) {
	subject := predicate.Subject{Value: got}
	if !there {
		subject.Value = predicate.Missing{}
	}
	ok, err := test.Test(context.Background(), subject)
	switch {
	case err != nil:
		m.add(n, path, Problem{Message: err.Error()})
	case !ok:
		m.differ(path, n, n.Any(), got, there)
	}
}

// includes compares with what must be there among other things.
func (m *matcher) includes(path string, n *yamlpos.Node, got any) {
	list, isList := got.([]any)
	object, isMap := got.(map[string]any)
	switch {
	case n.Kind == yamlpos.Map && isMap:
		m.part(path, n, object)
	case n.Kind == yamlpos.List && isList:
		for _, item := range n.Items {
			if !slices.ContainsFunc(list, func(v any) bool { return m.matches(item, v) }) {
				m.add(item, path, Problem{Expected: "an item " + inline(item.Any()), Got: inline(got)})
			}
		}
	default:
		m.add(n, path, Problem{Expected: "something that includes " + inline(n.Any()), Got: inline(got)})
	}
}

// matches tells whether a value is as expected, and reports nothing.
func (m *matcher) matches(n *yamlpos.Node, got any) bool {
	quiet := &matcher{play: &play{s: m.play.s, result: &Result{}}}
	quiet.value("", n, got, true)
	return quiet.play.result.Passed()
}

// differ reports that a value is not what was expected, as a diff where that
// is more than a line.
func (m *matcher) differ(path string, n *yamlpos.Node, want, got any, there bool) {
	p := Problem{Expected: inline(want), Got: inline(got)}
	if !there {
		p.Got = "nothing"
	}
	if long := len(p.Expected)+len(p.Got) > oneLine && there; long && (scalar(want) || scalar(got)) {
		p.Diff = "expected " + p.Expected + "\ngot      " + p.Got
	} else if long {
		p.Diff = diff(want, got, "expected", "got")
	}
	m.add(n, path, p)
}

// oneLine is how much of what was expected and got stands in one line.
const oneLine = 100

func scalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

func expectedText(n *yamlpos.Node) string {
	if n.Value == true {
		return "an error"
	}
	return inline(n.Any())
}

func join(path, key string) string {
	if strings.ContainsAny(key, ".[] ") {
		return path + "[" + quote(key) + "]"
	}
	return path + "." + key
}
