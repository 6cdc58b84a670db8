package step

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// common are the keys that every step may have.
var common = []string{
	"id", "name", "condition", "next", "input", "output", "timeout", "on-error", "on_error", "onError", "idempotent", "replayable", "retention", "metadata", "comment",
}

// words are the keys that hold a step's one-line form.
var words = []string{"step", "s", "shorthand"}

// step reads one step in whatever form it is written.
func (p *parser) step(w *Workflow, s *Step, n *yamlpos.Node, depth int) {
	s.Args = map[string]Arg{}
	switch {
	case n.Kind == yamlpos.Scalar && isText(n):
		p.oneLine(s, n, n.Text)
		p.finish(w, s, depth)
		return
	case n.Kind != yamlpos.Map || len(n.Entries) == 0:
		p.add(n, "expected a step: one line of text, or a map with the key step or type")
		return
	}
	long := n
	switch line := first(n, words); {
	case line != nil && (line.Kind != yamlpos.Scalar || !isText(line)):
		p.add(line, "expected a step in one line")
		return
	case line != nil:
		if !p.oneLine(s, line, line.Text) {
			return
		}
	case n.Get("type") != nil:
		typ := n.Get("type")
		if typ.Kind != yamlpos.Scalar || !p.resolve(s, typ, typ.Text) {
			if typ.Kind != yamlpos.Scalar {
				p.add(typ, "expected the type of a step")
			}
			return
		}
		long = without(n, "type")
	case n.Get("steps") != nil:
		s.Type, s.Kind = "subworkflow", index["subworkflow"]
	default:
		p.repaired(w, s, n, depth)
		return
	}
	p.options(s, long, depth, w)
	p.finish(w, s, depth)
}

// repaired reads a one-entry map that YAML made of a line with a colon in it.
func (p *parser) repaired(w *Workflow, s *Step, n *yamlpos.Node, depth int) {
	e := n.Entries[0]
	head, _ := cutWord(e.Key)
	known := index[head] != nil
	if !known && p.resolver != nil {
		_, err := p.resolver.StepType(head)
		known = err == nil
	}
	v := valueOf(e)
	if len(n.Entries) > 1 || !known || len(v.Items)+len(v.Entries) > 0 {
		if id := n.Get("id"); id != nil && len(n.Entries) <= 2 { // a place to go to
			s.Type, s.Kind = "label", index["label"]
			p.options(s, n, depth, w)
			p.finish(w, s, depth)
			return
		}
		p.errs.Add(e.KeyPos, "a step has the key step or type; this one begins with %q%s", e.Key, nearest.Hint(e.Key, words, []string{"type", "steps"}))
		return
	}
	line := strings.TrimRight(e.Key+": "+v.Text, " ")
	p.oneLine(s, &yamlpos.Node{Pos: e.KeyPos, Kind: yamlpos.Scalar, Value: line, Text: line}, line)
	p.finish(w, s, depth)
}

func isText(n *yamlpos.Node) bool { _, ok := n.Value.(string); return ok }

func first(n *yamlpos.Node, keys []string) *yamlpos.Node {
	for _, key := range keys {
		if v := n.Get(key); v != nil {
			return v
		}
	}
	return nil
}

func without(n *yamlpos.Node, key string) *yamlpos.Node {
	out := *n
	out.Entries = slices.DeleteFunc(slices.Clone(n.Entries), func(e yamlpos.Entry) bool { return e.Key == key })
	return &out
}

// piece gives a part of a step's line as a node at its place.
func piece(line *yamlpos.Node, part string) *yamlpos.Node {
	n := &yamlpos.Node{Pos: line.Pos, Kind: yamlpos.Scalar, Value: part, Text: part}
	if at := strings.Index(line.Text, part); at > 0 && n.Pos.Line > 0 && !strings.Contains(line.Text, "\n") {
		n.Pos.Col += len([]rune(line.Text[:at]))
		if line.Quoted {
			n.Pos.Col++
		}
	}
	return n
}

// oneLine reads a step's one-line form.
func (p *parser) oneLine(s *Step, n *yamlpos.Node, line string) bool {
	word, rest := cutWord(strings.TrimSpace(line))
	if !p.resolve(s, n, word) {
		return false
	}
	if s.Kind != nil && s.Kind.Form == Transform {
		return p.transformLine(s, n, rest)
	}
	if rest == "" && n != s.Node {
		return true // its keys say the rest
	}
	t, form := p.templateOf(s)
	if t == nil {
		if rest != "" {
			p.add(n, "%s takes nothing in one line, not %q", word, rest)
		}
		return rest == ""
	}
	values, flags, ok := t.match(rest)
	if !ok {
		p.add(n, "%s does not read as %s %s", line, word, form)
		return false
	}
	p.quotes(n, rest)
	for _, f := range flags {
		s.Args[f] = Arg{Value: p.template(&yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Scalar, Value: true, Text: "true"})}
	}
	for _, name := range slices.Sorted(mapKeys(values)) {
		p.short(s, n, name, values[name])
	}
	return true
}

