package step

import (
	"iter"
	"maps"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func mapKeys(m map[string]string) iter.Seq[string] { return maps.Keys(m) }

// transformLine reads what stands behind the word transform:
//
//	[TYPE] variable NAME | OPS
//	[TYPE] value V | OPS
//	[TYPE] V_OR_NAME [= VALUE] | OPS
func (p *parser) transformLine(s *Step, n *yamlpos.Node, line string) bool {
	head, ops := line, ""
	if at := bar(line); at >= 0 {
		head, ops = strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:])
	}
	if ops != "" {
		s.Args["transform"] = Arg{Raw: piece(n, ops)}
	}
	if head == "" {
		return true
	}
	for _, form := range transformForms {
		values, _, ok := form.match(head)
		if !ok {
			continue
		}
		for name, value := range values {
			p.short(s, n, name, value)
		}
		return true
	}
	p.add(n, "%s does not read as transform [TYPE] NAME [= VALUE] | TRANSFORMS", line)
	return false
}

// transformForms are the forms of a transform's head, in the order in which
// they are tried. A plain word is a variable, if there is one of that name, else
// a value: only its run can tell.
var transformForms = []*template{
	mustTemplate(`[ ${type} ] "variable" ${variable}`),
	mustTemplate(`[ ${type} ] "value" ${value...}`),
	mustTemplate(`[ ${type} ] ${variable} "=" ${value...}`),
	mustTemplate(`${word...}`),
}

// bar gives the place of the first | that is in neither quotes nor brackets.
func bar(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '|':
			return i
		case '"', '\'':
			i += max(1, transform.QuotedLength(text[i:])) - 1
		case '{', '[':
			i += max(1, bracketLength(text[i:])) - 1
		}
	}
	return -1
}

func (p *parser) transform(s *Step) {
	ops := s.Args["transform"].Raw
	if ops == nil {
		p.add(s.Node, "transform: expected transforms, behind | or as the key transform")
		return
	}
	pipeline, err := transform.Compile(ops)
	if err != nil {
		p.errs.Append(ops.Pos, err)
		return
	}
	s.Pipeline = pipeline
	p.transformed(s)
	if word := s.Args["word"]; word.Raw != nil && s.Args["value"].Value != nil { // "transform x" with a value of its own
		s.Args["variable"] = Arg{Value: word.Value}
		delete(s.Args, "word")
	}
}

// transformed compiles the value of a transform in one line. What merge takes
// is several values: each word is one.
func (p *parser) transformed(s *Step) {
	for _, key := range []string{"value", "word"} {
		a := s.Args[key]
		if a.Raw == nil || a.Value != nil {
			continue
		}
		words := []string{a.Raw.Text}
		if s.Pipeline.Merges() {
			words = transform.Words(a.Raw.Text)
		}
		list := &yamlpos.Node{Pos: a.Raw.Pos, Kind: yamlpos.List}
		for _, word := range words {
			item := piece(a.Raw, word)
			item.Value, item.Text = unquote(word), unquote(word)
			list.Items = append(list.Items, item)
		}
		a.Value = p.template(list)
		if len(list.Items) == 1 {
			a.Value = p.template(list.Items[0])
		}
		s.Args[key] = a
	}
}

// block reads the steps of an if or a subworkflow.
func (p *parser) block(w *Workflow, s *Step, depth int) {
	steps := s.Args["steps"].Raw
	if one := s.Args["step"].Raw; one != nil {
		steps, s.Inline = one, true
		steps = &yamlpos.Node{Pos: one.Pos, Kind: yamlpos.List, Items: []*yamlpos.Node{one}}
	}
	if steps == nil {
		p.add(s.Node, "%s: expected steps", s.Type)
		return
	}
	s.Block = p.list(w, steps, s.Path, s.Path+".", depth+1)
}

func (p *parser) cases(w *Workflow, s *Step, depth int) {
	list := s.Args["cases"].Raw
	if list == nil || list.Kind != yamlpos.List || len(list.Items) == 0 {
		p.add(s.Node, "switch: expected cases, a list of steps with conditions")
		return
	}
	s.Block = p.list(w, list, s.Path, s.Path+".", depth+1)
	for i, c := range s.Block {
		if c.Condition == nil && i < len(s.Block)-1 {
			p.warnings.Add(s.Block[i+1].Pos, "this case is never reached: the one before it has no condition")
		}
	}
}

