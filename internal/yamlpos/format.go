package yamlpos

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Format writes a node as YAML in block style, so that Parse reads the same
// value from it. Numbers keep the text in which they were written; otherwise
// there is one way to write each value. A nil node is null.
func Format(n *Node) string {
	var b strings.Builder
	if isBlock(n) {
		block(&b, n, "")
	} else {
		b.WriteString(inline(n) + "\n")
	}
	return b.String()
}

func isBlock(n *Node) bool { return n != nil && len(n.Items)+len(n.Entries) > 0 }

// block writes the lines of a list or map. The first goes where the writing
// stands, the others begin with indent.
func block(b *strings.Builder, n *Node, indent string) {
	next := func(i int) {
		if i > 0 {
			b.WriteString(indent)
		}
	}
	for i, item := range n.Items {
		next(i)
		if b.WriteString("- "); isBlock(item) {
			block(b, item, indent+"  ")
		} else {
			b.WriteString(inline(item) + "\n")
		}
	}
	for i, e := range n.Entries {
		next(i)
		b.WriteString(quote(e.Key) + ":")
		if !isBlock(e.Value) {
			b.WriteString(" " + inline(e.Value) + "\n")
			continue
		}
		inner := indent
		if e.Value.Kind == Map {
			inner += "  " // lists stand right below their key
		}
		b.WriteString("\n" + inner)
		block(b, e.Value, inner)
	}
}

// inline writes a value that needs no lines of its own.
func inline(n *Node) string {
	switch {
	case n == nil || n.Kind == Null:
		return "null"
	case n.Kind == List:
		return "[]"
	case n.Kind == Map:
		return "{}"
	}
	switch v := n.Value.(type) {
	case string:
		return quote(v)
	case bool:
		return strconv.FormatBool(v)
	}
	if number(n.Text) == n.Value {
		return n.Text
	}
	text := fmt.Sprint(n.Value)
	if f, ok := n.Value.(float64); ok && f == math.Trunc(f) && !strings.Contains(text, "e") {
		text += ".0"
	}
	return text
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./:+@-]*$`)
	otherWord = regexp.MustCompile(`(?i)^(?:true|false|null|yes|no|on|off|y|n)$`)
)

// quote writes text plainly where every reader of YAML takes it for text, in
// double quotes where one may take it for a number or the like, else in the
// quotes that need the fewest escapes.
func quote(s string) string {
	switch {
	case otherWord.MatchString(s) || number(s) != any(s):
		return `"` + s + `"`
	case plainWord.MatchString(s) && !strings.HasSuffix(s, ":"):
		return s
	case strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return strconv.QuoteToASCII(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
