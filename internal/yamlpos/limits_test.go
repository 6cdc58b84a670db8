package yamlpos_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		limits   yamlpos.Limits
		ok, over string
		want     string
	}{
		{yamlpos.Limits{Bytes: 4}, "a: 1", "a: 12", "f:1:1: the text has 5 bytes, more than 4 (limit Bytes)"},
		{yamlpos.Limits{Nodes: 5}, "[1, 2, 3, 4]", "[1, 2, 3, 4, 5]", "f:1:14: the text has more than 5 values (limit Nodes)"},
		{yamlpos.Limits{Nodes: 5}, "a: 1\nb: 2", "a: 1\nb: 2\nc: 3", "f:3:4: the text has more than 5 values (limit Nodes)"},
		{yamlpos.Limits{Nodes: 5}, "[]", "[" + strings.Repeat("a,", 11) + "]", "f:1:21: the text has more than 5 values (limit Nodes)"},
		{yamlpos.Limits{Depth: 3}, "[[[1]]]", "[[[[1]]]]", "f:1:4: lists and maps are nested more than 3 deep (limit Depth)"},
		{yamlpos.Limits{Depth: 3}, "a:\n b:\n  c: 1", "a:\n b:\n  c:\n   d: 1", "f:4:4: lists and maps are nested more than 3 deep (limit Depth)"},
		{yamlpos.Limits{Depth: 3}, "- &a [1]\n- [*a]", "- &a [[1]]\n- [*a]", "f:2:4: lists and maps are nested more than 3 deep (limit Depth)"},
		{yamlpos.Limits{Aliases: 4}, "- &a [1]\n- *a\n- *a", "- &a [1]\n- *a\n- *a\n- *a", "f:4:3: aliases add more than 4 values (limit Aliases)"},
		{yamlpos.Limits{Nodes: 7}, "- &a [1]\n- *a\n- *a", "- &a [1]\n- *a\n- *a\n- *a", "f:4:3: the text has more than 7 values (limit Nodes)"},
	} {
		if _, err := yamlpos.Parse("f", []byte(tt.ok), tt.limits); err != nil {
			t.Errorf("%+v: %q: %v", tt.limits, tt.ok, err)
		}
		_, err := yamlpos.Parse("f", []byte(tt.over), tt.limits)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%+v: %q:\n got %v\nwant %s", tt.limits, tt.over, err, tt.want)
		} else if kind := fault.KindOf(err); kind != fault.Limit {
			t.Errorf("%+v: kind %v, want limit", tt.limits, kind)
		}
	}
}

// hostile are texts that cost careless readers minutes or gigabytes.
func hostile() map[string]string {
	const size = 5<<20 - 100
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	return map[string]string{
		"alias bomb":    bomb,
		"100,000 [":     strings.Repeat("[", 100_000),
		"only [":        fill("["),
		"only {":        fill("{"),
		"block lists":   fill("- "),
		"long list":     fill("- a\n"),
		"break NEL":     fill("-\u0085"),
		"flow map":      "{" + fill("a,"),
		"colons":        fill("a: "),
		"questions":     fill("? "),
		"anchors":       fill("&a "),
		"aliases":       fill("*a "),
		"tags":          fill("!a "),
		"tag handles":   lines(100_000, "%%TAG !a%d! b\n") + "---\na",
		"many keys":     lines(200_000, "k%d: 1\n"),
		"one key":       strings.Repeat("a: 1\n", 60_000),
		"documents":     fill("--- a\n"),
		"open quote":    "'" + fill("a\n\n"),
		"100 MB":        strings.Repeat("a", 100<<20),
		"many anchors":  lines(60_000, "- &a%d x\n") + "- *b",
		"merged bomb":   "a: &a {" + lines(9_000, "k%d: ,") + "}\nb: [{<<: *a}, {<<: *a}]",
		"comment lines": fill("# c\n") + "a: [",
	}
}

// TestHostile holds the reader to a memory bound; its time shows as the test
// timeout.
func TestHostile(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			data := []byte(text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := yamlpos.Parse("f", data, yamlpos.Limits{})
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("was accepted")
			} else if line := strings.SplitN(err.Error(), "\n", 2)[0]; !strings.HasPrefix(line, "f:") {
				t.Errorf("error without a place: %s", line)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 200 {
				t.Errorf("allocated %d MiB in total, want at most 200", mb)
			}
		})
	}
}

func TestLargeTextsAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"2,000 services":   services(2_000),
		"script of 2 MB":   "install.command: |\n" + strings.Repeat("  if [ \"$a\" = b ]; then echo 'x, y: z' && curl http://h:80/*; fi\n", 30_000),
		"word of 5 MB":     strings.Repeat("a", 5<<20),
		"aliases in order": "x: &x {a: 1, b: 2}\nl:\n" + strings.Repeat("- *x\n", 1_900),
	} {
		if _, err := yamlpos.Parse("f", []byte(text), yamlpos.Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
