package expr

import (
	"errors"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// parsed is an expression as expr-lang parsed it. Its texts are still blank.
type parsed struct {
	src    *source
	chars  []rune // as expr-lang saw them
	quoted map[int]quoted
	tree   ast.Node
}

// parse reads one expression, which may hold ${…} if braces is set.
func parse(src *source, lim Limits, braces bool) (*parsed, error) {
	s, err := scan(src.chars, lim.Depth, braces)
	if err != nil {
		return nil, err
	}
	config := &conf.Config{MaxNodes: uint(lim.Nodes), Disabled: impure}
	p := &parsed{src: src, chars: s.out, quoted: s.quoted}
	tree, err := parser.ParseWithConfig(string(s.out), config)
	if err != nil {
		return nil, p.explain(err, lim)
	}
	p.tree = tree.Node
	return p, nil
}

// impure are the functions of expr-lang that look at a clock or read files,
// and one whose values are none of blueprints.
var impure = map[string]bool{"now": true, "date": true, "timezone": true, "duration": true}

// explain gives an error of expr-lang's parser in the words of Brooklyn.
func (p *parsed) explain(err error, lim Limits) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return failAt(0, "%s", err)
	}
	off, msg := e.From, e.Message
	switch {
	case strings.Contains(msg, "exceeds maximum allowed nodes"):
		return failAt(off, "limit Nodes of %d syntax nodes exceeded", lim.Nodes)
	case strings.HasPrefix(msg, "unexpected token EOF"), msg == "unexpected end of expression":
		return failAt(len(p.chars), "Unexpected end of expression to parse, looking for content since position %d", len(p.chars))
	case strings.HasPrefix(msg, "unexpected token"), strings.HasPrefix(msg, "unrecognized character"):
		if p.wantsComma(off) {
			return failAt(off, "Expected , before position %d", off)
		}
		return failAt(off, "Unexpected character at position %d: %s", off, p.src.cut(off, p.tokenEnd(off)))
	}
	return failAt(off, "%s", msg)
}

func (p *parsed) tokenEnd(off int) int {
	end := off
	for end < len(p.chars) && wordChar(p.chars[end]) {
		end++
	}
	return max(end, off+1)
}

// wantsComma tells whether two arguments follow each other at a place.
func (p *parsed) wantsComma(off int) bool {
	if off >= len(p.chars) || !wordChar(p.chars[off]) && p.chars[off] != '"' {
		return false
	}
	before := off - 1
	for before >= 0 && unicode.IsSpace(p.chars[before]) {
		before--
	}
	if before < 0 || !wordChar(p.chars[before]) && !strings.ContainsRune(`")]}`, p.chars[before]) {
		return false
	}
	for depth, i := 0, before; i >= 0; i-- {
		switch p.chars[i] {
		case ')', ']', '}':
			depth++
		case '[', '{', '(':
			if depth--; depth < 0 {
				return p.chars[i] == '(' && i > 0 && wordChar(p.chars[i-1])
			}
		}
	}
	return false
}

// extent gives the part of the text that a node covers, for messages: from
// its first word to the bracket that closes it.
func (p *parsed) extent(n ast.Node) (from, to int) {
	from, to = leftmost(n), n.Location().From
	for to < len(p.chars) && (wordChar(p.chars[to]) || p.chars[to] == ' ' && to == n.Location().From) {
		to++
	}
	next := to
	for next < len(p.chars) && unicode.IsSpace(p.chars[next]) {
		next++
	}
	if next < len(p.chars) && (p.chars[next] == '(' || p.chars[next] == '[') {
		for depth, i := 0, next; i < len(p.chars); i++ {
			switch p.chars[i] {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				if depth--; depth == 0 {
					return from, i + 1
				}
			}
		}
	}
	return from, to
}

func leftmost(n ast.Node) int {
	switch n := n.(type) {
	case *ast.CallNode:
		if m, ok := n.Callee.(*ast.MemberNode); ok {
			return leftmost(m)
		}
	case *ast.MemberNode:
		return leftmost(n.Node)
	case *ast.ChainNode:
		return leftmost(n.Node)
	case *ast.SliceNode:
		return leftmost(n.Node)
	}
	return n.Location().From
}
