package yamlpos

import "fmt"

// Pos is a place in a source text. Lines and columns count from 1; a zero
// Line means that the place is not known.
type Pos struct {
	File      string
	Line, Col int
}

// String gives file:line:col, leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.File == "":
		return fmt.Sprintf("%d:%d", p.Line, p.Col)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Kind tells what a Node is.
type Kind uint8

const (
	Null   Kind = iota // null, or an empty value
	Scalar             // Value holds a string, bool, int64, float64
	List               // Items
	Map                // Entries, in the order of the text
)

// Node is one value of a document with its place in the text.
type Node struct {
	Pos     Pos
	Kind    Kind
	Value   any     // of a Scalar
	Text    string  // of a Scalar, as it was written but for its quotes: "3.10" where Value is 3.1
	Quoted  bool    // the scalar was quoted or a block, so it is text and nothing else
	Items   []*Node // of a List
	Entries []Entry // of a Map; keys are unique
}

// Entry is one key of a Map with its value.
type Entry struct {
	Key    string
	KeyPos Pos
	Value  *Node
}

// Get gives the value of a key of a Map, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// Any gives the plain value: nil, string, bool, int64, float64, []any or
// map[string]any. The caller owns it.
func (n *Node) Any() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Scalar:
		return n.Value
	case List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = item.Any()
		}
		return out
	case Map:
		out := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			out[e.Key] = e.Value.Any()
		}
		return out
	}
	return nil
}
