package expr

import (
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// token is a part of a text in words mode: blanks, a word, or a text in
// quotes.
type token struct {
	from, to int
	blank    bool
	quoted   bool
	text     string // of blanks and quotes; of a word if it is an operator
}

// The operators from the loosest to the tightest, without ? : and ??, which
// are looser.
var wordLevels = [][]string{{"+", "-"}, {"*", "/"}, {"%"}, {"==", "<", "<=", ">", ">="}, {"&&"}, {"||"}}

const comparisons = 3 // the level whose operators are read from the right

func isWordOperator(text string) bool {
	return text == "?" || text == ":" || text == "??" ||
		slices.ContainsFunc(wordLevels, func(ops []string) bool { return slices.Contains(ops, text) })
}

// words compiles a scalar in words mode.
func (c *compiler) words(n *yamlpos.Node) node {
	if n == nil {
		return nothing
	}
	text, ok := n.Value.(string)
	if n.Kind != yamlpos.Scalar || !ok || strings.TrimSpace(text) == "" {
		return c.node(n)
	}
	src := &source{chars: []rune(text), node: n}
	tokens, closed := tokenize(src.chars)
	if !closed {
		return c.node(n)
	}
	operators := 0
	for _, t := range tokens {
		if t.operator() && t.text != ":" {
			operators++
		}
	}
	if operators == 0 {
		return c.operand(src, tokens)
	}
	if operators > c.lim.Nodes {
		c.add(src, 0, "limit Nodes of %d syntax nodes exceeded", c.lim.Nodes)
		return nothing
	}
	w := &words{translator: c.translator(src), src: src}
	tree := w.ternary(tokens, nil)
	if w.failed {
		return nothing
	}
	prog, err := assemble(src, tree)
	if err != nil {
		c.syntax(src, err)
		return nothing
	}
	if w.impure {
		return prog
	}
	lim := c.lim
	if v, err := result(prog, &run{lim: &lim}); err == nil {
		return constant{v}
	}
	return prog // fails when it is evaluated, as everything that computes does
}

// translator gives one for a tree that is not parsed by expr-lang.
func (c *compiler) translator(src *source) *translator {
	return &translator{c: c, p: &parsed{src: src}, base: src, shared: &shared{entities: map[ast.Node]*Ref{}}}
}

func (t token) operator() bool { return !t.blank && !t.quoted && t.text != "" }

// tokenize splits a text into blanks, words and quoted texts. A quote opens
// where a word could start and closes where one could end; closed is false if
// one does not.
func tokenize(chars []rune) (out []token, closed bool) {
	for i := 0; i < len(chars); {
		t := token{from: i}
		switch {
		case unicode.IsSpace(chars[i]):
			for i < len(chars) && unicode.IsSpace(chars[i]) {
				i++
			}
			t.blank, t.text = true, string(chars[t.from:i])
		case chars[i] == '"' || chars[i] == '\'':
			if t.text, i = quotedWord(chars, i); i < 0 {
				return nil, false
			}
			t.quoted = true
		default:
			i = bareWord(chars, i)
			if word := chars[t.from:i]; len(word) <= 2 && isWordOperator(string(word)) {
				t.text = string(word)
			}
		}
		t.to = i
		out = append(out, t)
	}
	return out, true
}

// quotedWord reads a text in quotes and gives what it says and the place
// behind it, -1 if it is not closed. A backslash before a quote or a backslash
// takes it as it is, \n is the end of a line; any other stays.
func quotedWord(chars []rune, at int) (string, int) {
	var b strings.Builder
	for i := at + 1; i < len(chars); i++ {
		switch c := chars[i]; {
		case c == chars[at] && (i+1 == len(chars) || unicode.IsSpace(chars[i+1])):
			return b.String(), i + 1
		case c == '\\' && i+1 < len(chars) && strings.ContainsRune(`"'\`, chars[i+1]):
			i++
			b.WriteRune(chars[i])
		case c == '\\' && i+1 < len(chars) && chars[i+1] == 'n':
			i++
			b.WriteByte('\n')
		default:
			b.WriteRune(c)
		}
	}
	return "", -1
}

// bareWord gives the end of a word; blanks within ${…} and within the brackets
// of a $brooklyn: expression are part of it.
func bareWord(chars []rune, i int) int {
	isExpr := strings.HasPrefix(string(chars[i:min(len(chars), i+len(Prefix))]), Prefix)
	depth := 0
	for i < len(chars) {
		switch c := chars[i]; {
		case c == '$' && i+1 < len(chars) && chars[i+1] == '{':
			if end := slotEnd(chars, i); end > 0 {
				i = end - 1
			}
		case isExpr && (c == '"' || c == '\''):
			i = quoteEnd(chars, i)
		case isExpr && strings.ContainsRune("([{", c):
			depth++
		case isExpr && strings.ContainsRune(")]}", c):
			depth--
		case unicode.IsSpace(c) && depth <= 0:
			return i
		}
		i++
	}
	return len(chars)
}

// quoteEnd gives the place of the quote that closes the one at a place, else
// that of the last character.
func quoteEnd(chars []rune, at int) int {
	for i := at + 1; i < len(chars); i++ {
		switch chars[i] {
		case '\\':
			i++
		case chars[at]:
			return i
		}
	}
	return len(chars) - 1
}

// operand compiles words between which no operator stands.
func (c *compiler) operand(src *source, tokens []token) node {
	first, last := tokens[0], tokens[len(tokens)-1]
	switch {
	case !first.quoted && strings.HasPrefix(string(src.chars[first.from:first.to]), Prefix):
		if last.blank {
			last = tokens[len(tokens)-2]
		}
		return c.expression(src.part(first.from, last.to), nil).node
	case len(tokens) > 1:
		return c.sentence(src, tokens)
	case first.quoted:
		return constant{first.text}
	}
	return c.template(src, first.from, first.to, false)
}

// sentence compiles several words and the blanks between them to a text.
func (c *compiler) sentence(src *source, tokens []token) node {
	j := &joined{src: src.part(tokens[0].from, tokens[len(tokens)-1].to)}
	for _, t := range tokens {
		if t.blank || t.quoted {
			j.parts = append(j.parts, t.text)
			continue
		}
		j.parts = c.parts(src, j.parts, t.from, t.to)
	}
	var b strings.Builder
	for _, p := range j.parts {
		text, ok := p.(string)
		if !ok {
			return j
		}
		b.WriteString(text)
	}
	return constant{b.String()}
}

// words makes the tree of a text with operators. Its operators are sites.
type words struct {
	*translator
	src *source
}

// operand rewrites words between operators. The one that they belong to is
// for messages; nil is none.
func (w *words) operand(tokens []token, of *token, side string) ast.Node {
	if tokens = trimBlanks(tokens); len(tokens) == 0 {
		return w.fail(of.from, "%s needs a value on its %s; as text it is written in quotes", of.text, side)
	}
	n := w.c.operand(w.src, tokens)
	if c, ok := n.(constant); ok {
		if text, ok := c.v.(string); ok {
			if number := literal(tokens, text); number != nil {
				n = constant{number}
				return w.run(n, tokens[0].from, false)
			}
			return w.put(&ast.StringNode{Value: text}, tokens[0].from)
		}
	} else {
		w.impure = true
	}
	return w.run(n, tokens[0].from, false)
}

// literal gives the number that a word between operators is; nil for text.
func literal(tokens []token, text string) any {
	if len(tokens) != 1 || tokens[0].quoted {
		return nil
	}
	if v, ok := coerce.Number(text); ok {
		return v
	}
	return nil
}

// run makes the site that evaluates a node; with caught, what it cannot
// give is null.
func (w *words) run(n node, off int, caught bool) ast.Node {
	eval := func(r *run, _ *site, _ []any) (any, error) {
		v, err := n.eval(r)
		return inside(v), err
	}
	return w.invoke(&site{off: off, bare: true, eval: orNull(eval, caught)})
}

func trimBlanks(tokens []token) []token {
	if len(tokens) > 0 && tokens[0].blank {
		tokens = tokens[1:]
	}
	if n := len(tokens); n > 0 && tokens[n-1].blank {
		tokens = tokens[:n-1]
	}
	return tokens
}

func indexOf(tokens []token, ops ...string) int {
	return slices.IndexFunc(tokens, func(t token) bool { return t.operator() && slices.Contains(ops, t.text) })
}

// ternary rewrites condition ? a : b, which may stand within another.
func (w *words) ternary(tokens []token, of *token) ast.Node {
	question := indexOf(tokens, "?")
	if question < 0 {
		return w.nullish(tokens, of)
	}
	op := &tokens[question]
	colon := matchingColon(tokens, question)
	if colon < 0 {
		return w.fail(op.from, "Mismatched ternary operator: no : follows ?; as text it is written in quotes")
	}
	cond := w.side(tokens[:question], op, "left", w.nullish)
	if w.failed {
		return cond
	}
	s := site{off: op.from, name: op.text}
	s.from, s.to = tokensExtent(tokens[:question])
	cond = w.truth(s, cond)
	return w.put(&ast.ConditionalNode{
		Ternary: true, Cond: cond,
		Exp1: w.side(tokens[question+1:colon], op, "right", w.ternary),
		Exp2: w.side(tokens[colon+1:], &tokens[colon], "right", w.ternary),
	}, op.from)
}

// side rewrites what stands on a side of an operator.
func (w *words) side(tokens []token, of *token, side string, rewrite func([]token, *token) ast.Node) ast.Node {
	if len(trimBlanks(tokens)) == 0 {
		return w.operand(nil, of, side)
	}
	return rewrite(tokens, of)
}

func matchingColon(tokens []token, question int) int {
	depth := 0
	for i := question + 1; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.operator() && t.text == "?":
			depth++
		case t.operator() && t.text == ":":
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return -1
}

// nullish rewrites a ?? b ?? c. What fails left of ?? is null there, and so is
// nothing behind the last.
func (w *words) nullish(tokens []token, of *token) ast.Node {
	at := indexOf(tokens, "??")
	if at < 0 {
		return w.level(tokens, 0, of)
	}
	op := &tokens[at]
	left := w.caught(tokens[:at], op)
	var right ast.Node
	if rest := tokens[at+1:]; len(trimBlanks(rest)) > 0 {
		right = w.nullish(rest, op)
	} else {
		right = w.put(&ast.NilNode{}, op.from)
	}
	return w.put(&ast.BinaryNode{Operator: "??", Left: left, Right: w.whole(right)}, op.from)
}

// caught rewrites the left side of ??: as a program of its own if it computes
// something, so that its failure does not end the whole.
func (w *words) caught(tokens []token, op *token) ast.Node {
	w.c.optional++
	defer func() { w.c.optional-- }()
	if tokens = trimBlanks(tokens); len(tokens) == 0 {
		return w.operand(nil, op, "left")
	}
	if !slices.ContainsFunc(tokens, func(t token) bool { return t.operator() && t.text != ":" }) {
		n := w.c.operand(w.src, tokens)
		if _, ok := n.(constant); !ok {
			w.impure = true
		}
		return w.run(n, tokens[0].from, true)
	}
	tree := w.level(tokens, 0, op)
	if w.failed {
		return tree
	}
	prog, err := assemble(w.src, tree)
	if err != nil {
		w.c.syntax(w.src, err)
		w.failed = true
		return tree
	}
	return w.run(prog, tokens[0].from, true)
}

// level rewrites the operators of one level and the tighter ones.
func (w *words) level(tokens []token, level int, of *token) ast.Node {
	if level == len(wordLevels) {
		return w.operand(tokens, of, "right")
	}
	var ops []*token
	var sides [][]token
	rest := tokens
	for {
		at := indexOf(rest, wordLevels[level]...)
		if at < 0 {
			break
		}
		ops, sides = append(ops, &rest[at]), append(sides, rest[:at])
		rest = rest[at+1:]
	}
	sides = append(sides, rest)
	if len(ops) == 0 {
		return w.level(tokens, level+1, of)
	}
	nodes := make([]ast.Node, len(sides))
	for i, s := range sides {
		op, side := ops[max(0, i-1)], "right"
		if i == 0 {
			side = "left"
		}
		nodes[i] = w.side(s, op, side, func(tokens []token, of *token) ast.Node { return w.level(tokens, level+1, of) })
	}
	if level == comparisons {
		return w.fromRight(ops, sides, nodes)
	}
	out := nodes[0]
	for i, op := range ops {
		out = w.operation(op, tokens, sides[i+1], out, nodes[i+1])
	}
	return out
}
