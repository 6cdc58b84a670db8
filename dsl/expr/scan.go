package expr

import (
	"fmt"
	"strconv"
	"unicode"
)

// Brooklyn's grammar and expr-lang's differ in their tokens only. scan writes
// an expression of the first as one of the second, character for character,
// so that every place stays what it is: prefixes and comments become blanks,
// and the inside of a quoted text becomes blanks too, its meaning being kept
// beside it. What is wrong with quotes and brackets is found here, with
// Brooklyn's words for it.
type scanner struct {
	chars  []rune
	out    []rune
	i      int
	open   []int // places of the brackets that are open
	depth  int
	quoted map[int]quoted
	braces bool // ${…} stands for a value
}

// quoted is a text that stands in quotes in an expression, or a ${…}.
type quoted struct {
	text string
	at   []int // the place of each of its characters
	slot bool  // a ${…} without quotes
}

// scanError is a problem at a place of a source.
type scanError struct {
	off int
	msg string
}

func (e *scanError) Error() string { return e.msg }

func failAt(off int, format string, args ...any) error {
	return &scanError{off, fmt.Sprintf(format, args...)}
}

func scan(chars []rune, depth int, braces bool) (*scanner, error) {
	s := &scanner{chars: chars, out: make([]rune, len(chars)), depth: depth, quoted: map[int]quoted{}, braces: braces}
	copy(s.out, chars)
	for s.i < len(chars) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	if n := len(s.open); n > 0 {
		return nil, s.unclosed(s.open[n-1])
	}
	return s, nil
}

func (s *scanner) step() error {
	c := s.chars[s.i]
	switch {
	case c == '"' || c == '\'':
		return s.quote(c)
	case c == '`':
		return s.rawQuote()
	case c == '$' && s.peek(1) == '{' && s.braces:
		return s.slot()
	case c == '/' && s.peek(1) == '/' || c == '/' && s.peek(1) == '*':
		return s.comment()
	case c == '(' || c == '[' || c == '{':
		if len(s.open) >= s.depth {
			return failAt(s.i, "limit Depth of %d brackets within brackets exceeded", s.depth)
		}
		s.open = append(s.open, s.i)
	case c == ')' || c == ']' || c == '}':
		if err := s.close(c); err != nil {
			return err
		}
	case wordChar(c):
		s.word()
		return nil
	}
	s.i++
	return nil
}

func (s *scanner) peek(n int) rune {
	if s.i+n < len(s.chars) {
		return s.chars[s.i+n]
	}
	return 0
}

func (s *scanner) blank(from, to int) {
	for i := from; i < to; i++ {
		s.out[i] = ' '
	}
}

func wordChar(c rune) bool {
	return c == '_' || c == '$' || unicode.IsLetter(c) || unicode.IsDigit(c)
}

// word passes a word, blanking it when it is the prefix.
func (s *scanner) word() {
	start := s.i
	for s.i < len(s.chars) && wordChar(s.chars[s.i]) {
		s.i++
	}
	if s.peek(0) == ':' && string(s.chars[start:s.i+1]) == Prefix {
		s.i++
		s.blank(start, s.i)
	}
}

func (s *scanner) comment() error {
	start := s.i
	if s.peek(1) == '/' {
		for s.i < len(s.chars) && s.chars[s.i] != '\n' {
			s.i++
		}
		s.blank(start, s.i)
		return nil
	}
	for s.i += 2; s.i < len(s.chars); s.i++ {
		if s.chars[s.i] == '*' && s.peek(1) == '/' {
			s.i += 2
			s.blank(start, s.i)
			return nil
		}
	}
	return failAt(start, "comment is not closed, expected */")
}

func (s *scanner) close(c rune) error {
	n := len(s.open)
	if n == 0 {
		return failAt(s.i, "Unexpected character at position %d: %c closes nothing", s.i, c)
	}
	opened := s.chars[s.open[n-1]]
	if want := map[rune]rune{'(': ')', '[': ']', '{': '}'}[opened]; want != c {
		return failAt(s.i, "Unexpected character at position %d: %c where %c is expected", s.i, c, want)
	}
	s.open = s.open[:n-1]
	return nil
}

