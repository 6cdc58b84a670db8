package transform

import (
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// word is a name or an argument of an operator.
type word struct {
	text   string // without quotes
	quoted bool
	fill   bool // it has expressions that the host computes
	pos    yamlpos.Pos
}

const dsl = "$brooklyn:"

// scanner takes a line apart.
type scanner struct {
	node *yamlpos.Node
	text string
	i    int
	errs *yamlpos.Errors
}

// Words gives the words of a text: what is in quotes is one, and so is what is
// in ${…}. Quotes stay.
func Words(text string) []string {
	s := &scanner{node: &yamlpos.Node{}, text: text, errs: &yamlpos.Errors{}}
	var out []string
	for {
		s.blanks()
		start := s.i
		if start == len(text) {
			return out
		}
		s.word("")
		out = append(out, text[start:s.i])
	}
}

// pos gives the place of a byte of the line.
func (s *scanner) pos(at int) yamlpos.Pos {
	p := s.node.Pos
	if p.Line > 0 && !strings.Contains(s.node.Text, "\n") {
		p.Col += len([]rune(s.text[:at]))
		if s.node.Quoted {
			p.Col++
		}
	}
	return p
}

func (s *scanner) blanks() {
	for s.i < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.i]) >= 0 {
		s.i++
	}
}

// words reads up to a | or the end.
func (s *scanner) words() []word {
	var out []word
	for {
		s.blanks()
		if s.i == len(s.text) || s.text[s.i] == '|' {
			return out
		}
		out = append(out, s.word("|"))
	}
}

// word reads one word; beside blanks the characters of stops end it.
func (s *scanner) word(stops string) word {
	w := word{pos: s.pos(s.i)}
	stops += " \t\r\n"
	if c := s.text[s.i]; c == '"' || c == '\'' {
		end := s.i + QuotedLength(s.text[s.i:])
		if end > s.i && (end == len(s.text) || strings.IndexByte(stops, s.text[end]) >= 0) {
			w.quoted, w.text = true, unescape(s.text[s.i+1:end-1])
			w.fill = c == '"' && strings.Contains(w.text, "${")
			s.i = end
			return w
		}
	}
	start, open := s.i, 0
	inDSL := strings.HasPrefix(s.text[s.i:], dsl)
	for s.i < len(s.text) {
		switch c := s.text[s.i]; {
		case open == 0 && strings.IndexByte(stops, c) >= 0:
			w.text = s.text[start:s.i]
			return w
		case strings.HasPrefix(s.text[s.i:], "${"):
			w.fill = true
			s.slot()
			continue
		case inDSL && (c == '"' || c == '\'') && open > 0:
			s.i += max(1, QuotedLength(s.text[s.i:]))
			continue
		case inDSL && c == '(':
			open++
		case inDSL && c == ')':
			open--
		}
		s.i++
	}
	w.text = s.text[start:]
	w.fill = w.fill || inDSL
	return w
}

// slot passes a ${…}, whatever is in it.
func (s *scanner) slot() {
	start, depth := s.i, 0
	for s.i++; s.i < len(s.text); {
		switch c := s.text[s.i]; c {
		case '"', '\'':
			s.i += max(1, QuotedLength(s.text[s.i:]))
			continue
		case '{':
			depth++
		case '}':
			depth--
		}
		if s.i++; depth == 0 {
			return
		}
	}
	s.errs.Add(s.pos(start), "${ is not closed, expected }")
}

// QuotedLength gives the length of a text in quotes with its quotes, 0 when it
// is not closed.
func QuotedLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return 0
}

var escapes = map[byte]byte{'\\': '\\', '"': '"', '\'': '\'', 'n': '\n', 't': '\t', 'r': '\r'}

// unescape takes away the backslashes of a text in quotes. One before a
// character that needs none stays, for the sake of regular expressions.
func unescape(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			if plain, ok := escapes[text[i+1]]; ok {
				c = plain
				i++
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