// nested reads a workflow or foreach: a workflow of its own.
func (p *parser) nested(s *Step, depth int) {
	n := &yamlpos.Node{Pos: s.Pos, Kind: yamlpos.Map}
	put := func(key string, v *yamlpos.Node) {
		n.Entries = append(n.Entries, yamlpos.Entry{Key: key, KeyPos: v.Pos, Value: v})
	}
	for _, k := range nestedKeys {
		if a := s.Args[k.Name]; a.Raw != nil && k.Name != "workflow" {
			put(k.Name, a.Raw)
		}
	}
	if one := s.Args["step"].Raw; one != nil {
		put("steps", &yamlpos.Node{Pos: one.Pos, Kind: yamlpos.List, Items: []*yamlpos.Node{one}})
	}
	if s.Node.Kind == yamlpos.Map {
		for _, key := range []string{"input", "output", "condition", "timeout", "on-error", "on_error", "onError", "replayable", "idempotent", "retention"} {
			if v := s.Node.Get(key); v != nil {
				put(key, v)
			}
		}
	}
	w := newWorkflow(n)
	p.define(w, n, depth+1)
	if s.Kind.Name == "foreach" && w.Target == nil {
		p.add(s.Node, "foreach: expected what to go through, behind in or as the key target")
	}
	// What belongs to the workflow does not happen a second time around it.
	s.Nested, s.Input, s.Output, s.OnError, s.Timeout = w, nil, nil, nil, nil
	if w.Target != nil {
		s.Condition = nil
	} else {
		w.Condition = nil
	}
}

// targets reads what a nested workflow goes through.
func (p *parser) targets(w *Workflow, n *yamlpos.Node) {
	if t := n.Get("target"); t != nil {
		if word := strings.TrimSpace(text(t)); word == "children" || word == "members" {
			w.TargetWord = word
		}
		w.Target = p.template(t)
	}
	w.Concurrency = p.template(n.Get("concurrency"))
	w.IndexName = text(n.Get("target_index_var_name"))
	name := strings.TrimSpace(text(n.Get("target_var_name")))
	if inner, ok := strings.CutPrefix(name, "{"); ok {
		for _, word := range strings.Split(strings.TrimSuffix(inner, "}"), ",") {
			w.Spread = append(w.Spread, strings.TrimSpace(word))
		}
		return
	}
	w.Variable = name
}

// Range reads a target M..N; ok is false for anything else.
func Range(s string) (low, high int64, ok bool) {
	a, b, found := strings.Cut(s, "..")
	if !found {
		return 0, 0, false
	}
	low, err1 := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
	high, err2 := strconv.ParseInt(strings.TrimSpace(b), 10, 64)
	return low, high, err1 == nil && err2 == nil
}

// update reads the workflows within update-children for their errors.
func (p *parser) update(s *Step, depth int) {
	for _, key := range []string{"on_create", "on_update", "on_update_child", "on_delete", "creation_check", "deletion_check", "match_check"} {
		n := s.Args[key].Raw
		if n == nil || n.Kind == yamlpos.Scalar {
			continue
		}
		p.workflow(n, workflowKeys, depth+1)
	}
	if s.Args["items"].Value == nil {
		p.add(s.Node, "update-children: expected items, behind from or as the key items")
	}
}

// jumps checks that every place to go to is there: in the list of the step or
// in one around it.
func (p *parser) jumps(w *Workflow) {
	var walk func(steps []*Step, around []string)
	walk = func(steps []*Step, around []string) {
		all := around
		for _, s := range steps {
			if s.ID != "" {
				all = append(all[:len(all):len(all)], s.ID)
			}
		}
		for _, s := range steps {
			if s.Kind == nil && s.Custom == nil {
				continue
			}
			if s.Next != "" && !special(s.Next) && !strings.Contains(s.Next, "${") && !contains(all, s.Next) {
				p.add(s.Node, "next step %q is not there%s", s.Next, nearest.Hint(s.Next, all))
			}
			walk(s.Block, all)
			walk(s.OnError, all)
		}
	}
	walk(w.Steps, nil)
	var ids []string
	for _, s := range w.Steps {
		if s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	walk(w.OnError, ids)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// special are the places that every list has.
func special(next string) bool {
	switch next {
	case "start", "end", "exit", "last", "default", "here":
		return true
	}
	return false
}
