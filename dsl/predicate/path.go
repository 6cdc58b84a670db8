package predicate

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// jsonpath compiles a path of the subset of JSONPath that is understood:
// .key ['key'] [n] [*] .* ..key ..* with $. in front implied. A path with *
// or .. gives the list of all that it finds, any other what it names.
func (c *compiler) jsonpath(e yamlpos.Entry) narrowing {
	o := c.word(e)
	if o.dynamic {
		return func(r *run, v any, _ bool) (any, error) {
			text, err := o.value(r)
			if err != nil {
				return nil, err
			}
			p, err := parsePath(coerce.Text(text))
			if err != nil {
				return nil, &yamlpos.Error{Pos: e.Value.Pos, Msg: err.Error()}
			}
			return p.find(r, v)
		}
	}
	p, err := parsePath(o.text)
	if err != nil {
		c.errs.Add(e.Value.Pos, "%s", err)
		return nothing
	}
	return func(r *run, v any, _ bool) (any, error) { return p.find(r, v) }
}

// segment is one part of a path.
type segment struct {
	key  string
	at   int64
	how  byte // 'k' key, 'i' index, '*' all
	deep bool // at any depth
}

type path struct {
	segments []segment
	many     bool // it gives a list
}

// segmentText matches one segment: after dots a name or star, or a bracket
// with a number, a quoted name or a star.
var segmentText = regexp.MustCompile(`^(\.\.|\.)?(?:([^.\[\]*'"()?@\s]+)|(\*)|\[\s*(?:(-?\d+)|'([^']*)'|"([^"]*)"|(\*))\s*\])`)

func parsePath(text string) (*path, error) {
	rest := strings.TrimPrefix(text, "$")
	if rest == text && !strings.HasPrefix(rest, "[") && !strings.HasPrefix(rest, ".") {
		rest = "." + rest
	}
	p := &path{}
	for rest != "" {
		m := segmentText.FindStringSubmatch(rest)
		bracket := m != nil && m[2]+m[3] == ""
		if m == nil || !bracket && m[1] == "" || bracket && m[1] == "." {
			return nil, fmt.Errorf("jsonpath %q: cannot read %q; expected .key, ['key'], [n], [*] or ..key", text, rest)
		}
		s := segment{how: 'k', key: m[2] + m[5] + m[6], deep: m[1] == ".."}
		switch {
		case m[3]+m[7] != "":
			s.how = '*'
		case m[4] != "":
			at, err := strconv.ParseInt(m[4], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("jsonpath %q: index %s is too large", text, m[4])
			}
			s.how, s.at = 'i', at
		}
		p.many = p.many || s.deep || s.how == '*'
		p.segments = append(p.segments, s)
		rest = rest[len(m[0]):]
	}
	return p, nil
}

func (p *path) find(r *run, v any) (any, error) {
	found := []any{v}
	for _, s := range p.segments {
		var next []any
		for _, v := range found {
			if err := s.find(r, v, &next); err != nil {
				return nil, err
			}
		}
		found = next
	}
	switch {
	case p.many:
		return append([]any{}, found...), nil
	case len(found) == 0:
		return Missing{}, nil
	}
	return found[0], nil
}

// find adds what the segment names in v.
func (s segment) find(r *run, v any, out *[]any) error {
	if err := r.pay(1); err != nil {
		return err
	}
	v = r.norm(v)
	list, _ := v.([]any)
	m, _ := v.(map[string]any)
	items := list
	if m != nil {
		items = values(m)
	}
	switch s.how {
	case 'k':
		if item, ok := m[s.key]; ok {
			*out = append(*out, item)
		}
	case 'i':
		if item := item(list, s.at); item != any(Missing{}) {
			*out = append(*out, item)
		}
	case '*':
		*out = append(*out, items...)
	}
	if s.deep {
		for _, item := range items {
			if err := s.find(r, item, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find gives what a JSONPath names in a value; Missing when there is nothing.
// A path with * or .. gives a list of all that it finds.
func Find(path string, v any) (any, error) {
	p, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	lim := Limits{}.filled()
	return p.find(&run{ctx: context.Background(), lim: &lim}, v)
}
