package scenario

import (
	"fmt"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Result is what came of a scenario.
type Result struct {
	Name     string
	At       yamlpos.Pos
	Calls    int // decisions that the module made
	Problems []Problem
}

// Problem is one thing that is not as the scenario expects.
type Problem struct {
	At       yamlpos.Pos // of what was expected
	Call     string      // in which call: "call 2, event service.isUp at 00:00:30"; "" for the whole scenario
	Path     string      // in the decision: "steps[0].input.image"
	Message  string      // what is wrong; "" when Expected and Got tell it
	Expected string      // in YAML
	Got      string      // in YAML
	Diff     string      // of Expected and Got, when they have several lines
}

// Passed tells whether all was as expected.
func (r *Result) Passed() bool { return len(r.Problems) == 0 }

// maxProblems is how many problems of one scenario are kept.
const maxProblems = 50

func (r *Result) add(p Problem) {
	switch {
	case len(r.Problems) < maxProblems:
		r.Problems = append(r.Problems, p)
	case len(r.Problems) == maxProblems:
		r.Problems = append(r.Problems, Problem{At: p.At, Message: "there are more problems"})
	}
}

// broken records that the scenario itself cannot be played.
func (r *Result) broken(pos yamlpos.Pos, err error) {
	list := yamlpos.Problems(err)
	if len(list) == 0 {
		r.add(Problem{At: pos, Message: err.Error()})
	}
	for _, e := range list {
		r.add(Problem{At: e.Pos, Message: e.Msg})
	}
}

// String gives the problem in some lines, the first with its place.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.At.String() + ": ")
	if p.Call != "" {
		b.WriteString(p.Call + ": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	switch {
	case p.Message != "" && p.Diff != "":
		b.WriteString(p.Message + "\n" + indent(p.Diff))
	case p.Message != "":
		b.WriteString(p.Message)
	case p.Diff != "":
		b.WriteString("not as expected\n" + indent(p.Diff))
	default:
		b.WriteString("expected " + p.Expected + ", got " + p.Got)
	}
	return strings.TrimRight(b.String(), "\n")
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

// String gives the scenario's name and its problems.
func (r *Result) String() string {
	if r.Passed() {
		return "ok    " + r.Name
	}
	lines := []string{"FAIL  " + r.Name}
	for _, p := range r.Problems {
		lines = append(lines, indent(p.String()))
	}
	return strings.Join(lines, "\n")
}

// callLabel says which call it is; "" for the only one.
func callLabel(s *Scenario, i int) string {
	if len(s.calls) == 1 {
		return ""
	}
	return fmt.Sprintf("call %d", i+1)
}

// errorDocument is an error as expectations see it.
func errorDocument(err error) map[string]any {
	return map[string]any{"kind": fault.KindOf(err).String(), "message": err.Error()}
}

// failed gives the error that a module answered with, if it did.
func failed(said map[string]any) (kind, message string, is bool) {
	e, is := said["error"].(map[string]any)
	if !is {
		return "", "", false
	}
	kind, _ = e["kind"].(string)
	message, _ = e["message"].(string)
	return kind, message, true
}
