package server

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

func TestParseWait(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 7, "never": forever, "Always": 0, "0": 0, "1500": 1500 * time.Millisecond, "200ms": 200 * time.Millisecond,
		"1s": time.Second, "5m": 5 * time.Minute, " 1h ": time.Hour,
	} {
		if got, err := parseWait(text, 7); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"-1", "-1s", "soon", "9223372036854775807", "1x", "NaN"} {
		_, err := parseWait(text, 0)
		want := `timeout "` + text + `": expected a duration like 200ms, 1s or 5m, milliseconds, never or always`
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseBool(t *testing.T) {
	for text, want := range map[string]bool{"": true, "true": true, "TRUE": true, "1": true, "yes": true, "false": false, "off": false, "0": false} {
		if got, err := parseBool("x", text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := parseBool("release", "maybe"); err == nil || err.Error() != `query parameter release: "maybe" is neither true nor false` {
		t.Error(err)
	}
}

func TestParseGlobs(t *testing.T) {
	for _, c := range []struct {
		patterns, name string
		want           bool
	}{
		{"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"a*", "a/b.c", true}, {"*.c,x", "a.c", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {`["a,b"]`, "a,b", true}, {`"q"`, "q", true}, {"[a", "[a", false},
		{"(x)+", "(x)+", true}, {"x, y", "y", true}, {"*", "line\nbreak", true},
	} {
		g, err := parseGlobs(c.patterns)
		if err != nil && c.patterns != "[a" {
			t.Error(err)
		}
		if got := g.match(c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.patterns, c.name, got)
		}
	}
	if _, err := parseGlobs(strings.Repeat("*", maxPattern+1)); fault.KindOf(err) != fault.Limit {
		t.Errorf("too long a pattern: %v", err)
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"app.yaml": "app.yaml", "../../etc/x": "etc/x", "a\nb": "ab", "": "", "./x/./y.yaml": "x/y.yaml", "\xff.yaml": ".yaml",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestPrefersText(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json, text/plain": false, "text/plain": true, "text/plain, application/json;q=0.1": true,
		"text/*, application/*;q=0.95": false, "text/html": false, "text/plain;q=0": false, "text/plain; q=bad": false,
		"text/plain, */*;q=0.5": true, "text/plain;charset=utf-8": true,
	} {
		if got := prefersText(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "never", "1s", "a*,b?", `["a","b"]`, "true", "text/plain;q=0.5, */*", "\xff", "a\x00b", "[", "-1"} {
		f.Add(seed, "name")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if d, err := parseWait(text, 0); d < 0 || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("parseWait(%q) = %v, %v", text, d, err)
		}
		list, err := parseList(text)
		if err != nil && fault.KindOf(err) != fault.Invalid || slices.Contains(list, "") && !strings.HasPrefix(strings.TrimSpace(text), "[") {
			t.Errorf("parseList(%q) = %q, %v", text, list, err)
		}
		if g, err := parseGlobs(text); err == nil {
			g.match(name)
		} else if k := fault.KindOf(err); k != fault.Invalid && k != fault.Limit {
			t.Errorf("parseGlobs(%q): %v", text, err)
		}
		if q := quality(text, "text", "plain"); q < 0 || q > 1 || q != q {
			t.Errorf("quality(%q) = %v", text, q)
		}
		if n := fileName(text); len(n) > 200 || !utf8.ValidString(n) || strings.ContainsAny(n, "\n\x00") || strings.HasPrefix(n, "/") {
			t.Errorf("fileName(%q) = %q", text, n)
		}
		if fileName(fileName(text)) != fileName(text) && len(text) < 200 {
			t.Errorf("fileName(%q) is not stable", text)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,1e400,null]}`, `"x`, "1 2", "", "[[[[", "a=b&c", "--b\r\nContent-Disposition: form-data; name=plan\r\n\r\nx\r\n--b--"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := decode(text)
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("decode(%q): %v", text, err)
		}
		if err == nil {
			if _, err := encode(secret.Mask("", v)); err != nil {
				t.Errorf("encode(decode(%q)): %v", text, err)
			}
		}
		r, err := parts(text)
		if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Limit {
			t.Errorf("form %q: %v", text, err)
		}
		if err == nil && len(r.Text) > len(text) {
			t.Errorf("form %q grew to %q", text, r.Text)
		}
		if hidden := secret.Lines(text); !strings.Contains(string(text), "=") && string(hidden) != string(text) {
			t.Errorf("secret.Lines(%q) = %q", text, hidden)
		}
	})
}
