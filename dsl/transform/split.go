package transform

import (
	"strings"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/internal/pattern"
)

const splitForm = "takes [limit N] [keep_delimiters] [literal|regex] DELIMITER"

// split is the operator of that name.
type split struct {
	limit     *word
	keep      bool
	regex     bool
	delimiter word
	compiled  *pattern.Expression // of a delimiter that is no expression
}

func readSplit(s *statement) operator {
	p := &split{}
	for len(s.args) > 1 {
		if len(s.args) > 2 && s.isOption([]string{"limit"}) && p.limit == nil {
			p.limit = &s.args[1]
			s.constantInt(*p.limit, "limit")
			s.args = s.args[2:]
			continue
		}
		set := s.options(1, "keep_delimiters", "literal", "regex")
		if len(set) == 0 {
			break
		}
		s.exclude(set, "literal", "regex")
		p.keep, p.regex = p.keep || set["keep_delimiters"], p.regex || set["regex"]
	}
	if len(s.args) != 1 {
		return s.fail("%s", splitForm)
	}
	p.delimiter = s.args[0]
	if p.regex && !p.delimiter.fill {
		var err error
		if p.compiled, err = pattern.Compile(p.delimiter.text, "", false, s.lim.Regex); err != nil {
			s.failAt(p.delimiter, "%s: %s", p.delimiter.text, err)
			return nil
		}
	}
	return p.run
}

func (p *split) run(c *call, v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, invalid("it takes a text, not %s", kindOf(v))
	}
	most := c.lim.Items + 1
	if p.limit != nil {
		n, err := c.integer(*p.limit, "limit")
		if err != nil {
			return nil, err
		}
		if n < 1 {
			return nil, invalid("limit %d is less than one", n)
		}
		most = min(n, most)
	}
	delimiter, err := c.text(p.delimiter)
	if err != nil {
		return nil, err
	}
	places, err := p.places(c, text, delimiter, most)
	if err != nil {
		return nil, err
	}
	out, last := make([]any, 0, len(places)+1), 0
	for _, m := range places {
		if out = append(out, text[last:m[0]]); p.keep {
			out = append(out, text[m[0]:m[1]])
		}
		last = m[1]
	}
	out = append(out, text[last:])
	return out[:min(len(out), most)], nil
}

// places finds up to n delimiters. Text without characters has none, so that
// there is one part.
func (p *split) places(c *call, text, delimiter string, n int) ([][]int, error) {
	if text == "" {
		return nil, nil
	}
	if !p.regex {
		return literalPlaces(text, delimiter, n), nil
	}
	x := p.compiled
	if x == nil {
		var err error
		if x, err = pattern.Compile(delimiter, "", false, c.lim.Regex); err != nil {
			return nil, err
		}
	}
	if err := c.lim.search(x, text); err != nil {
		return nil, err
	}
	return x.FindAllStringIndex(text, n), nil
}

// literalPlaces finds a text in another. An empty one stands before each
// character and at the end.
func literalPlaces(text, delimiter string, n int) [][]int {
	var out [][]int
	for at := 0; len(out) < n; {
		if delimiter == "" {
			out = append(out, []int{at, at})
			if at == len(text) {
				break
			}
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
			continue
		}
		found := strings.Index(text[at:], delimiter)
		if found < 0 {
			break
		}
		at += found
		out = append(out, []int{at, at + len(delimiter)})
		at += len(delimiter)
	}
	return out
}
