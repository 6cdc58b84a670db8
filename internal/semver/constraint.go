package semver

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// maxTerms bounds the comparisons of one constraint.
const maxTerms = 32

// Constraint says which versions will do. The zero value takes all releases.
type Constraint struct {
	text string
	any  [][]term // one of these lists, with all its terms
}

// term is a range: at least low, below high.
type term struct {
	low, high Version
	open      bool    // no upper end
	above     bool    // low itself is out
	upTo      bool    // high itself is in
	not       bool    // all but the range
	written   Version // as it stood in the text
}

// operators, each before those that it begins with.
var operators = []string{">=", "<=", "!=", ">", "<", "=", "^", "~"}

// ParseConstraint reads what package managers write: ^1.2 (below the next
// version that may break), ~1.2.3 (below the next minor one), 1.x, 1.2, *,
// >=1.2 <2, with || between alternatives. All terms between two || must hold.
// A pre-release is taken only if a term of its alternative names one of the
// same three numbers. The errors are fault.Invalid and fault.Limit.
func ParseConstraint(text string) (Constraint, error) {
	c := Constraint{text: text}
	if len(text) > maxText {
		return c, fault.New(fault.Limit, "a constraint of %d bytes; at most %d are allowed", len(text), maxText)
	}
	count := 0
	for alternative := range strings.SplitSeq(text, "||") {
		var list []term
		for _, word := range split(alternative) {
			t, err := parseTerm(word)
			if err != nil {
				return c, fault.New(fault.Invalid, "constraint %q: %w", text, err)
			}
			list = append(list, t)
		}
		if count += len(list); count > maxTerms {
			return c, fault.New(fault.Limit, "constraint %q: at most %d terms are allowed", text, maxTerms)
		}
		if len(list) == 0 {
			return c, invalid("constraint", text, "something like ^1.2, ~1.2.3, 1.x, >=1.2 <2 or *")
		}
		c.any = append(c.any, list)
	}
	return c, nil
}

// split gives the terms of an alternative: they stand between spaces or commas,
// and an operator may stand apart from its version.
func split(text string) (words []string) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	for i := 0; i < len(fields); i++ {
		w := fields[i]
		if slices.Contains(operators, w) && i+1 < len(fields) {
			i++
			w += fields[i]
		}
		words = append(words, w)
	}
	return words
}

func parseTerm(word string) (term, error) {
	op := ""
	for _, o := range operators {
		if rest, found := strings.CutPrefix(word, o); found {
			op, word = o, rest
			break
		}
	}
	v, n, err := partial(word)
	if err != nil {
		return term{}, err
	}
	if n < 3 && v.Pre != "" {
		return term{}, invalid("version", word, "three numbers before a pre-release")
	}
	next, bounded := after(v, n)
	t := term{low: v, high: next, open: !bounded, written: v}
	switch op {
	case "^":
		t.high, t.open = breaking(v, n)
	case "~":
		t.high, t.open = after(v, min(n, 2))
		t.open = !t.open
	case ">=":
		t.open = true
	case ">":
		if t.low, t.open = next, true; n == 3 {
			t.low, t.above = v, true
		} else if !bounded {
			return term{}, fault.New(fault.Invalid, "nothing is above *")
		}
	case "<":
		t.low, t.high, t.open = Version{}, v, false
	case "<=":
		t.low = Version{}
		if n == 3 {
			t.high, t.upTo = v, true
		}
	case "!=":
		t.not = true
		t.single(v, n)
	default:
		t.single(v, n)
	}
	return t, nil
}

// single makes a term of three numbers mean this version alone.
func (t *term) single(v Version, n int) {
	if n == 3 {
		t.high, t.upTo = v, true
	}
}

// partial reads a version whose last numbers may be missing, or x or *.
func partial(word string) (Version, int, error) {
	parts := strings.Split(strings.TrimPrefix(word, "v"), ".")
	kept := slices.IndexFunc(parts, func(p string) bool { return p == "x" || p == "X" || p == "*" })
	if kept < 0 {
		return parse(word)
	}
	for _, p := range parts[kept:] {
		if p != "x" && p != "X" && p != "*" || len(parts) > 3 {
			return Version{}, 0, invalid("version", word, "nothing but x after an x, like 1.x")
		}
	}
	if kept == 0 {
		return Version{}, 0, nil
	}
	return parse(strings.Join(parts[:kept], "."))
}

// after gives the first version above those that begin with n numbers of v.
func after(v Version, n int) (next Version, bounded bool) {
	switch n {
	case 0:
		return Version{}, false
	case 1:
		return Version{Major: v.Major + 1}, true
	case 2:
		return Version{Major: v.Major, Minor: v.Minor + 1}, true
	}
	return Version{Major: v.Major, Minor: v.Minor, Patch: v.Patch + 1}, true
}

// breaking gives the first version that may break what works with v: the one
// where the leftmost number that is not 0 changes.
func breaking(v Version, n int) (next Version, open bool) {
	at := 1
	for at < n && (at == 1 && v.Major == 0 || at == 2 && v.Major == 0 && v.Minor == 0) {
		at++
	}
	next, bounded := after(v, min(at, n))
	return next, !bounded
}

// Match tells whether a version will do.
func (c Constraint) Match(v Version) bool {
	if len(c.any) == 0 {
		return v.Pre == ""
	}
	return slices.ContainsFunc(c.any, func(all []term) bool {
		named := v.Pre == ""
		for i := range all {
			if !all[i].match(v) {
				return false
			}
			w := all[i].written
			named = named || w.Pre != "" && w.Major == v.Major && w.Minor == v.Minor && w.Patch == v.Patch
		}
		return named
	})
}

func (t *term) match(v Version) bool {
	low, high := Compare(v, t.low), Compare(v, t.high)
	in := (low > 0 || low == 0 && !t.above) && (t.open || high < 0 || high == 0 && t.upTo)
	return in != t.not
}

// String gives the constraint as it was written.
func (c Constraint) String() string {
	if len(c.any) == 0 {
		return "*"
	}
	return c.text
}
