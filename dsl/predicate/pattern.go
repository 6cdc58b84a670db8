package predicate

import (
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/pattern"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// pattern compiles regex and glob, which match the whole text.
func (c *compiler) pattern(e yamlpos.Entry) test {
	o := c.word(e)
	compile := func(text string) (*pattern.Expression, error) {
		if e.Key != "regex" {
			var err error
			if text, err = pattern.Glob(text, false); err != nil {
				return nil, err
			}
		}
		return pattern.Compile(text, "s", true, c.lim.Regex)
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
			if err := r.pay(x.States); err != nil {
				return false, err
			}
			return matches(x, r, v)
		}
	}
	x, err := compile(o.text)
	if err != nil {
		c.errs.Add(e.Value.Pos, "%s: %s", e.Key, err)
		return never
	}
	return func(r *run, v any) (bool, error) { return matches(x, r, v) }
}

func matches(x *pattern.Expression, r *run, v any) (bool, error) {
	text, ok := textOf(v)
	if !ok {
		return false, nil
	}
	if err := r.pay(1 + len(text)*x.States/1024); err != nil {
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
