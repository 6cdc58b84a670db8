package yamlpos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Parse reads a text that holds one YAML document, as JSON text does. The
// file only names it in positions. An empty text is a Null.
//
// Of YAML 1.1 only octal numbers are understood: "yes" and "on" stay
// strings, and so do timestamps, infinities, and integers that neither int64
// nor float64 holds. Keys are text as it was written. Merge keys are applied. Nodes that aliases
// repeat are shared, so nobody may change what Parse gives.
//
// An error is an *Error, or an *Errors with all problems when there may be
// several.
func Parse(file string, text []byte, limits Limits) (*Node, error) {
	limits = limits.withDefaults()
	if err := precheck(file, text, limits); err != nil {
		return nil, err
	}
	doc, err := compose(file, text, limits)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return &Node{Pos: Pos{file, 1, 1}}, nil
	}
	c := converter{file: file, limits: limits, anchors: map[*yaml.Node]*anchored{}}
	node := c.document(doc)
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return node, nil
}

var errDepth = errors.New("depth")

// compose has the library read the one document, nil when there is none. The
// library panics on what it takes for its own defects; that ends here too.
func compose(file string, text []byte, l Limits) (doc *yaml.Node, fail *Error) {
	line := 1 // where the reading stood, for the defects
	defer func() {
		if r := recover(); r != nil {
			doc, fail = nil, &Error{Pos: Pos{file, line, 1}, Msg: notYAML + libraryText(fmt.Sprint(r))}
		}
	}()
	depth := func(depth int, _ *yaml.DepthContext) error {
		if depth > l.Depth+1 { // the library's levels are not exactly ours; convert counts exactly
			return errDepth
		}
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthFunc(depth), loaderlimits.AliasNone())))
	if err != nil {
		return nil, syntaxError(Pos{file, line, 1}, text, err, l)
	}
	first := new(yaml.Node)
	switch err := loader.Load(first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(Pos{file, line, 1}, text, err, l)
	}
	line = max(first.Line, line)
	var second yaml.Node
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
		return first, nil
	case err != nil:
		return nil, syntaxError(Pos{file, line, 1}, text, err, l)
	}
	return nil, &Error{
		Pos: Pos{file, max(second.Line, line), max(second.Column, 1)},
		Msg: "a second document begins here; expected one document",
	}
}

// syntaxError gives an error of the library its place and our words; pos is
// the best known place.
func syntaxError(pos Pos, text []byte, err error, l Limits) *Error {
	msg := err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		msg = le.Message
		mark, context := le.Mark, le.ContextMark
		if mark.Line == 0 {
			mark = context
		}
		if mark.Line > 0 {
			pos.Line, pos.Col = mark.Line, max(mark.Column, 1)
		}
		if msg == errDepth.Error() {
			return tooDeep(pos, l.Depth)
		}
		if hint := hint(msg, char(text, pos)); hint != "" {
			return &Error{Pos: pos, Msg: hint}
		}
		if le.ContextMsg != "" {
			msg = le.ContextMsg + ": " + msg
			if context.Line > 0 && context.Line != mark.Line {
				msg += fmt.Sprintf(" (it began at line %d)", context.Line)
			}
		}
	}
	return &Error{Pos: pos, Msg: notYAML + libraryText(msg)}
}

// hint says how to repair the mistakes that are made most.
func hint(msg, at string) string {
	switch {
	case msg == "found character that cannot start any token" && at == "\t":
		return "a tab cannot indent; use spaces"
	case msg == "found character that cannot start any token":
		return fmt.Sprintf("a value cannot begin with %q; put it in quotes", at)
	case msg == "mapping values are not allowed in this context":
		return `a map cannot begin here; put text that holds ": " in quotes, or correct the indentation`
	case strings.HasPrefix(msg, "unknown anchor '"):
		return fmt.Sprintf("alias *%s names no anchor", strings.Split(msg, "'")[1])
	}
	return ""
}

// char gives the character at a position, "" when there is none.
func char(text []byte, pos Pos) string {
	for line := 1; line < pos.Line; line++ {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return ""
		}
		text = text[i+1:]
	}
	col := 1
	for _, r := range string(text[:min(len(text), utf8.UTFMax*pos.Col)]) {
		if col == pos.Col {
			return string(r)
		}
		col++
	}
	return ""
}

const notYAML = "the text cannot be read as YAML: "

var libraryPrefix = regexp.MustCompile(`^(?:yaml: |internal error: )+`)

func libraryText(msg string) string {
	return strings.TrimSpace(libraryPrefix.ReplaceAllString(msg, ""))
}