// templateOf gives the one-line form of a step's type.
func (p *parser) templateOf(s *Step) (*template, string) {
	if s.Kind != nil {
		return s.Kind.template, s.Kind.Shorthand
	}
	if s.Custom.Shorthand == "" {
		return nil, ""
	}
	t, err := parseTemplate(s.Custom.Shorthand)
	if err != nil {
		p.add(s.Node, "step type %s: %s", s.Type, err)
		return nil, ""
	}
	return t, s.Custom.Shorthand
}

// quotes warns of a quote that is not closed.
func (p *parser) quotes(n *yamlpos.Node, text string) {
	for text != "" {
		word, rest := cutWord(text)
		if (word[0] == '"' || word[0] == '\'') && (len(word) == 1 || transform.QuotedLength(word) == 0) {
			at := piece(n, word)
			p.warnings.Add(at.Pos, "the quote of %s is not closed", word)
			return
		}
		text = rest
	}
}

// short takes over a key from a step's one-line form.
func (p *parser) short(s *Step, n *yamlpos.Node, name, value string) {
	at := piece(n, value)
	form := Act
	if s.Kind != nil {
		form = s.Kind.Form
	}
	switch {
	case name == "next":
		s.Next = unquote(value)
		return
	case name == "id" && form == Label:
		s.ID = unquote(value)
		return
	case name == "timeout" || name == "replayable" || name == "retention":
		p.option(s, name, at, 0, nil)
		return
	case name == "value" && form == Let, name == "step", form == Retry, name == "identifier_expression":
		s.Args[name] = Arg{Raw: at}
		return
	}
	if name == "args" {
		p.arguments(s, n, value)
		return
	}
	if form == Transform && (name == "value" || name == "word") {
		s.Args[name] = Arg{Raw: at} // the transforms tell how it reads
		return
	}
	if form == If && name == "target" { // as in let: with operators
		t, err := expr.CompileWords(at, p.lim.Expr)
		if err != nil {
			p.errs.Append(at.Pos, err)
			return
		}
		p.uses = append(p.uses, t.Uses()...)
		s.Args[name] = Arg{Value: t}
		return
	}
	at.Value, at.Text = unquote(value), unquote(value)
	if form == Nested && name != "target" {
		s.Args[name] = Arg{Raw: at}
		return
	}
	if name == "type" || form == Nested {
		s.Args[name] = Arg{Value: p.template(at), Raw: at}
		return
	}
	s.Args[name] = Arg{Value: p.template(at)}
}

// options takes over the keys of a step's long form.
func (p *parser) options(s *Step, n *yamlpos.Node, depth int, w *Workflow) {
	for _, e := range n.Entries {
		switch {
		case slices.Contains(words, e.Key):
		case slices.Contains(common, e.Key) && !p.own(s, e.Key):
			p.option(s, e.Key, valueOf(e), depth, w)
		case s.Custom != nil && e.Key == "output":
		default:
			p.ownKey(s, e)
		}
	}
}

// own tells whether a common key is one that the type of a step has for itself.
func (p *parser) own(s *Step, key string) bool {
	return s.Kind != nil && s.Kind.Key(key) != nil
}

// ownKey takes over a key that belongs to the type of a step.
func (p *parser) ownKey(s *Step, e yamlpos.Entry) {
	if s.Custom != nil {
		p.errs.Add(e.KeyPos, "%s has no key %q%s; what it is given stands below input", s.Type, e.Key, nearest.Hint(e.Key, common))
		return
	}
	k := s.Kind.Key(e.Key)
	if k == nil {
		var all []string
		for i := range s.Kind.Keys {
			all = append(all, s.Kind.Keys[i].Name)
		}
		p.errs.Add(e.KeyPos, "%s has no key %q%s", s.Type, e.Key, nearest.Hint(e.Key, all, common))
		return
	}
	if _, twice := s.Args[e.Key]; twice || e.Key == "steps" && s.Args["step"].Raw != nil {
		what := e.Key
		if what == "steps" {
			what = "step"
		}
		p.errs.Add(e.KeyPos, "cannot set %s in shorthand when it is set elsewhere too", what)
		return
	}
	if k.Raw {
		s.Args[e.Key] = Arg{Raw: valueOf(e)}
		return
	}
	s.Args[e.Key] = Arg{Value: p.template(valueOf(e))}
}

