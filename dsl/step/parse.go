package step

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Limits bound what a definition may be. A zero field takes its default.
type Limits struct {
	Steps int // steps in all, in blocks too; default 2,000
	Depth int // blocks inside each other; default 30
	Expr  expr.Limits
}

func (l Limits) filled() Limits {
	if l.Steps <= 0 {
		l.Steps = 2000
	}
	if l.Depth <= 0 {
		l.Depth = 30
	}
	return l
}

// Report is what was found in a definition: Problems keep it from being used,
// Warnings do not.
type Report struct {
	Warnings yamlpos.Errors
}

// Parse reads a definition: a map with steps and the other keys of workflows,
// or a bare list of steps. The error is a *yamlpos.Errors with all problems at
// their places.
func Parse(n *yamlpos.Node, r Resolver, lim Limits) (*Workflow, error) {
	p := newParser(r, lim)
	w := p.workflow(n, workflowKeys, 0)
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

// Check is Parse that also gives what is likely to be wrong: variables that
// nothing sets, quotes that are not closed.
func Check(n *yamlpos.Node, r Resolver, lim Limits) (warnings *yamlpos.Errors, err error) {
	p := newParser(r, lim)
	p.checking = true
	w := p.workflow(n, workflowKeys, 0)
	if err := p.errs.Err(); err != nil {
		return &p.warnings, err
	}
	p.undefined(w)
	return &p.warnings, nil
}

type parser struct {
	resolver Resolver
	lim      Limits
	errs     yamlpos.Errors
	warnings yamlpos.Errors
	steps    int
	uses     []expr.Use
	checking bool // it is submitted, not run
}

func newParser(r Resolver, lim Limits) *parser { return &parser{resolver: r, lim: lim.filled()} }

// workflowKeys are the keys of every definition. Hosts have more, which they
// take out before.
var workflowKeys = []string{
	"name", "steps", "input", "output", "condition", "lock", "timeout", "on-error", "on_error", "onError", "replayable", "idempotent", "retention", "parameters",
	"type", "shorthand", "reducing", "description", "id", "target", "target_var_name", "target_index_var_name", "concurrency",
}

// workflow reads a definition.
func (p *parser) workflow(n *yamlpos.Node, known []string, depth int) *Workflow {
	w := newWorkflow(n)
	if n != nil && n.Kind == yamlpos.List {
		w.Steps = p.list(w, n, "", "", depth)
		p.jumps(w)
		return w
	}
	if n == nil || n.Kind != yamlpos.Map {
		p.add(n, "expected a workflow: a list of steps, or a map with steps")
		return w
	}
	for _, e := range n.Entries {
		if !slices.Contains(known, e.Key) {
			p.errs.Add(e.KeyPos, "unknown key %q of a workflow%s", e.Key, nearest.Hint(e.Key, known))
		}
	}
	p.define(w, n, depth)
	return w
}

// define fills a workflow from a map whose keys are known.
func (p *parser) define(w *Workflow, n *yamlpos.Node, depth int) {
	if name := n.Get("name"); name != nil && name.Kind == yamlpos.Scalar {
		w.Name = name.Text
	}
	w.Parameters = p.parameters(n.Get("parameters"))
	w.Input = p.named(n.Get("input"), "input")
	w.Output = p.template(n.Get("output"))
	w.Condition = p.condition(n.Get("condition"))
	w.Lock = p.lock(n.Get("lock"))
	w.Timeout = p.template(n.Get("timeout"))
	w.Replayable = p.replayable(n.Get("replayable"), true)
	w.Idempotent = p.tri(n.Get("idempotent"), "idempotent")
	w.Retention = p.retention(n.Get("retention"))
	w.Reducing = p.named(n.Get("reducing"), "reducing")
	p.targets(w, n)
	if steps := n.Get("steps"); steps != nil {
		w.Steps = p.list(w, steps, "", "", depth)
	} else if w.Output == nil && n.Get("target") == nil {
		p.add(n, "a workflow has steps, or an output")
	}
	if h := onError(n); h != nil {
		w.OnError = p.list(w, h, "!", "!", depth+1)
	}
	p.jumps(w)
}

func onError(n *yamlpos.Node) *yamlpos.Node {
	for _, key := range []string{"on-error", "on_error", "onError"} {
		if h := n.Get(key); h != nil {
			return h
		}
	}
	return nil
}

// list reads the steps of a block; path is the block's, prefix what its steps'
// paths begin with.
func (p *parser) list(w *Workflow, n *yamlpos.Node, path, prefix string, depth int) []*Step {
	items := n.Items
	switch {
	case n.Kind == yamlpos.Null:
		items = nil
	case n.Kind != yamlpos.List:
		items = []*yamlpos.Node{n} // a single step, as on-error may be
	}
	if depth > p.lim.Depth {
		p.add(n, "limit Depth of %d blocks inside each other exceeded", p.lim.Depth)
		return nil
	}
	out := make([]*Step, 0, len(items))
	seen := map[string]bool{}
	for i, item := range items {
		if p.steps++; p.steps > p.lim.Steps {
			p.add(item, "limit Steps of %d steps exceeded", p.lim.Steps)
			return out
		}
		s := &Step{Path: prefix + strconv.Itoa(i), Index: i, Pos: item.Pos, Node: item}
		w.byPath[s.Path] = s
		p.step(w, s, item, depth)
		if s.ID != "" && seen[s.ID] {
			p.add(item, "id %q is that of another step of the list", s.ID)
		}
		seen[s.ID] = true
		if s.ID != "" && w.byID[s.ID] == nil {
			w.byID[s.ID] = s
		}
		out = append(out, s)
	}
	w.blocks[path] = out
	return out
}

func (p *parser) add(n *yamlpos.Node, format string, args ...any) {
	var pos yamlpos.Pos
	if n != nil {
		pos = n.Pos
	}
	p.errs.Add(pos, format, args...)
}

// template compiles a value with ${…}; nil stays nil.
func (p *parser) template(n *yamlpos.Node) *expr.Template {
	if n == nil {
		return nil
	}
	t, err := expr.CompileTemplate(n, p.lim.Expr)
	if err != nil {
		p.errs.Append(n.Pos, err)
		return nil
	}
	p.uses = append(p.uses, t.Uses()...)
	return t
}

func (p *parser) condition(n *yamlpos.Node) *Condition {
	if n == nil {
		return nil
	}
	c, err := predicate.Compile(n, predicate.Limits{})
	if err != nil {
		p.errs.Append(n.Pos, err)
		return nil
	}
	return &Condition{c}
}

func (p *parser) named(n *yamlpos.Node, what string) []Named {
	if n == nil || n.Kind == yamlpos.Null {
		return nil
	}
	if n.Kind != yamlpos.Map {
		p.add(n, "%s: expected a map of names and values", what)
		return nil
	}
	out := make([]Named, 0, len(n.Entries))
	for _, e := range n.Entries {
		out = append(out, Named{e.Key, p.template(valueOf(e))})
	}
	return out
}

// valueOf gives the value of an entry, null when it has none.
func valueOf(e yamlpos.Entry) *yamlpos.Node {
	if e.Value == nil {
		return &yamlpos.Node{Pos: e.KeyPos}
	}
	return e.Value
}

func (p *parser) tri(n *yamlpos.Node, key string) Tri {
	if n == nil {
		return Unsaid
	}
	switch strings.ToLower(n.Text) {
	case "yes", "true", "all":
		return Yes
	case "no", "false":
		return No
	case "default":
		return Unsaid
	}
	p.add(n, "%s: expected yes or no", key)
	return Unsaid
}

// lock reads a lock: a name, or a map of name and entity.
func (p *parser) lock(n *yamlpos.Node) *Lock {
	if n == nil {
		return nil
	}
	if n.Kind != yamlpos.Map {
		return &Lock{Name: p.template(n)}
	}
	l := &Lock{Name: p.template(n.Get("name")), Entity: p.template(n.Get("entity"))}
	if l.Name == nil {
		p.add(n, "lock: expected a name")
	}
	return l
}

// parameters reads the declarations: names with maps of type, description,
// defaultValue and required.
func (p *parser) parameters(n *yamlpos.Node) []Parameter {
	if n == nil || n.Kind == yamlpos.Null {
		return nil
	}
	if n.Kind != yamlpos.Map {
		p.add(n, "parameters: expected a map of names")
		return nil
	}
	var out []Parameter
	for _, e := range n.Entries {
		v := valueOf(e)
		q := Parameter{Name: e.Key, Description: text(v.Get("description")), Type: text(v.Get("type"))}
		for _, key := range []string{"defaultValue", "default"} {
			if d := v.Get(key); d != nil {
				q.Default = p.template(d)
			}
		}
		q.Required = p.tri(v.Get("required"), "required") == Yes
		out = append(out, q)
	}
	return out
}

func text(n *yamlpos.Node) string {
	if n == nil || n.Kind != yamlpos.Scalar {
		return ""
	}
	return n.Text
}

// resolve finds the type of a step.
func (p *parser) resolve(s *Step, n *yamlpos.Node, word string) bool {
	s.Type = word
	if k := index[word]; k != nil {
		s.Kind = k
		return true
	}
	var err error
	if p.resolver != nil {
		if s.Custom, err = p.resolver.StepType(word); err == nil {
			return true
		}
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		p.add(n, "step type %s: %s", word, err)
		return false
	}
	p.add(n, "unknown step %q%s", word, nearest.Hint(word, names()))
	return false
}
