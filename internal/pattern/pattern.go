// Package pattern reads what blueprints write to find text: regular
// expressions whose cost is known, globs, and the replacements of Java.
package pattern

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Expression is a regular expression that knows what it costs: a search takes
// at most about as many steps as the text has bytes, times States.
type Expression struct {
	*regexp.Regexp
	States int
}

// Compile reads a regular expression of at most limit states; flags are put in
// front of it, as in "s" for a dot that matches the ends of lines too. With
// whole it matches nothing but a text as a whole. The errors are Invalid, or
// Limit naming the limit Regex.
func Compile(text, flags string, whole bool, limit int) (*Expression, error) {
	if len(text) > 8*limit {
		return nil, fault.New(fault.Limit, "a regular expression of %d bytes; it would have more than %d states (limit Regex)", len(text), limit)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, invalid(err)
	}
	states := size(tree, limit)
	if states > limit {
		return nil, fault.New(fault.Limit, "a regular expression of more than %d states (limit Regex)", limit)
	}
	if whole {
		text = `\A(?:` + text + `)\z`
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, invalid(err)
	}
	return &Expression{re, states}, nil
}

func invalid(err error) error {
	return fault.New(fault.Invalid, "invalid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
}

// size estimates the states of a regular expression, repetitions written out,
// and stops counting beyond the limit.
func size(re *syntax.Regexp, limit int) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n = min(n+size(sub, limit), limit+1)
	}
	if re.Op == syntax.OpRepeat {
		n = min(n*max(re.Min, re.Max, 1), limit+1)
	}
	return n
}

// Glob translates a glob into a regular expression: * any text, ? one
// character, [a-z] and [!a-z] one of a class, {a,b} either, \ takes the next
// character as it is. When lazy, * takes as little as it can.
func Glob(glob string, lazy bool) (string, error) {
	var b strings.Builder
	braces := false
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			if b.WriteString(".*"); lazy {
				b.WriteByte('?')
			}
		case c == '?':
			b.WriteByte('.')
		case c == '[':
			n, err := class(&b, glob, i)
			if err != nil {
				return "", err
			}
			i += n
		case c == '{' && !braces:
			braces = true
			b.WriteString("(?:")
		case c == ',' && braces:
			b.WriteByte('|')
		case c == '}' && braces:
			braces = false
			b.WriteByte(')')
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	if braces {
		return "", fault.New(fault.Invalid, "glob %q: \"{\" without \"}\"", glob)
	}
	return b.String(), nil
}

// class translates the class that begins at i, and gives what follows its [.
func class(b *strings.Builder, glob string, i int) (int, error) {
	end := strings.IndexByte(glob[i+1:], ']')
	if end < 1 {
		return 0, fault.New(fault.Invalid, "glob %q: \"[\" without a class and its \"]\"", glob)
	}
	chars := glob[i+1 : i+1+end]
	b.WriteByte('[')
	if chars[0] == '!' || chars[0] == '^' {
		b.WriteByte('^')
		chars = chars[1:]
	}
	b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`, `&`, `\&`).Replace(chars) + "]")
	return end + 1, nil
}
