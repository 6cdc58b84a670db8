package constraint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

var (
	words = []string{"required", "notNull", "isBlank"}
	// crossKeys take the names of other keys, and own are the other keys
	// that are not those of predicates.
	crossKeys = []string{"requiredIf", "requiredUnless", "forbiddenIf", "forbiddenUnless", "requiredUnlessAnyOf", "forbiddenUnlessAnyOf"}
	own       = []string{"or", "and", "urlExists"}
)

type compiler struct{ errs yamlpos.Errors }

func pass(*subject) outcome { return outcome{} }

// rule compiles one constraint.
func (c *compiler) rule(n *yamlpos.Node) rule {
	if at := expression(n); at != nil {
		c.errs.Add(at.Pos, "an expression cannot stand in a constraint; write a predicate, such as \"regex: ...\"")
		return pass
	}
	switch n.Kind {
	case yamlpos.Scalar:
		return c.word(n)
	case yamlpos.Map:
		if len(n.Entries) == 1 {
			return c.single(n)
		}
		for _, e := range n.Entries {
			if slices.Contains(crossKeys, e.Key) || slices.Contains(own, e.Key) {
				c.errs.Add(e.KeyPos, "%s stands alone; write each constraint as an item of the list", e.Key)
				return pass
			}
		}
		return c.predicate(n)
	}
	c.errs.Add(n.Pos, "expected a constraint: a word such as required, or a map such as \"regex: ...\"")
	return pass
}

func (c *compiler) word(n *yamlpos.Node) rule {
	switch n.Text {
	case "required":
		return required
	case "notNull":
		return notNull
	case "isBlank":
		return isBlank
	case "urlExists":
		c.urlExists(n.Pos)
		return pass
	case "regex", "glob", "any", "all":
		c.errs.Add(n.Pos, "constraint %s needs an argument: \"%s: ...\"", n.Text, n.Text)
		return pass
	}
	if slices.Contains(crossKeys, n.Text) || slices.Contains(own, n.Text) {
		c.errs.Add(n.Pos, "constraint %s needs an argument: \"%s: ...\"", n.Text, n.Text)
		return pass
	}
	hint := nearest.Hint(n.Text, words)
	if hint == "" {
		hint = "; expected " + strings.Join(words, ", ") + " or a map such as \"regex: ...\""
	}
	c.errs.Add(n.Pos, "unknown constraint %q%s", n.Text, hint)
	return pass
}

func (c *compiler) urlExists(pos yamlpos.Pos) {
	c.errs.Add(pos, "constraint urlExists is not supported: addresses are not contacted to check a blueprint; use \"regex: https?://.+\" for the form of one")
}

// single compiles a map of one key.
func (c *compiler) single(n *yamlpos.Node) rule {
	e := n.Entries[0]
	switch e.Key {
	case "any", "or":
		return anyOf(c.rules(e))
	case "all", "and":
		return all(c.rules(e))
	case "urlExists":
		c.urlExists(e.KeyPos)
		return pass
	}
	if slices.Contains(words, e.Key) {
		c.errs.Add(e.KeyPos, "constraint %s takes no argument", e.Key)
		return pass
	}
	if slices.Contains(crossKeys, e.Key) {
		return c.cross(e)
	}
	return c.predicate(n)
}

func (c *compiler) rules(e yamlpos.Entry) []rule {
	if e.Value.Kind != yamlpos.List || len(e.Value.Items) == 0 {
		c.errs.Add(e.Value.Pos, "%s: expected a list of constraints", e.Key)
	}
	out := make([]rule, len(e.Value.Items))
	for i, item := range e.Value.Items {
		out[i] = c.rule(item)
	}
	return out
}

// cross compiles a constraint that names other keys.
func (c *compiler) cross(e yamlpos.Entry) rule {
	items := []*yamlpos.Node{e.Value}
	several := strings.HasSuffix(e.Key, "AnyOf")
	if several && e.Value.Kind == yamlpos.List && len(e.Value.Items) > 0 {
		items = e.Value.Items
	}
	var others []string
	for _, item := range items {
		if item.Kind != yamlpos.Scalar || item.Text == "" {
			what := "the name of a config key"
			if several {
				what = "a list of names of config keys"
			}
			c.errs.Add(item.Pos, "%s: expected %s", e.Key, what)
			return pass
		}
		others = append(others, item.Text)
	}
	names := strings.Join(others, ", ")
	if len(others) > 1 {
		names = "one of " + names
	}
	forbidden, unless := strings.HasPrefix(e.Key, "forbidden"), strings.Contains(e.Key, "Unless")
	reason := "a value is required"
	if forbidden {
		reason = "it must not be set"
	}
	if unless {
		reason += " unless " + names + " is set"
	} else {
		reason += " because " + names + " is set"
	}
	return crossing(others, forbidden, !unless, reason)
}

// predicate compiles what is none of the other constraints.
func (c *compiler) predicate(n *yamlpos.Node) rule {
	p, err := predicate.Compile(n, predicate.Limits{})
	if err != nil {
		if len(n.Entries) == 1 {
			e := n.Entries[0]
			if hint := nearest.Hint(e.Key, words, crossKeys, own); hint != "" && strings.Contains(err.Error(), "unknown key "+strconv.Quote(e.Key)) {
				c.errs.Add(e.KeyPos, "unknown constraint %q%s", e.Key, hint)
				return pass
			}
		}
		c.errs.Append(n.Pos, err)
		return pass
	}
	reason := "does not satisfy " + coerce.Text(n.Any())
	if len(n.Entries) == 1 && (n.Entries[0].Key == "regex" || n.Entries[0].Key == "glob") {
		reason = "does not match " + n.Entries[0].Key + " " + strconv.Quote(n.Entries[0].Value.Text)
	}
	return matching(p, reason)
}

// expression finds a $brooklyn: expression in a constraint.
func expression(n *yamlpos.Node) *yamlpos.Node {
	if text, ok := n.Value.(string); ok && expr.IsExpr(text) {
		return n
	}
	for _, item := range n.Items {
		if at := expression(item); at != nil {
			return at
		}
	}
	for _, e := range n.Entries {
		if expr.IsExpr(e.Key) {
			return n
		}
		if at := expression(e.Value); at != nil {
			return at
		}
	}
	return nil
}
