package scenario

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// reader collects what is wrong with a text.
type reader struct{ errs yamlpos.Errors }

// fields says for each key of a map what to do with its value.
type fields map[string]func(*yamlpos.Node)

// fields reads a map and gives the keys that it has.
func (r *reader) fields(n *yamlpos.Node, what string, known fields) map[string]bool {
	given := map[string]bool{}
	if n == nil || n.Kind != yamlpos.Map {
		r.errs.Add(posOf(n), "%s: expected a map, got %s", what, kindOf(n))
		return given
	}
	for _, e := range n.Entries {
		read, ok := known[e.Key]
		if !ok {
			words := slices.Sorted(maps.Keys(known))
			hint := nearest.Hint(e.Key, words)
			if hint == "" {
				hint = "; expected " + strings.Join(words, ", ")
			}
			r.errs.Add(e.KeyPos, "unknown key %q in %s%s", e.Key, what, hint)
			continue
		}
		given[e.Key] = true
		read(e.Value)
	}
	return given
}

func posOf(n *yamlpos.Node) yamlpos.Pos {
	if n == nil {
		return yamlpos.Pos{}
	}
	return n.Pos
}

func kindOf(n *yamlpos.Node) string {
	switch {
	case n == nil || n.Kind == yamlpos.Null:
		return "nothing"
	case n.Kind == yamlpos.List:
		return "a list"
	case n.Kind == yamlpos.Map:
		return "a map"
	}
	switch n.Value.(type) {
	case string:
		return "the text " + quote(n.Text)
	case bool:
		return n.Text
	}
	return "the number " + n.Text
}

func quote(text string) string { return `"` + text + `"` }

func (r *reader) text(n *yamlpos.Node, what string) string {
	if n.Kind != yamlpos.Scalar || n.Text == "" {
		r.errs.Add(n.Pos, "%s: expected a text, got %s", what, kindOf(n))
		return ""
	}
	return n.Text
}

// anyText is text that may be empty.
func (r *reader) anyText(n *yamlpos.Node, what string) string {
	if n.Kind == yamlpos.Scalar && n.Text == "" {
		return ""
	}
	return r.text(n, what)
}

func (r *reader) boolean(n *yamlpos.Node, what string) bool {
	b, is := n.Value.(bool)
	if !is {
		r.errs.Add(n.Pos, "%s: expected true or false, got %s", what, kindOf(n))
	}
	return b
}

func (r *reader) integer(n *yamlpos.Node, what string) int64 {
	i, is := n.Value.(int64)
	if !is {
		r.errs.Add(n.Pos, "%s: expected an integer, got %s", what, kindOf(n))
	}
	return i
}

func (r *reader) time(n *yamlpos.Node, what string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.text(n, what))
	if err != nil && n.Text != "" {
		r.errs.Add(n.Pos, "%s: expected a time like 2026-01-01T00:00:00Z, got %q", what, n.Text)
	}
	return t.UTC()
}

func (r *reader) duration(n *yamlpos.Node, what string) time.Duration {
	d, err := coerce.Duration(n.Any())
	switch {
	case err != nil:
		r.errs.Add(n.Pos, "%s: %s", what, err)
	case d < 0:
		r.errs.Add(n.Pos, "%s: expected a duration, got %s", what, n.Text)
	}
	return max(d, 0)
}

// list gives the items of a list; nothing is an empty one.
func (r *reader) list(n *yamlpos.Node, what string) []*yamlpos.Node {
	if n != nil && n.Kind != yamlpos.List && n.Kind != yamlpos.Null {
		r.errs.Add(n.Pos, "%s: expected a list, got %s", what, kindOf(n))
		return nil
	}
	if n == nil {
		return nil
	}
	return n.Items
}

// mapping gives the plain value of a map; nothing is an empty one.
func (r *reader) mapping(n *yamlpos.Node, what string) map[string]any {
	if n.Kind != yamlpos.Map && n.Kind != yamlpos.Null {
		r.errs.Add(n.Pos, "%s: expected a map, got %s", what, kindOf(n))
	}
	m, _ := n.Any().(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	return m
}

// oneOf gives a text that must be one of several.
func (r *reader) oneOf(n *yamlpos.Node, what string, words ...string) string {
	text := r.text(n, what)
	if text != "" && !slices.Contains(words, text) {
		r.errs.Add(n.Pos, "%s: expected %s, got %q%s", what, strings.Join(words, ", "), text, nearest.Hint(text, words))
	}
	return text
}
