package pattern_test

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/pattern"
)

func TestCompile(t *testing.T) {
	for _, c := range []struct {
		text, flags string
		whole       bool
		subject     string
		want        bool
	}{
		{"b.d", "", false, "abcde", true},
		{"b.d", "", true, "abcde", false},
		{"b|abcde", "", true, "abcde", true},
		{"a.c", "", false, "a\nc", false},
		{"a.c", "s", true, "a\nc", true},
	} {
		x, err := pattern.Compile(c.text, c.flags, c.whole, 1000)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := x.MatchString(c.subject); got != c.want {
			t.Errorf("%s in %q gave %v", c.text, c.subject, got)
		}
	}
	for _, c := range []struct {
		text, want string
		kind       fault.Kind
	}{
		{"(", "invalid regular expression: missing closing ): `(`", fault.Invalid},
		{"(ab){800}", "a regular expression of more than 1000 states (limit Regex)", fault.Limit},
		{strings.Repeat("a", 9000), "a regular expression of 9000 bytes; it would have more than 1000 states (limit Regex)", fault.Limit},
	} {
		_, err := pattern.Compile(c.text, "", false, 1000)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind {
			t.Errorf("%.20s gave %v, want %s", c.text, err, c.want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		glob string
		lazy bool
		want string
	}{
		{"c*e", false, "c.*e"},
		{"c*e", true, "c.*?e"},
		{"a?.{x,y}[!0-9]\\*", false, `a.\.(?:x|y)[^0-9]\*`},
		{"a,b}", false, "a,b\\}"},
	} {
		if got, err := pattern.Glob(c.glob, c.lazy); got != c.want || err != nil {
			t.Errorf("%s gave %s, %v", c.glob, got, err)
		}
	}
	for glob, want := range map[string]string{
		"[a":  `glob "[a": "[" without a class and its "]"`,
		"{a,": `glob "{a,": "{" without "}"`,
	} {
		if _, err := pattern.Glob(glob, false); err == nil || err.Error() != want {
			t.Errorf("%s gave %v", glob, err)
		}
	}
}

func TestReplacement(t *testing.T) {
	x, err := pattern.Compile("(b)(x)?(c)", "", false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"-":         "-",
		"$3$1":      "cb",
		"<$0>":      "<bc>",
		"$2":        "",
		"$12":       "b2",
		`\$1\\`:     `$1\`,
		"$4":        "!the replacement names group 4; the pattern has 3",
		"$x":        `!$ in a replacement stands before the number of a group; write \$ for the character`,
		`\`:         `!the replacement ends in \, which takes a character`,
		"é$1 and é": "éb and é",
	} {
		r, err := pattern.ParseReplacement(text, x.NumSubexp())
		var b strings.Builder
		if err != nil {
			b.WriteString("!" + err.Error())
		} else {
			r.Write(&b, "abcd", x.FindStringSubmatchIndex("abcd"))
		}
		if b.String() != want {
			t.Errorf("%s gave %s, want %s", text, &b, want)
		}
	}
}
