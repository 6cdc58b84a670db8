package pattern

import (
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Replacement is what stands in the place of a match, as Java writes it: $1
// stands for a group, and \ takes the next character as it is.
type Replacement struct{ parts []part }

// part is a piece of a replacement: text, then a group unless it is -1.
type part struct {
	text  string
	group int
}

// ParseReplacement reads a replacement for a pattern with so many groups. Of a
// number as many digits count as make a group that there is.
func ParseReplacement(text string, groups int) (Replacement, error) {
	var r Replacement
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			if i++; i >= len(text) {
				return r, fault.New(fault.Invalid, `the replacement ends in \, which takes a character`)
			}
			b.WriteByte(text[i])
		case '$':
			group := -1
			for i+1 < len(text) && '0' <= text[i+1] && text[i+1] <= '9' {
				next := max(group, 0)*10 + int(text[i+1]-'0')
				if group >= 0 && next > groups {
					break
				}
				group = next
				i++
			}
			if group < 0 {
				return r, fault.New(fault.Invalid, `$ in a replacement stands before the number of a group; write \$ for the character`)
			}
			if group > groups {
				return r, fault.New(fault.Invalid, "the replacement names group %d; the pattern has %d", group, groups)
			}
			r.parts = append(r.parts, part{b.String(), group})
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	r.parts = append(r.parts, part{b.String(), -1})
	return r, nil
}

// Write writes the replacement of a match in text; match has the places of the
// groups, as regexp's functions of the name Index give them.
func (r Replacement) Write(b *strings.Builder, text string, match []int) {
	for _, p := range r.parts {
		b.WriteString(p.text)
		if g := p.group; g >= 0 && match[2*g] >= 0 {
			b.WriteString(text[match[2*g]:match[2*g+1]])
		}
	}
}
