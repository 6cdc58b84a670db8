package transform

import (
	"strings"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/pattern"
)

// trim takes the white space around a text away. Of a list or map it trims each
// text, and drops null and what is blank.
func trim(_ *call, v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			if item = trimmed(item); item != nil && item != any("") {
				out = append(out, item)
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if item = trimmed(item); item != nil && item != any("") {
				out[key] = item
			}
		}
		return out, nil
	}
	return trimmed(v), nil
}

func trimmed(v any) any {
	if text, ok := v.(string); ok {
		return strings.TrimSpace(text)
	}
	return v
}

func toString(_ *call, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if e, ok := v.(named); ok {
		return e.EntityID(), nil
	}
	return coerce.Text(v), nil
}

func cased(change func(string) string) operator {
	return func(_ *call, v any) (any, error) {
		if !scalar(v) {
			return nil, invalid("it takes a text, not %s", kindOf(v))
		}
		return change(coerce.Text(v)), nil
	}
}

const replaceForm = "takes [all] [regex|glob|literal] PATTERN REPLACEMENT"

func readReplace(s *statement) operator {
	set := s.options(2, "all", "regex", "glob", "literal")
	s.exclude(set, "regex", "glob", "literal")
	if len(s.args) != 2 {
		return s.fail("%s", replaceForm)
	}
	r := &replace{all: set["all"], glob: set["glob"], literal: !set["glob"] && !set["regex"], pattern: s.args[0], with: s.args[1]}
	if !r.literal && !r.pattern.fill {
		x, err := r.compile(r.pattern.text, &s.lim)
		if err == nil && !r.with.fill {
			_, err = pattern.ParseReplacement(r.with.text, x.NumSubexp())
		}
		if err != nil {
			s.failAt(r.pattern, "%s: %s", r.pattern.text, err)
			return nil
		}
		r.compiled = x
	}
	return r.run
}

// replace is the operator of that name.
type replace struct {
	all, glob, literal bool
	pattern, with      word
	compiled           *pattern.Expression // of a pattern that is no expression
}

func (r *replace) compile(text string, lim *Limits) (*pattern.Expression, error) {
	if r.glob {
		var err error
		if text, err = pattern.Glob(text, r.all); err != nil {
			return nil, err
		}
	}
	return pattern.Compile(text, "", false, lim.Regex)
}

func (r *replace) run(c *call, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !scalar(v) {
		return nil, invalid("it takes a text, not %s", kindOf(v))
	}
	find, err := c.text(r.pattern)
	if err != nil {
		return nil, err
	}
	with, err := c.text(r.with)
	if err != nil {
		return nil, err
	}
	text := coerce.Text(v)
	if r.literal {
		return r.literally(text, find, with, c.lim)
	}
	x := r.compiled
	if x == nil {
		if x, err = r.compile(find, c.lim); err != nil {
			return nil, err
		}
	}
	replacement, err := pattern.ParseReplacement(with, x.NumSubexp())
	if err != nil {
		return nil, err
	}
	matches, err := r.matches(x, text, c.lim)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	last := 0
	for _, m := range matches {
		b.WriteString(text[last:m[0]])
		replacement.Write(&b, text, m)
		if last = m[1]; b.Len() > c.lim.Text {
			return nil, exceeded("Text", c.lim.Text, "bytes")
		}
	}
	return b.String() + text[last:], nil
}

// matches finds what is to be replaced.
func (r *replace) matches(x *pattern.Expression, text string, lim *Limits) ([][]int, error) {
	if err := lim.search(x, text); err != nil {
		return nil, err
	}
	n := 1
	if r.all {
		n = lim.Items + 1
	}
	found := x.FindAllStringSubmatchIndex(text, n)
	if len(found) > lim.Items {
		return nil, exceeded("Items", lim.Items, "matches")
	}
	return found, nil
}

func (r *replace) literally(text, find, with string, lim *Limits) (any, error) {
	n := 1
	if r.all {
		n = strings.Count(text, find)
	}
	if n > 0 && len(with) > lim.Text/n {
		return nil, exceeded("Text", lim.Text, "bytes")
	}
	return strings.Replace(text, find, with, n), nil
}

// search tells whether a text may be searched.
func (l *Limits) search(x *pattern.Expression, text string) error {
	if len(text) > l.Work/max(x.States, 1) {
		return exceeded("Work", l.Work, "steps of a search")
	}
	return nil
}

// readJoinOne reads prepend and append.
func readJoinOne(front bool) func(s *statement) operator {
	return func(s *statement) operator {
		arg, ok := s.one("what to add")
		if !ok {
			return nil
		}
		return func(c *call, v any) (any, error) {
			more, err := c.value(arg)
			if err != nil {
				return nil, err
			}
			return joinOne(v, more, front)
		}
	}
}

func joinOne(v, more any, front bool) (any, error) {
	if list, ok := v.([]any); ok {
		out := make([]any, 0, len(list)+1)
		if front {
			return append(append(out, more), list...), nil
		}
		return append(append(out, list...), more), nil
	}
	switch {
	case !scalar(v):
		return nil, invalid("it takes a list or a text, not %s", kindOf(v))
	case !scalar(more):
		return nil, invalid("what is added to a text is a text, not %s", kindOf(more))
	case front:
		return coerce.Text(more) + coerce.Text(v), nil
	}
	return coerce.Text(v) + coerce.Text(more), nil
}

func readJoin(s *statement) operator {
	if len(s.args) > 1 {
		return s.fail("takes one separator at most, not %d arguments", len(s.args))
	}
	args := s.args
	return func(c *call, v any) (any, error) {
		separator := ""
		for _, arg := range args {
			var err error
			if separator, err = c.text(arg); err != nil {
				return nil, err
			}
		}
		list, ok := v.([]any)
		if !ok {
			return nil, invalid("it takes a list, not %s", kindOf(v))
		}
		var b strings.Builder
		for i, item := range list {
			if !scalar(item) {
				return nil, invalid("item %d of the list is %s, expected text", i, kindOf(item))
			}
			if i > 0 {
				b.WriteString(separator)
			}
			if b.WriteString(coerce.Text(item)); b.Len() > c.lim.Text {
				return nil, exceeded("Text", c.lim.Text, "bytes")
			}
		}
		return b.String(), nil
	}
}
