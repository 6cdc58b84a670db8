package predicate

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// expression is a regular expression that knows what it costs.
type expression struct {
	*regexp.Regexp
	states int
}

// pattern compiles regex and glob, which match the whole text.
func (c *compiler) pattern(e yamlpos.Entry) test {
	o := c.word(e)
	compile := func(text string) (*expression, error) {
		if e.Key == "regex" {
			return compileRegex(text, c.lim.Regex)
		}
		translated, err := globRegex(text)
		if err != nil {
			return nil, err
		}
		return compileRegex(translated, c.lim.Regex)
	}
	if o.dynamic {
		// The text is known when it is computed. Where nothing computes it,
		// it is the pattern as it stands.
		return func(r *run, v any) (bool, error) {
			text, err := o.value(r)
			if err != nil {
				return false, err
			}
			x, err := compile(coerce.Text(text))
			if err != nil {
				return false, &yamlpos.Error{Pos: e.Value.Pos, Msg: e.Key + ": " + err.Error()}
			}
			if err := r.pay(x.states); err != nil {
				return false, err
			}
			return x.matches(r, v)
		}
	}
	x, err := compile(o.text)
	if err != nil {
		c.errs.Add(e.Value.Pos, "%s: %s", e.Key, err)
		return never
	}
	return x.matches
}

func (x *expression) matches(r *run, v any) (bool, error) {
	text, ok := textOf(v)
	if !ok {
		return false, nil
	}
	if err := r.pay(1 + len(text)*x.states/1024); err != nil {
		return false, err
	}
	return x.MatchString(text), nil
}

// textOf gives the text of what has one: scalars and errors.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case error:
		return v.Error(), true
	case string, bool, int64, float64, time.Duration, time.Time:
		return coerce.Text(v), true
	}
	return "", false
}

func compileRegex(text string, limit int) (*expression, error) {
	if len(text) > 8*limit {
		return nil, fmt.Errorf("a regular expression of %d bytes; it would have more than %d states (limit Regex)", len(text), limit)
	}
	tree, err := syntax.Parse(text, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	states := size(tree, limit)
	if states > limit {
		return nil, fmt.Errorf("a regular expression of more than %d states (limit Regex)", limit)
	}
	re, err := regexp.Compile(`(?s)\A(?:` + text + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return &expression{re, states}, nil
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

// globRegex translates a glob: * any text, ? one character, [a-z] and [!a-z]
// one of a class, {a,b} either, \ takes the next character as it is.
func globRegex(glob string) (string, error) {
	var b strings.Builder
	braces := false
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteByte('.')
		case c == '[':
			end := strings.IndexByte(glob[i+1:], ']')
			if end < 1 {
				return "", fmt.Errorf("glob %q: \"[\" without a class and its \"]\"", glob)
			}
			class := glob[i+1 : i+1+end]
			negated := class[0] == '!' || class[0] == '^'
			if b.WriteByte('['); negated {
				b.WriteByte('^')
				class = class[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`, `&`, `\&`).Replace(class) + "]")
			i += end + 1
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
		return "", fmt.Errorf("glob %q: \"{\" without \"}\"", glob)
	}
	return b.String(), nil
}
