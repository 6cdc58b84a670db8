package transform

import (
	"strconv"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// compiler collects the operators of a pipeline and the problems with them.
type compiler struct {
	ops  []op
	errs yamlpos.Errors
	lim  Limits
}

// statement is an operator while its arguments are read.
type statement struct {
	*compiler
	name word
	args []word
}

// line reads a text with | between operators.
func (c *compiler) line(n *yamlpos.Node) {
	if _, isText := n.Value.(string); n.Kind != yamlpos.Scalar || !isText {
		c.errs.Add(n.Pos, "expected operators, such as trim or to_string, in a text or a list of texts")
		return
	}
	s := &scanner{node: n, text: n.Text, errs: &c.errs}
	for {
		at := s.i
		words := s.words()
		if len(words) == 0 {
			c.errs.Add(s.pos(at), "expected an operator, such as trim or to_string")
		} else {
			c.operator(words)
		}
		if s.i == len(s.text) {
			return
		}
		s.i++
	}
}

func (c *compiler) operator(words []word) {
	name := words[0]
	if name.fill {
		c.errs.Add(name.pos, "an operator is a plain word, not %s", name.text)
		return
	}
	o := op{pos: name.pos, name: name.text}
	if read, known := operators[name.text]; known {
		o.run = read(&statement{c, name, words[1:]})
	} else {
		o.run = custom(name.text, words[1:])
	}
	c.ops = append(c.ops, o)
}

// fail records a problem with the operator.
func (s *statement) fail(format string, args ...any) operator {
	s.errs.Add(s.name.pos, s.name.text+" "+format, args...)
	return nil
}

// failAt records a problem with an argument.
func (s *statement) failAt(w word, format string, args ...any) {
	s.errs.Add(w.pos, s.name.text+" "+format, args...)
}

// options takes words off the front of the arguments as long as they are among
// those given and more than rest arguments are left.
func (s *statement) options(rest int, names ...string) map[string]bool {
	set := map[string]bool{}
	for len(s.args) > rest && s.isOption(names) {
		set[s.args[0].text] = true
		s.args = s.args[1:]
	}
	return set
}

func (s *statement) isOption(names []string) bool {
	if s.args[0].quoted {
		return false
	}
	for _, name := range names {
		if s.args[0].text == name {
			return true
		}
	}
	return false
}

// only checks that all arguments are among the words given.
func (s *statement) only(names ...string) map[string]bool {
	set := s.options(0, names...)
	if len(s.args) > 0 {
		s.failAt(s.args[0], "does not know the word %q%s", s.args[0].text, nearest.Hint(s.args[0].text, names))
	}
	return set
}

// exclude reports words of which only one may stand.
func (s *statement) exclude(set map[string]bool, names ...string) {
	found := ""
	for _, name := range names {
		switch {
		case !set[name]:
		case found != "":
			s.fail("takes %s or %s, not both", found, name)
			return
		default:
			found = name
		}
	}
}

// constantInt checks a number that is written as such.
func (s *statement) constantInt(w word, what string) {
	if w.fill {
		return
	}
	if _, err := strconv.Atoi(w.text); err != nil {
		s.failAt(w, "takes a whole number as %s, not %q", what, w.text)
	}
}

// value computes an argument. What is not an expression is text.
func (c *call) value(w word) (any, error) {
	if !w.fill {
		return w.text, nil
	}
	return c.host.Fill(c, w.text)
}

// text computes an argument that is a scalar.
func (c *call) text(w word) (string, error) {
	v, err := c.value(w)
	if err != nil {
		return "", err
	}
	if !scalar(v) {
		return "", invalid("%s is %s, expected text", w.text, kindOf(v))
	}
	return coerce.Text(v), nil
}

// integer computes an argument that is a whole number.
func (c *call) integer(w word, what string) (int, error) {
	v, err := c.value(w)
	if err != nil {
		return 0, err
	}
	n, err := coerce.To("integer", v)
	if i, ok := n.(int64); ok && err == nil {
		return int(i), nil
	}
	return 0, invalid("%s %s is no whole number", what, shown(v))
}
