package yamlpos

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// tag checks the tag of a list or map.
func (c *converter) tag(n *yaml.Node, want string) {
	if n.Style&yaml.TaggedStyle == 0 || n.Tag == want {
		return
	}
	c.badTag(n)
}

func (c *converter) badTag(n *yaml.Node) {
	switch n.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		c.fail(c.pos(n), "tag %s does not fit this value", n.Tag)
	default:
		c.fail(c.pos(n), "tag %s is not supported; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq", n.Tag)
	}
}

// scalar fills in the value of a scalar, by its tag or else by its look.
func (c *converter) scalar(out *Node, n *yaml.Node) {
	out.Kind, out.Text, out.Value = Scalar, n.Value, n.Value
	out.Quoted = n.Style&quoted != 0
	if n.Style&yaml.TaggedStyle != 0 {
		c.tagged(out, n)
		return
	}
	if out.Quoted || n.Tag == "!" { // the non-specific tag asks for text
		return
	}
	switch n.Tag {
	case "!!null":
		out.Kind, out.Value, out.Text = Null, nil, ""
	case "!!bool":
		out.Value = strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		out.Value = number(n.Value)
	}
}

// tagged reads a scalar as its tag demands.
func (c *converter) tagged(out *Node, n *yaml.Node) {
	ok := true
	switch n.Tag {
	case "!!str", "!!timestamp":
		out.Quoted = n.Tag == "!!str" || out.Quoted
		return
	case "!!null":
		out.Kind, out.Value, out.Text = Null, nil, ""
		ok = n.Value == "" || n.Value == "~" || strings.EqualFold(n.Value, "null")
	case "!!bool":
		out.Value = strings.EqualFold(n.Value, "true")
		ok = out.Value.(bool) || strings.EqualFold(n.Value, "false")
	case "!!int":
		_, ok = number(n.Value).(int64)
		out.Value = number(n.Value)
	case "!!float":
		switch v := number(n.Value).(type) {
		case int64:
			out.Value = float64(v)
		case float64:
			out.Value = v
		default:
			ok = false
		}
	default:
		c.badTag(n)
		return
	}
	if !ok {
		c.fail(out.Pos, "%q cannot be read as %s", n.Value, n.Tag)
	}
}

// number gives int64 or float64, or the text itself when neither holds it:
// infinite, with a leading zero that is not octal, or an integer that a float
// would not be written as.
func number(text string) any {
	plain := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return text
	}
	if digits := strings.TrimLeft(plain, "+-"); strings.Trim(digits, "0123456789") == "" {
		exact, ok := new(big.Int).SetString(plain, 10)
		held, _ := big.NewFloat(f).Int(nil)
		same := ok && (held.Cmp(exact) == 0 || strconv.FormatFloat(f, 'f', -1, 64) == strings.TrimPrefix(plain, "+"))
		if digits[0] == '0' || !same {
			return text
		}
	}
	if f == 0 {
		return 0.0 // not minus zero, which JSON and people read as something else
	}
	return f
}
