package expr

import (
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// source is the text of one expression. Places in it are counted in
// characters from 0, as expr-lang does.
type source struct {
	chars []rune
	node  *yamlpos.Node // the scalar that holds the text; nil when unknown
	shift int           // characters put before the text that the scalar does not have: the word it
	it    string        // what that word stands for, for messages
	outer *source       // the expression whose quoted argument this text is
	at    []int         // the place in outer of each character
}

// pos gives the place of a character in the document.
func (s *source) pos(off int) yamlpos.Pos {
	off = max(0, min(off, len(s.chars)))
	if s.outer != nil {
		switch {
		case off < len(s.at):
			return s.outer.pos(s.at[off])
		case off > 0 && len(s.at) > 0:
			return s.outer.pos(s.at[len(s.at)-1] + 1)
		}
		return s.outer.pos(0)
	}
	return placeIn(s.node, s.chars[min(s.shift, len(s.chars)):], max(0, off-s.shift))
}

// part gives a part of the text as a source of its own.
func (s *source) part(from, to int) *source {
	places := make([]int, to-from)
	for i := range places {
		places[i] = from + i
	}
	return &source{chars: s.chars[from:to], outer: s, at: places}
}

// whole gives the expression for messages, shortened to one line.
func (s *source) whole() string { return s.cut(0, len(s.chars)) }

const shownText = 80 // characters of an expression that a message shows

// cut gives a part of the expression for messages.
func (s *source) cut(from, to int) string {
	from, to = max(0, from), min(to, len(s.chars))
	text := string(s.chars[min(from, to):to])
	if s.shift > 0 && from == 0 {
		text = s.it + strings.TrimPrefix(text, itWord)
	}
	text = strings.Join(strings.Fields(text), " ")
	if chars := []rune(text); len(chars) > shownText {
		return string(chars[:shownText-1]) + "…"
	}
	return text
}

// placeIn gives the place of a character of a scalar's text. A plain scalar
// starts at its node, a quoted one behind its quote, a block in the line below
// its indicator. The node does not tell how far a block is indented, nor what
// was escaped or folded, so behind those the column counts in the text.
func placeIn(n *yamlpos.Node, text []rune, off int) yamlpos.Pos {
	if n == nil || n.Pos.Line == 0 {
		return yamlpos.Pos{}
	}
	pos := n.Pos
	line, col := 0, 0
	for _, c := range text[:min(off, len(text))] {
		if col++; c == '\n' {
			line, col = line+1, 0
		}
	}
	value, _ := n.Value.(string)
	switch block := strings.ContainsRune(value, '\n'); {
	case n.Quoted && block:
		pos.Line, pos.Col = pos.Line+1+line, 1+col
	case n.Quoted:
		pos.Col += 1 + col
	default:
		pos.Col += col
	}
	return pos
}
