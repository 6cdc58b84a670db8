package step_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// greeting is a step type of a catalog.
type greeting struct{}

func (greeting) StepType(name string) (*step.Custom, error) {
	if name != "greet" {
		return nil, fault.New(fault.NotFound, "no such type")
	}
	return &step.Custom{Name: name, Shorthand: `${name...} [ " with " ${greeting} ]`}, nil
}

func parse(text string) (*step.Workflow, error) {
	n, err := yamlpos.Parse("w", []byte(text), yamlpos.Limits{})
	if err != nil {
		return nil, err
	}
	return step.Parse(n, greeting{}, step.Limits{})
}

// show writes a step as it was read: its type and the keys that it has.
func show(s *step.Step) string {
	var b strings.Builder
	b.WriteString(s.Type)
	if s.ID != "" {
		fmt.Fprintf(&b, " #%s", s.ID)
	}
	if s.Next != "" {
		fmt.Fprintf(&b, " ->%s", s.Next)
	}
	for _, key := range []string{
		"type", "variable", "name", "entity", "sensor", "value", "word", "task", "message", "rethrow", "target", "equals", "effector", "args", "duration", "endpoint", "command", "image",
		"parent", "identifier_expression", "items", "child", "unique_tag", "policy", "url", "charset", "replay", "greeting",
	} {
		a, ok := s.Args[key]
		switch {
		case !ok:
		case a.Value != nil:
			if v, constant := a.Value.Constant(); constant {
				fmt.Fprintf(&b, " %s=%v", key, v)
				continue
			}
			fallthrough
		case a.Raw != nil:
			text := ""
			if a.Raw != nil {
				text = a.Raw.Text
			}
			fmt.Fprintf(&b, " %s:%s", key, text)
		default:
			fmt.Fprintf(&b, " %s", key)
		}
	}
	if s.Block != nil {
		b.WriteString(" {")
		for _, inner := range s.Block {
			b.WriteString(" " + show(inner))
		}
		b.WriteString(" }")
	}
	if s.Nested != nil {
		fmt.Fprintf(&b, " nested %d", len(s.Nested.Steps))
	}
	return b.String()
}

