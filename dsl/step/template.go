package step

import (
	"strings"

	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// template is how the words of a one-line step fill its keys.
//
//	${V}        one word, or what is in quotes or brackets
//	${V...}     all that follows, up to the next literal that matches
//	[ … ]       optional: tried with it first, then without
//	"word"      that word
//	?${V}       V is true if the optional part that it stands in is there
type template struct{ parts []part }

type part struct {
	literal  string // words that must be there
	variable string
	rest     bool
	flag     bool
	optional []part
}

func mustTemplate(text string) *template {
	if text == "" {
		return nil
	}
	t, err := parseTemplate(text)
	if err != nil {
		panic(err) // of the table, which tests read
	}
	return t
}

// parseTemplate reads a template.
func parseTemplate(text string) (*template, error) {
	p := &templateParser{text: text}
	parts, err := p.parts(0)
	if err != nil {
		return nil, err
	}
	return &template{parts}, nil
}

const maxOptional = 20 // optional parts inside each other

type templateParser struct {
	text string
	i    int
}

func (p *templateParser) parts(depth int) ([]part, error) {
	var out []part
	if depth > maxOptional {
		return nil, fault.New(fault.Limit, "shorthand has more than %d optional parts inside each other", maxOptional)
	}
	for {
		p.space()
		if p.i >= len(p.text) {
			if depth > 0 {
				return nil, p.fail("a [ is not closed")
			}
			return out, nil
		}
		switch rest := p.text[p.i:]; {
		case rest[0] == ']':
			if depth == 0 {
				return nil, p.fail("] closes nothing")
			}
			p.i++
			return out, nil
		case rest[0] == '[':
			p.i++
			inner, err := p.parts(depth + 1)
			if err != nil {
				return nil, err
			}
			out = append(out, part{optional: inner})
		default:
			one, err := p.part()
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
	}
}

func (p *templateParser) part() (part, error) {
	rest := p.text[p.i:]
	flag := strings.HasPrefix(rest, "?${")
	if flag {
		p.i, rest = p.i+1, rest[1:]
	}
	switch {
	case strings.HasPrefix(rest, "${"):
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return part{}, p.fail("a ${ is not closed")
		}
		p.i += end + 1
		name, all := strings.CutSuffix(strings.TrimSpace(rest[2:end]), "...")
		if name == "" || strings.ContainsAny(name, " .${[\"") {
			return part{}, p.fail("${%s} is no name of a parameter", rest[2:end])
		}
		return part{variable: name, rest: all, flag: flag}, nil
	case rest[0] == '"' || rest[0] == '\'':
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return part{}, p.fail("a quote is not closed")
		}
		p.i += end + 2
		return part{literal: strings.Join(strings.Fields(rest[1:end+1]), " ")}, nil
	}
	end := strings.IndexAny(rest, " \t\n[]")
	if end < 0 {
		end = len(rest)
	}
	p.i += end
	return part{literal: rest[:end]}, nil
}

func (p *templateParser) space() {
	for p.i < len(p.text) && strings.IndexByte(" \t\n", p.text[p.i]) >= 0 {
		p.i++
	}
}

func (p *templateParser) fail(format string, args ...any) error {
	return fault.New(fault.Invalid, "shorthand %q: "+format, append([]any{p.text}, args...)...)
}

// maxTries bounds how often a text is matched against parts of a template.
const maxTries = 10_000

// match fills keys from the words of a step; ok is false when they do not fit.
// The values are as written, quotes included.
func (t *template) match(text string) (values map[string]string, flags []string, ok bool) {
	m := &matcher{values: map[string]string{}}
	if t == nil || !m.run(t.parts, strings.TrimSpace(text), func(rest string) bool { return rest == "" }) {
		return nil, nil, false
	}
	return m.values, m.flags, true
}

type matcher struct {
	values map[string]string
	flags  []string
	tries  int
}

// run matches parts and then what follows them.
func (m *matcher) run(parts []part, text string, then func(rest string) bool) bool {
	if m.tries++; m.tries > maxTries {
		return false
	}
	if len(parts) == 0 {
		return then(text)
	}
	p, more := parts[0], parts[1:]
	next := func(rest string) bool { return m.run(more, rest, then) }
	switch {
	case p.flag:
		m.flags = append(m.flags, p.variable)
		if next(text) {
			return true
		}
		m.flags = m.flags[:len(m.flags)-1]
		return false
	case p.optional != nil:
		return m.run(p.optional, text, next) || next(text)
	case p.literal != "":
		rest, ok := cutWords(text, p.literal)
		return ok && next(rest)
	case p.rest:
		return m.all(p.variable, text, next)
	}
	word, rest := cutWord(text)
	if word == "" || word == "=" {
		return false
	}
	return m.bind(p.variable, word, func() bool { return next(rest) })
}

// all binds a variable to as much of the text as what follows leaves: up to
// the first place where that fits, else everything.
func (m *matcher) all(name, text string, next func(rest string) bool) bool {
	for end := 0; end < len(text); {
		word, rest := cutWord(text[end:])
		end = len(text) - len(rest)
		if end >= len(text) || word == "" {
			break
		}
		value := strings.TrimSpace(text[:end])
		if m.bind(name, value, func() bool { return next(rest) }) {
			return true
		}
	}
	return text != "" && m.bind(name, text, func() bool { return next("") })
}

func (m *matcher) bind(name, value string, then func() bool) bool {
	old, had := m.values[name]
	m.values[name] = value
	if then() {
		return true
	}
	if delete(m.values, name); had {
		m.values[name] = old
	}
	return false
}

// cutWords takes literal words off the front of a text.
func cutWords(text, words string) (rest string, ok bool) {
	for _, w := range strings.Fields(words) {
		after, found := strings.CutPrefix(text, w)
		if !found || after != "" && strings.IndexByte(" \t\n", after[0]) < 0 {
			return text, false
		}
		text = strings.TrimLeft(after, " \t\n")
	}
	return text, true
}

// cutWord takes one word off the front of a text: up to the next blank that
// is in neither quotes nor brackets. Quotes count where a word, or a bracket in
// it, begins; one that is not closed is a character like others.
func cutWord(text string) (word, rest string) {
	end := 0
	for end < len(text) {
		c := text[end]
		switch {
		case strings.IndexByte(" \t\n", c) >= 0:
			return text[:end], strings.TrimLeft(text[end:], " \t\n")
		case end == 0 && (c == '"' || c == '\''):
			end += max(1, transform.QuotedLength(text[end:]))
		case c == '{' || c == '[':
			end += max(1, bracketLength(text[end:]))
		default:
			end++
		}
	}
	return text, ""
}

// bracketLength gives the length of a text in brackets, 0 when they are not
// closed.
func bracketLength(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			i += max(1, transform.QuotedLength(text[i:])) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// unquote takes the quotes off a text that is one quoted text as a whole, with
// its escapes: \n, \t, and \ before any other character.
func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' || transform.QuotedLength(text) != len(text) {
		return text
	}
	inner := text[1 : len(text)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c == '\\' && i+1 < len(inner) {
			i++
			switch c = inner[i]; c {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
