package expr

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// directive is one part of a formatString pattern: text before it, then an
// argument to print, in the grammar of Java:
//
//	%[index$][flags][width][.precision]conversion
type directive struct {
	text       string
	spec       string // as written, for messages
	index      int    // argument; -1 prints no argument
	flags      string
	width      int
	precision  int // -1 when not given
	conversion byte
}

const maxWidth = 10_000 // of one directive

// parseFormat reads a pattern.
func parseFormat(pattern string) ([]directive, error) {
	var out []directive
	next := 0
	for {
		at := strings.IndexByte(pattern, '%')
		if at < 0 {
			return append(out, directive{text: pattern, index: -1}), nil
		}
		d, rest, err := parseDirective(pattern[at:])
		if err != nil {
			return nil, err
		}
		d.text = pattern[:at]
		switch {
		case d.conversion == '%' || d.conversion == 'n':
			d.index = -1
		case d.index < 0:
			d.index = next
			next++
		}
		out = append(out, d)
		pattern = rest
	}
}

func parseDirective(s string) (directive, string, error) {
	d := directive{index: -1, precision: -1}
	i := 1
	if n, after := digits(s, i); after > i && after < len(s) && s[after] == '$' {
		i = after + 1
		if n == 0 || n > maxWidth {
			return d, "", invalid("format %s: arguments are numbered from 1", s[:i])
		}
		d.index = n - 1
	}
	for i < len(s) && strings.IndexByte("-+ 0,(#", s[i]) >= 0 {
		d.flags += s[i : i+1]
		i++
	}
	d.width, i = digits(s, i)
	if i < len(s) && s[i] == '.' {
		start := i + 1
		if d.precision, i = digits(s, start); i == start {
			return d, "", invalid("format %s has no digits behind its point", s[:i])
		}
	}
	if d.width > maxWidth || d.precision > maxWidth {
		return d, "", invalid("format %s is wider than %d", s[:i], maxWidth)
	}
	if i >= len(s) {
		return d, "", invalid("format %s has no conversion, such as the s of %%s; %%%% is the character", s)
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	d.conversion, d.spec = s[i], s[:i+size]
	if strings.IndexByte("sSdxXofeEgGbBcCn%", d.conversion) < 0 {
		return d, "", invalid("format %s is unknown; expected one of %%s %%d %%x %%o %%f %%e %%g %%b %%c %%n %%%%", d.spec)
	}
	return d, s[i+size:], nil
}

// digits reads a number at a place, capped above maxWidth, and gives the place
// behind it.
func digits(s string, i int) (n, after int) {
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(10*n+int(s[i]-'0'), maxWidth+1)
	}
	return n, i
}

// formatString prints arguments as Java's String.format does.
func formatString(r *run, args []any) (any, error) {
	pattern, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	directives, err := parseFormat(pattern)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, d := range directives {
		b.WriteString(d.text)
		part, err := r.print(d, args[1:])
		if err != nil {
			return nil, err
		}
		if b.WriteString(part); b.Len() > r.lim.String {
			return nil, exceeded("String", r.lim.String, "bytes")
		}
	}
	return b.String(), r.makeString(b.Len())
}

func (r *run) print(d directive, args []any) (string, error) {
	if d.index < 0 {
		switch d.conversion {
		case '%':
			return d.pad("%"), nil
		case 'n':
			return "\n", nil
		}
		return "", nil
	}
	if d.index >= len(args) {
		return "", invalid("format %s has no argument", d.spec)
	}
	v := args[d.index]
	switch d.conversion {
	case 's', 'S':
		text, err := r.text(v)
		return d.pad(d.cut(text)), err
	case 'b', 'B':
		yes, isBool := v.(bool)
		return d.pad(d.cut(strconv.FormatBool(yes || !isBool && v != nil))), nil
	}
	if v == nil {
		return d.pad(d.cut("null")), nil
	}
	text, err := d.number(v)
	return d.pad(text), err
}

// number prints a number or character.
func (d directive) number(v any) (string, error) {
	n, isInt := integer(v)
	num, isNumber := number(v)
	flags := d.goFlags()
	switch d.conversion {
	case 'd':
		if isInt {
			return d.grouped(fmt.Sprintf("%"+flags+"d", n)), nil
		}
	case 'x', 'X', 'o':
		if isInt {
			text := fmt.Sprintf("%"+strings.ReplaceAll(flags, "+", "")+string(d.conversion), uint64(n))
			return text, nil
		}
	case 'c', 'C':
		if s, ok := v.(string); ok && utf8.RuneCountInString(s) == 1 {
			return s, nil
		}
		if isInt && n >= 0 && n <= utf8.MaxRune {
			return string(rune(n)), nil
		}
		return "", invalid("format %s prints one character, not %s", d.spec, shown(v))
	default:
		if isNumber {
			precision := d.precision
			if precision < 0 {
				precision = 6
			}
			return d.grouped(fmt.Sprintf("%"+flags+"."+strconv.Itoa(precision)+string(d.conversion), float(num))), nil
		}
		return "", invalid("format %s prints a number, not %s", d.spec, shown(v))
	}
	return "", invalid("format %s prints an integer, not %s", d.spec, shown(v))
}

// shown gives a value for messages. Text may be a secret.
func shown(v any) string {
	if n, ok := number(v); ok {
		return scalarText(n)
	}
	return kindOf(v)
}

// goFlags gives the flags that Go shares with Java. Width is left to pad,
// but for leading zeros.
func (d directive) goFlags() string {
	flags := ""
	for _, f := range "+ #" {
		if strings.ContainsRune(d.flags, f) {
			flags += string(f)
		}
	}
	if strings.Contains(d.flags, "0") && !strings.ContainsAny(d.flags, "-,") && d.width > 0 {
		flags += "0" + strconv.Itoa(d.width)
	}
	return flags
}

// grouped puts commas between thousands.
func (d directive) grouped(s string) string {
	if !strings.Contains(d.flags, ",") {
		return s
	}
	start := 0
	for start < len(s) && (s[start] < '0' || s[start] > '9') {
		start++
	}
	end := start
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	for i := end - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// cut shortens text to the precision.
func (d directive) cut(s string) string {
	if chars := []rune(s); d.precision >= 0 && len(chars) > d.precision {
		return string(chars[:d.precision])
	}
	return s
}

// pad brings text to the width and case of the directive.
func (d directive) pad(s string) string {
	if strings.IndexByte("SBC", d.conversion) >= 0 {
		s = strings.ToUpper(s)
	}
	missing := d.width - utf8.RuneCountInString(s)
	switch {
	case missing <= 0:
		return s
	case strings.Contains(d.flags, "-"):
		return s + strings.Repeat(" ", missing)
	}
	return strings.Repeat(" ", missing) + s
}

// checkFormat checks a constant pattern and the constants that it prints.
func checkFormat(args []arg) error {
	if !args[0].known {
		return nil
	}
	directives, err := parseFormat(scalarText(args[0].v))
	if err != nil {
		return &argError{0, err}
	}
	for _, d := range directives {
		if d.index >= len(args)-1 {
			return &argError{0, invalid("format %s has no argument", d.spec)}
		}
	}
	return nil
}

// Format writes values into a pattern as the function formatString does.
func Format(ctx context.Context, pattern string, values ...any) (string, error) {
	lim := DefaultLimits()
	r := &run{ctx: ctx, lim: &lim}
	args := make([]any, 0, len(values)+1)
	args = append(args, pattern)
	for _, v := range values {
		args = append(args, inside(v))
	}
	out, err := formatString(r, args)
	text, _ := out.(string)
	return text, err
}