// option takes over a key that every step may have.
func (p *parser) option(s *Step, key string, n *yamlpos.Node, depth int, w *Workflow) {
	switch key {
	case "id":
		if s.ID = text(n); s.ID == "" || strings.ContainsAny(s.ID, " ${}") || slices.Contains([]string{"start", "end", "exit", "default"}, s.ID) {
			p.add(n, "id %q: expected a word other than start, end and exit", s.ID)
		}
	case "name":
		s.Name = text(n)
	case "condition":
		s.Condition = p.condition(n)
	case "next":
		s.Next = text(n)
	case "input":
		s.Input = p.named(n, "input")
	case "output":
		s.Output = p.template(n)
	case "timeout":
		s.Timeout = p.template(n)
	case "on-error", "on_error", "onError":
		s.OnError = p.list(w, n, s.Path+"!", s.Path+"!", depth+1)
	case "idempotent":
		s.Idempotent = p.tri(n, key)
	case "replayable":
		s.Replayable = p.replayable(n, false)
	case "retention":
		s.Retention = p.retention(n)
	}
}

// finish reads what the form of a step has beyond keys.
func (p *parser) finish(w *Workflow, s *Step, depth int) {
	if s.Kind == nil {
		p.inputs(s)
		return
	}
	switch s.Kind.Form {
	case Act:
		if _, given := s.Args["value"]; !given && strings.HasPrefix(s.Kind.Name, "set-") {
			p.add(s.Node, "%s: expected a value", s.Type)
		}
	case Let:
		p.let(s)
	case Transform:
		p.transform(s)
	case If, Sub:
		p.block(w, s, depth)
	case Switch:
		p.cases(w, s, depth)
	case Nested:
		p.nested(s, depth)
	case Retry:
		p.retry(s)
	case Update:
		p.update(s, depth)
	}
}

// inputs lets a step type of the catalog look at what the step is given.
func (p *parser) inputs(s *Step) {
	if s.Custom == nil || s.Custom.Inputs == nil || !p.checking {
		return
	}
	in := &yamlpos.Node{Pos: s.Pos, Kind: yamlpos.Map}
	if s.Node.Kind == yamlpos.Map {
		if v := s.Node.Get("input"); v != nil && v.Kind == yamlpos.Map {
			in = v
		}
	}
	p.errs.Append(s.Pos, s.Custom.Inputs(s.Pos, in))
}

// let decides how the value of a let is computed.
func (p *parser) let(s *Step) {
	v := s.Args["value"].Raw
	if _, named := s.Args["variable"]; !named {
		p.add(s.Node, "%s: expected the name of a variable", s.Type)
	}
	mode, short := "full", !isLong(s, "value")
	if short {
		mode = "words"
	}
	if m := s.Args["interpolation_mode"].Raw; m != nil {
		if mode = text(m); !slices.Contains([]string{"words", "full", "disabled"}, mode) {
			p.add(m, "interpolation_mode: expected words, full or disabled, not %q%s", mode, nearest.Hint(mode, []string{"words", "full", "disabled"}))
		}
	}
	if m := s.Args["interpolation_errors"].Raw; m != nil {
		modes := []string{"fail", "ignore", "blank"}
		at := slices.Index(modes, text(m))
		if at < 0 {
			p.add(m, "interpolation_errors: expected fail, ignore or blank, not %q%s", text(m), nearest.Hint(text(m), modes))
		}
		s.Missing = expr.OnMissing(max(at, 0))
	}
	delete(s.Args, "interpolation_mode")
	delete(s.Args, "interpolation_errors")
	if v == nil {
		return
	}
	a := Arg{Raw: v}
	switch {
	case mode == "words" && v.Kind == yamlpos.Scalar && isText(v):
		t, err := expr.CompileWords(v, p.lim.Expr)
		if err != nil {
			p.errs.Append(v.Pos, err)
			return
		}
		a.Value = t
		p.uses = append(p.uses, t.Uses()...)
	case mode != "disabled":
		a.Value = p.template(v)
	}
	s.Args["value"] = a
}

// isLong tells whether a key was written in a step's long form.
func isLong(s *Step, key string) bool { return s.Node.Kind == yamlpos.Map && s.Node.Get(key) != nil }

// arguments reads "k = v, k2 = v2" behind the word with.
func (p *parser) arguments(s *Step, n *yamlpos.Node, line string) {
	m := &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Map}
	for _, part := range commas(line) {
		name, value, ok := strings.Cut(part, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			p.add(n, "arguments %q: expected NAME = VALUE, NAME = VALUE", line)
			return
		}
		v := piece(n, strings.TrimSpace(value))
		v.Value, v.Text = unquote(v.Text), unquote(v.Text)
		m.Entries = append(m.Entries, yamlpos.Entry{Key: unquote(name), KeyPos: n.Pos, Value: v})
	}
	s.Args["args"] = Arg{Value: p.template(m)}
}

// commas parts a text at the commas that are in neither quotes nor brackets.
func commas(text string) []string {
	var out []string
	from := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',':
			out, from = append(out, text[from:i]), i+1
		case '"', '\'':
			i += max(1, transform.QuotedLength(text[i:])) - 1
		case '{', '[':
			i += max(1, bracketLength(text[i:])) - 1
		}
	}
	return append(out, text[from:])
}