func TestShorthand(t *testing.T) {
	for in, want := range map[string]string{
		"let x = 1":                                     "let variable=x value=1",
		"let integer x = 1":                             "let type=integer variable=x value=1",
		"let list<integer> x = [ 1 ]":                   "let type=list<integer> variable=x value=[ 1 ]",
		"let x['a b'][0] = y = z":                       "let variable=x['a b'][0] value=y = z",
		"set-workflow-variable x = a":                   "set-workflow-variable variable=x value=a",
		"let x = \"a = b\" c":                           "let variable=x value=a = b c",
		"set-sensor foo on chilld = bar":                "set-sensor name=foo entity=chilld value=bar",
		"set-sensor map m = {a: 1}":                     "set-sensor type=map name=m value={a: 1}",
		"set-sensor on = 5":                             "set-sensor name=on value=5",
		"set-sensor integer on on e = 5":                "set-sensor type=integer name=on entity=e value=5",
		`set-sensor n = "a" is b`:                       `set-sensor name=n value="a" is b`,
		`set-sensor n = "a \"b\" \\"`:                   `set-sensor name=n value=a "b" \`,
		"clear-sensor foo on e":                         "clear-sensor name=foo entity=e",
		"return":                                        "return",
		"return a b":                                    "return value=a b",
		"fail":                                          "fail",
		"fail rethrow":                                  "fail rethrow=true",
		"fail rethrow message a b":                      "fail message=a b rethrow=true",
		"fail message rethrow":                          "fail message=rethrow",
		"goto there":                                    "goto ->there",
		"label there":                                   "label #there",
		"if a then return b":                            "if target=a { return value=b }",
		"if a == b c then log x then y":                 "if target=a equals=b c { log message=x then y }",
		"wait x":                                        "wait value=x",
		"wait y = x":                                    "wait variable=y value=x",
		"wait integer y = task x":                       "wait type=integer variable=y value=x task=true",
		"foreach x in 1..3 do return a":                 "foreach target=1..3 nested 1",
		"invoke-effector e with a = 1, b = x y":         "invoke-effector effector=e args=map[a:1 b:x y]",
		"retry replay from there limit 3":               "retry ->there replay=true",
		"transform x = a b | trim":                      "transform variable=x value=a b",
		"transform list x = a | trim":                   "transform type=list variable=x value=a",
		"transform variable x | trim":                   "transform variable=x",
		"transform value 'a | b' | trim":                "transform value=a | b",
		"transform x | trim":                            "transform word=x",
		"load charset utf-8 map x = u":                  "load type=map variable=x url=u charset=utf-8",
		"update-children of p type t id ${i} from ${l}": "update-children type=t parent=p identifier_expression:${i} items:",
		"ssh to a@b ls -l":                              "ssh endpoint=a@b command=ls -l",
		"ssh ls to b":                                   "ssh command=ls to b",
		"container a:1 b c":                             "container command=b c image=a:1",
		"add-policy t at e unique-tag u":                "add-policy type=t entity=e unique_tag=u",
		"delete-policy p at e":                          "delete-policy entity=e policy=p",
		"reparent-entity child c under p":               "reparent-entity parent=p child=c",
		"greet Zachary Jones with Howdy":                "greet name=Zachary Jones greeting=Howdy",
		"greet Angela":                                  "greet name=Angela",
	} {
		n := &yamlpos.Node{Kind: yamlpos.List, Items: []*yamlpos.Node{{Kind: yamlpos.Scalar, Value: in, Text: in}}}
		w, err := step.Parse(n, greeting{}, step.Limits{})
		if err != nil && !strings.Contains(err.Error(), "is not there") {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if err != nil {
			continue // a place to go to, which these have not
		}
		if got := show(w.Steps[0]); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestForms(t *testing.T) {
	for in, want := range map[string]string{
		"- log hello: world":                                                   "log message=hello: world",
		"- set-sensor map foo = { k: v }":                                      "set-sensor type=map name=foo value={ k: v }",
		"- {s: return, value: {a: 1}}":                                         "return value=map[a:1]",
		"- {step: no-op, id: x, next: end}":                                    "no-op #x ->end",
		"- {type: let, variable: x, value: 1}":                                 "let variable=x value=1",
		"- {type: set-sensor, sensor: {name: x}, value: }":                     "set-sensor sensor=map[name:x] value=<nil>",
		"- {steps: [no-op, no-op]}":                                            "subworkflow { no-op no-op }",
		"- {id: here}":                                                         "label #here",
		"- {step: foreach x, target: [1], steps: [no-op]}":                     "foreach target: nested 1",
		"- {step: 'switch ${x}', cases: [{step: no-op, condition: 1}, no-op]}": "switch value: { no-op no-op }",
		"- {type: greet, input: {name: x}}":                                    "greet",
	} {
		w, err := parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := show(w.Steps[0]); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for in, want := range map[string]string{
		"x":                           "w:1:1: expected a workflow: a list of steps, or a map with steps",
		"{}":                          "w:1:1: a workflow has steps, or an output",
		"{stesp: [no-op]}":            `w:1:1: a workflow has steps, or an output w:1:2: unknown key "stesp" of a workflow; did you mean "steps"?`,
		"- 5":                         "w:1:3: expected a step: one line of text, or a map with the key step or type",
		"- []":                        "w:1:3: expected a step: one line of text, or a map with the key step or type",
		"- {step: [x]}":               "w:1:10: expected a step in one line",
		"- {type: {}}":                "w:1:10: expected the type of a step",
		"- lett x = 1":                `w:1:3: unknown step "lett"; did you mean "let"?`,
		"- {message: x}":              `w:1:4: a step has the key step or type; this one begins with "message"`,
		"- no-op now":                 `w:1:3: no-op takes nothing in one line, not "now"`,
		"- goto":                      "w:1:3: goto does not read as goto ${next}",
		"- {step: log x, mesage: y}":  `w:1:17: log has no key "mesage"; did you mean "message"?`,
		"- {step: greet x, nme: y}":   `w:1:19: greet has no key "nme"; did you mean "name"?; what it is given stands below input`,
		"- {step: log x, message: y}": "w:1:17: cannot set message in shorthand when it is set elsewhere too",
		"- {step: foreach x in 1..2 do no-op, steps: [no-op]}":           "w:1:38: cannot set step in shorthand when it is set elsewhere too",
		"- {step: no-op, id: a}\n- {step: no-op, id: a}":                 `w:2:3: id "a" is that of another step of the list`,
		"- {step: no-op, id: end}":                                       `w:1:21: id "end": expected a word other than start, end and exit`,
		"- {step: no-op, next: nowhere}\n- {id: somewhere, step: no-op}": `w:1:3: next step "nowhere" is not there`,
		"- if x":                              "w:1:3: if: expected steps",
		"- switch x":                          "w:1:3: switch: expected cases, a list of steps with conditions",
		"- {step: workflow}":                  "w:1:3: a workflow has steps, or an output",
		"- {step: foreach x, steps: [no-op]}": "w:1:3: foreach: expected what to go through, behind in or as the key target",
		"- transform x":                       "w:1:3: transform: expected transforms, behind | or as the key transform",
		"- set-sensor x":                      "w:1:3: set-sensor: expected a value",
		"- {step: let x, value: a, interpolation_mode: wrds}": `w:1:47: interpolation_mode: expected words, full or disabled, not "wrds"; did you mean "words"?`,
		"- {step: retry, replay: bogus}":                      `w:1:25: retry: invalid replay mode "bogus"; expected true, false or force`,
		"- retry limit many":                                  `w:1:15: retry limit "many": expected N, a duration, or N in DURATION`,
		"- retry backoff soon":                                `w:1:17: retry backoff "soon": expected DURATION… [increasing BY] [up to DURATION] [jitter PART], where BY is a factor 2x, a part 10% or a duration`,
		"- {step: no-op, idempotent: maybe}":                  "w:1:29: idempotent: expected yes or no",
		"- {step: no-op, replayable: from hre}":               `w:1:29: replayable: unknown word "hre"; did you mean "here"?; expected: from start, from here, from here only, automatically, reset, enabled, disabled`,
		"{steps: [no-op], retention: often}":                  `w:1:29: retention "often": expected a number, a duration, forever, disabled, parent, context, system, min(…) or max(…)`,
		"- {step: no-op, condition: {equal: 1}}":              `w:1:29: unknown key "equal" of a predicate; did you mean "equals"?`,
		"- return ${x":                                        "w:1:10: ${ is not closed, expected }",
		"- {steps: [{step: no-op, next: out}], id: in}":       `w:1:12: next step "out" is not there`,
	} {
		_, err := parse(in)
		got := "<nil>"
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for in, want := range map[string]string{
		"- return ${x}":                                                       `w:1:12: nothing here sets the variable "x"`,
		"- let number = 1\n- return ${nubmer}":                                `w:2:12: nothing here sets the variable "nubmer"; did you mean "number"?`,
		"- return ${x ?? 1}":                                                  "",
		"- invoke-effector e\n- return ${x}":                                  "", // its result may be a map that has it
		"{input: {x: 1}, steps: ['return ${x}']}":                             "",
		"- {step: foreach x in 1..2, steps: ['return ${x} ${target_index}']}": "",
		"- log don't 'do":                                                     "w:1:13: the quote of 'do is not closed",
		"- {step: switch 1, cases: [no-op, no-op]}":                           "w:1:35: this case is never reached: the one before it has no condition",
		"- return ${entity.name} ${workflow.id} ${output}":                    "",
	} {
		n, err := yamlpos.Parse("w", []byte(in), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		warnings, err := step.Check(n, greeting{}, step.Limits{})
		got := ""
		if e := warnings.Err(); e != nil {
			got = e.Error()
		}
		if err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	n, err := yamlpos.Parse("w", []byte("- {steps: [{steps: [{steps: [no-op]}]}]}"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for lim, want := range map[step.Limits]string{
		{Depth: 2}: "w:1:29: limit Depth of 2 blocks inside each other exceeded",
		{Steps: 3}: "w:1:30: limit Steps of 3 steps exceeded",
	} {
		if _, err := step.Parse(n, nil, lim); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// FuzzParse: never a panic; what is read has a path for each step.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"- let x = 1", "- {step: foreach {a,b} in ${l}, steps: [no-op]}", "- if ${x} == 'a b' then goto end", "- {step: switch, cases: [{step: no-op, condition: {equals: 1}}]}",
		"{steps: [retry replay from x limit 3 in 1m backoff 1s 2s increasing 2x up to 1m jitter 10%], retention: max(min(1,2),3d) hash x}",
		"- log hello: world", "- transform x = ${a} \"b\" | merge | replace all regex a b", "- update-children type t id ${i} from ${l}", "- set-sensor a['b'][0] on ${e} = \"x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := yamlpos.Parse("w", text, yamlpos.Limits{Bytes: 1 << 14, Nodes: 500, Depth: 20, Aliases: 50})
		if err != nil {
			return
		}
		w, err := step.Parse(n, greeting{}, step.Limits{Steps: 100, Depth: 10})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		for _, s := range w.Steps {
			if w.ByPath(s.Path) != s || s.Kind == nil && s.Custom == nil {
				t.Errorf("step %+v", s)
			}
		}
	})
}
