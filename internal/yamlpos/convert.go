package yamlpos

import (
	"go.yaml.in/yaml/v4"
)

// maxErrors ends the reading of a text in which everything is wrong.
const maxErrors = 50

// converter turns the library's nodes into ours. Sizes and heights are summed
// on the way, so an alias costs one step, however much it repeats.
type converter struct {
	file    string
	limits  Limits
	nodes   int // so far, aliases expanded
	aliases int // of these, added by aliases
	anchors map[*yaml.Node]*anchored
	errs    Errors
	stopped bool
}

// anchored is a node that aliases can name. While it is being read its node
// is nil.
type anchored struct {
	node   *Node
	size   int // nodes in it, itself included, aliases expanded
	height int // levels of lists and maps
}

func (c *converter) document(doc *yaml.Node) *Node {
	if len(doc.Content) == 0 {
		return &Node{Pos: Pos{c.file, max(doc.Line, 1), max(doc.Column, 1)}}
	}
	node, _ := c.value(doc.Content[0], 0)
	return node
}

func (c *converter) pos(n *yaml.Node) Pos {
	return Pos{c.file, max(n.Line, 1), max(n.Column, 1)}
}

func (c *converter) fail(pos Pos, format string, args ...any) {
	if !c.stopped {
		c.errs.Add(pos, format, args...)
		c.stopped = len(c.errs.list) >= maxErrors
	}
}

// stop records the excess of a limit; nothing after it is of interest.
func (c *converter) stop(err *Error) {
	if !c.stopped {
		c.errs.Append(err.Pos, err)
		c.stopped = true
	}
}

// value converts a node that stands inside depth lists and maps, and gives
// its height. After a fatal error it gives Nulls.
func (c *converter) value(n *yaml.Node, depth int) (*Node, int) {
	out := &Node{Pos: c.pos(n)}
	if c.nodes++; c.nodes > c.limits.Nodes {
		c.stop(tooManyNodes(out.Pos, c.limits.Nodes))
	}
	if c.stopped {
		return out, 0
	}
	if n.Kind == yaml.AliasNode {
		return c.alias(n, depth)
	}
	var known *anchored
	before := c.nodes
	if n.Anchor != "" {
		known = &anchored{}
		c.anchors[n] = known
	}
	height := c.fill(out, n, depth)
	if known != nil {
		*known = anchored{out, c.nodes - before + 1, height}
	}
	return out, height
}

func (c *converter) fill(out *Node, n *yaml.Node, depth int) (height int) {
	switch n.Kind {
	case yaml.ScalarNode:
		c.scalar(out, n)
		return 0
	case yaml.SequenceNode, yaml.MappingNode:
		if depth >= c.limits.Depth {
			c.stop(tooDeep(out.Pos, c.limits.Depth))
			return 0
		}
	}
	if n.Kind == yaml.MappingNode {
		c.tag(n, "!!map")
		return 1 + c.mapping(out, n, depth+1)
	}
	c.tag(n, "!!seq")
	out.Kind = List
	out.Items = make([]*Node, 0, len(n.Content))
	for _, item := range n.Content {
		if c.stopped {
			break
		}
		node, h := c.value(item, depth+1)
		out.Items = append(out.Items, node)
		height = max(height, h)
	}
	return 1 + height
}

// alias repeats the node it names, within the limits.
func (c *converter) alias(n *yaml.Node, depth int) (*Node, int) {
	pos := c.pos(n)
	known := c.anchors[n.Alias]
	if known == nil || known.node == nil {
		c.fail(pos, "alias *%s stands inside the value that it names", n.Value)
		return &Node{Pos: pos}, 0
	}
	c.nodes += known.size - 1
	c.aliases += known.size
	switch {
	case c.aliases > c.limits.Aliases:
		c.stop(tooManyAliases(pos, c.limits.Aliases))
	case c.nodes > c.limits.Nodes:
		c.stop(tooManyNodes(pos, c.limits.Nodes))
	case depth+known.height > c.limits.Depth:
		c.stop(tooDeep(pos, c.limits.Depth))
	}
	return known.node, known.height
}

// mapping fills in the entries of a map whose values stand at depth.
func (c *converter) mapping(out *Node, n *yaml.Node, depth int) (height int) {
	out.Kind = Map
	out.Entries = make([]Entry, 0, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2) // index in Entries + 1
	var merges []*Node
	var merge Pos
	for i := 0; i+1 < len(n.Content) && !c.stopped; i += 2 {
		k, pos := n.Content[i], c.pos(n.Content[i])
		value, h := c.value(n.Content[i+1], depth)
		height = max(height, h)
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Tag == "!!merge" {
			if merge.Line != 0 {
				c.fail(pos, "key \"<<\" is already set at %s; give it a list to merge several maps", merge)
			}
			merge, merges = pos, append(merges, value)
			continue
		}
		key, ok := c.key(k)
		if !ok {
			continue
		}
		if first := seen[key]; first > 0 {
			c.fail(pos, "key %q is already set at %s", key, out.Entries[first-1].KeyPos)
			continue
		}
		out.Entries = append(out.Entries, Entry{key, pos, value})
		seen[key] = len(out.Entries)
	}
	for _, m := range merges {
		c.merge(out, m, merge, seen)
	}
	return height
}

// key gives the text of a key.
func (c *converter) key(k *yaml.Node) (string, bool) {
	pos := c.pos(k)
	if c.nodes++; c.nodes > c.limits.Nodes {
		c.stop(tooManyNodes(pos, c.limits.Nodes))
	}
	if k.Kind == yaml.AliasNode {
		k = k.Alias
	} else if k.Anchor != "" && k.Kind == yaml.ScalarNode {
		c.anchors[k] = &anchored{node: &Node{Pos: pos}, size: 1}
		c.scalar(c.anchors[k].node, k)
	}
	switch {
	case k == nil || k.Kind != yaml.ScalarNode:
		c.fail(pos, "a key must be a single value, not a list or a map")
		return "", false
	case k.Value == "" && k.Style&quoted == 0:
		c.fail(pos, "a key is missing before \":\"")
		return "", false
	}
	return k.Value, true
}

// merge takes over those entries of a map, or of a list of maps, that out
// does not have.
func (c *converter) merge(out, from *Node, pos Pos, seen map[string]int) {
	switch {
	case c.stopped, from.Kind == Null:
		return
	case from.Kind == List:
		for _, item := range from.Items {
			if item.Kind != Map {
				c.fail(pos, "merge key \"<<\" needs a map or a list of maps")
				return
			}
			c.merge(out, item, pos, seen)
		}
		return
	case from.Kind != Map:
		c.fail(pos, "merge key \"<<\" needs a map or a list of maps")
		return
	}
	for _, e := range from.Entries {
		if seen[e.Key] == 0 {
			out.Entries = append(out.Entries, e)
			seen[e.Key] = len(out.Entries)
		}
	}
}
