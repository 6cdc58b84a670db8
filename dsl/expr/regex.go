package expr

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	patterns "github.com/gowanus-project/gowanus/internal/pattern"
)

// pattern is a regular expression that knows what it costs.
type pattern struct {
	*regexp.Regexp
	size int
}

// maxPattern is the number of states that a regular expression may have.
// Go's own bound would let one take 128 MB and minutes for a text of 64 KB.
const maxPattern = 1000

func compileRegexp(text string) (*pattern, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	size := states(tree)
	if size > maxPattern {
		return nil, fault.New(fault.Limit, "regular expression has more than %d states", maxPattern)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid regular expression: %s", err)
	}
	return &pattern{re, size}, nil
}

// states estimates the size of the automaton, repetitions written out.
func states(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		n = 1 + len(re.Rune)/64
	case syntax.OpConcat, syntax.OpRepeat:
		n = 0
	case syntax.OpCapture:
		n = 2
	}
	for _, sub := range re.Sub {
		n = min(n+states(sub), 2*maxPattern)
	}
	if re.Op == syntax.OpRepeat {
		n = min(n*max(re.Min, re.Max, 1), 2*maxPattern)
	}
	return n
}

// pay accounts for a search in so many bytes. At its worst it visits each
// state for each byte, which nothing can interrupt; the price lets an
// evaluation do so for some two seconds.
func (p *pattern) pay(r *run, bytes int) error { return r.tick(1 + bytes*p.size/128) }

// replaceAll replaces each match as Java does: in the replacement $1 stands
// for a group and \ takes the next character as it is.
func replaceAll(r *run, re *pattern, text, with string) (string, error) {
	if err := re.pay(r, len(text)); err != nil {
		return "", err
	}
	replacement, err := patterns.ParseReplacement(with, re.NumSubexp())
	if err != nil {
		return "", err
	}
	// Most of a search is the places of the groups that it finds.
	if err := r.spend(min(len(text)+1, r.lim.List) * 16 * (1 + re.NumSubexp())); err != nil {
		return "", err
	}
	var b strings.Builder
	end := 0
	found := re.FindAllStringSubmatchIndex(text, r.lim.List+1)
	if len(found) > r.lim.List {
		return "", exceeded("List", r.lim.List, "elements")
	}
	for _, m := range found {
		b.WriteString(text[end:m[0]])
		replacement.Write(&b, text, m)
		if end = m[1]; b.Len() > r.lim.String {
			break
		}
		if err := r.tick(1); err != nil {
			return "", err
		}
	}
	b.WriteString(text[end:])
	return b.String(), r.makeString(b.Len())
}
