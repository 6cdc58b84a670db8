package predicate

import (
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// keys are all the words of the language.
var keys = []string{
	"target",
	"config", "sensor", "key", "index", "jsonpath", "filter", "error-field",
	"equals", "regex", "glob", "less-than", "less-than-or-equal-to", "greater-than", "greater-than-or-equal-to", "in-range",
	"size", "has-element", "tag", "error-cause", "when", "java-instance-of", "not", "any", "all", "check", "assert",
}

type compiler struct {
	lim     Limits
	errs    yamlpos.Errors
	nodes   int
	absence bool
}

// never stands in for what has an error.
func never(*run, any) (bool, error) { return false, nil }

// predicate compiles a whole predicate.
func (c *compiler) predicate(n *yamlpos.Node, depth int) test {
	if n == nil {
		n = &yamlpos.Node{}
	}
	if c.nodes++; c.nodes > c.lim.Nodes {
		if c.nodes == c.lim.Nodes+1 {
			c.errs.Add(n.Pos, "a predicate of more than %d predicates (limit Nodes)", c.lim.Nodes)
		}
		return never
	}
	if depth >= c.lim.Depth {
		c.errs.Add(n.Pos, "predicates are nested more than %d deep (limit Depth)", c.lim.Depth)
		return never
	}
	switch n.Kind {
	case yamlpos.Null:
		c.errs.Add(n.Pos, "an empty predicate; expected a value to equal, or keys such as equals, regex or when")
		return never
	case yamlpos.List:
		c.errs.Add(n.Pos, "a list is no predicate; write \"equals: [...]\" to compare with it, or \"any: [...]\" to try each")
		return never
	case yamlpos.Scalar:
		return equals(c.operand(n), true)
	}
	if len(n.Entries) == 1 && strings.HasPrefix(n.Entries[0].Key, expr.Prefix) {
		if n.Entries[0].Key == expr.Prefix+"object" {
			c.errs.Add(n.Pos, "$brooklyn:object cannot make a predicate here; write the predicate itself, such as \"regex: ...\"")
			return never
		}
		return equals(c.operand(n), true)
	}
	return c.level(n, depth)
}

// level is one map of a predicate.
type level struct {
	pos    yamlpos.Pos
	target *target
	narrow narrowing
	checks []test
}

func (c *compiler) level(n *yamlpos.Node, depth int) test {
	l := &level{pos: n.Pos}
	narrowedBy := ""
	for _, e := range n.Entries {
		if e.Key == "target" {
			l.target = c.target(e.Value)
			continue
		}
		if narrow := c.narrowing(e, depth); narrow != nil {
			if narrowedBy != "" {
				c.errs.Add(e.KeyPos, "both %s and %s narrow the value; only one may, put the other inside \"check\"", narrowedBy, e.Key)
			}
			narrowedBy, l.narrow = e.Key, narrow
			continue
		}
		if check := c.check(e, depth); check != nil {
			l.checks = append(l.checks, check)
			continue
		}
		c.errs.Add(e.KeyPos, "unknown key %q of a predicate%s", e.Key, nearest.Hint(e.Key, keys))
		l.checks = append(l.checks, never)
	}
	if len(l.checks) == 0 {
		if l.target == nil && l.narrow == nil {
			c.errs.Add(n.Pos, "a predicate with nothing to check; expected keys such as equals, regex or when")
		}
		l.checks = []test{presentNonNull}
	}
	return l.test
}

func (l *level) test(r *run, v any) (bool, error) {
	if err := r.pay(1); err != nil {
		return false, err
	}
	if l.target == nil {
		return l.rest(r, v)
	}
	v, each, err := l.target.value(r, v)
	if err != nil {
		return false, err
	}
	if !each {
		return l.rest(r, v)
	}
	list, _ := v.([]any)
	return anyOf(r, list, l.rest)
}

// rest narrows the value and makes the checks.
func (l *level) rest(r *run, v any) (bool, error) {
	v = r.norm(v)
	if l.narrow != nil {
		narrowed, err := l.narrow(r, v, l.target != nil)
		if err != nil {
			return false, err
		}
		v = r.norm(narrowed)
	}
	for _, check := range l.checks {
		if ok, err := check(r, v); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// anyOf tells whether a test holds for an item of a list.
func anyOf(r *run, list []any, t test) (bool, error) {
	for _, item := range list {
		if err := r.pay(1); err != nil {
			return false, err
		}
		if ok, err := t(r, item); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// operand is a value of the predicate's text.
type operand struct {
	raw     any
	text    string // of a scalar, as it was written
	scalar  bool
	dynamic bool // it holds expressions
}

func (c *compiler) operand(n *yamlpos.Node) *operand {
	o := &operand{raw: n.Any(), text: n.Text, scalar: n.Kind == yamlpos.Scalar}
	o.dynamic = dynamic(o.raw)
	if o.dynamic {
		// For the errors in $brooklyn: expressions; Env computes them.
		if _, err := expr.Compile(n, expr.Limits{}); err != nil {
			c.errs.Append(n.Pos, err)
		}
	}
	return o
}

func dynamic(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, expr.Prefix) || strings.Contains(v, "${")
	case []any:
		for _, item := range v {
			if dynamic(item) {
				return true
			}
		}
	case map[string]any:
		for key, item := range v {
			if dynamic(key) || dynamic(item) {
				return true
			}
		}
	}
	return false
}

// value gives the operand, expressions computed.
func (o *operand) value(r *run) (any, error) {
	if !o.dynamic || r.env == nil {
		return o.raw, nil
	}
	v, err := r.env.Evaluate(r.ctx, o.raw)
	return r.norm(v), err
}

// word is an operand that must be text, such as the name of a key.
func (c *compiler) word(e yamlpos.Entry) *operand {
	if e.Value.Kind != yamlpos.Scalar || e.Value.Text == "" {
		c.errs.Add(e.Value.Pos, "%s: expected text", e.Key)
	}
	o := c.operand(e.Value)
	if !o.dynamic {
		o.raw = o.text
	}
	return o
}