func (s *scanner) unclosed(at int) error {
	if name := s.callBefore(at); name != "" {
		return failAt(at, "Unexpected end of arguments to function '%s', no close parenthesis matching character at position %d", name, at)
	}
	return failAt(at, "Unexpected end of expression to parse, nothing closes %c at position %d", s.chars[at], at)
}

// callBefore gives the name of the function whose arguments a bracket opens.
func (s *scanner) callBefore(bracket int) string {
	if s.chars[bracket] != '(' {
		return ""
	}
	end := bracket
	for end > 0 && unicode.IsSpace(s.out[end-1]) {
		end--
	}
	start := end
	for start > 0 && (wordChar(s.out[start-1]) || s.out[start-1] == '.') {
		start--
	}
	for start < end && s.out[start] == '.' {
		start++
	}
	return string(s.out[start:end])
}

// quote passes a text in quotes. In the output it is as long, but blank.
func (s *scanner) quote(mark rune) error {
	start := s.i
	q := quoted{}
	var text []rune
	for s.i++; ; {
		if s.i >= len(s.chars) {
			return failAt(start, "Unexpected end of expression to parse, looking for close quote since position %d", start)
		}
		if s.chars[s.i] == mark {
			break
		}
		at := s.i
		c, err := s.char()
		if err != nil {
			return err
		}
		text, q.at = append(text, c), append(q.at, at)
	}
	s.i++
	s.hide(start, text, q)
	return nil
}

// hide writes a blank text in quotes over the output, so that expr-lang sees
// a string and nothing of what it holds.
func (s *scanner) hide(start int, text []rune, q quoted) {
	s.blank(start, s.i)
	s.out[start], s.out[s.i-1] = '"', '"'
	q.text = string(text)
	s.quoted[start] = q
}

// slot passes a ${…}, which expr-lang sees as a text.
func (s *scanner) slot() error {
	start := s.i
	end := slotEnd(s.chars, start)
	if end < 0 {
		return failAt(start, "${ is not closed, expected }")
	}
	q := quoted{slot: true}
	for i := start; i < end; i++ {
		q.at = append(q.at, i)
	}
	s.i = end
	s.hide(start, s.chars[start:end], q)
	return nil
}

// rawQuote passes a text in back quotes; a doubled one stands for itself.
func (s *scanner) rawQuote() error {
	start := s.i
	q := quoted{}
	var text []rune
	for s.i++; s.i < len(s.chars); s.i++ {
		if s.chars[s.i] == '`' {
			if s.peek(1) != '`' {
				s.i++
				s.hide(start, text, q)
				return nil
			}
			s.i++
		}
		text, q.at = append(text, s.chars[s.i]), append(q.at, s.i)
	}
	return failAt(start, "Unexpected end of expression to parse, looking for close quote since position %d", start)
}

// char passes one character of a quoted text, or its escape.
func (s *scanner) char() (rune, error) {
	at := s.i
	c := s.chars[s.i]
	s.i++
	if c != '\\' {
		return c, nil
	}
	if s.i >= len(s.chars) {
		return 0, nil // the quote is missing, which is reported
	}
	c = s.chars[s.i]
	s.i++
	switch c {
	case 'n':
		return '\n', nil
	case 't':
		return '\t', nil
	case 'r':
		return '\r', nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case '\\', '"', '\'', '`', '/', '$':
		return c, nil
	case 'u':
		if s.i+4 <= len(s.chars) {
			if n, err := strconv.ParseUint(string(s.chars[s.i:s.i+4]), 16, 16); err == nil {
				s.i += 4
				return rune(n), nil
			}
		}
		return 0, failAt(at, `\u is followed by four hexadecimal digits`)
	}
	return 0, failAt(at, `unknown escape \%c in quotes; a backslash is written \\`, c)
}
