package expr_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Expressions that would take all memory or never end. Each must fail with
// the limit that stopped it.
var hostile = []struct{ text, limit string }{
	{`reduce(1..40, #acc + #acc, "x")`, "limit String of 65536 bytes"},
	{`let x = 1..60000; sum(x, sum(x, 1))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; count(x, count(x, # > 0) > 0)`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; all(x, none(x, # < 0))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, sum(x))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, find(x, # < 0))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, findLastIndex(x, # < 0))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, -1 in x)`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, x == x)`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, sortBy(x, -#))`, "limit Memory of 16777216 bytes"},
	{`let x = 1..20000; map(x, groupBy(x, #))`, "limit Memory of 16777216 bytes"},
	{`let x = 1..20000; map(x, max(x))`, "limit Iterations of 1000000 rounds"},
	{`let x = 1..20000; map(x, mean(x))`, "limit Iterations of 1000000 rounds"},
	{`let x = map(1..9000, [#]); uniq(x)`, "limit Iterations of 1000000 rounds"},
	{`1..1000000000`, "limit Iterations of 1000000 rounds"},
	{`1..9223372036854775807`, "limit Iterations of 1000000 rounds"},
	{`-9223372036854775807..9223372036854775807`, "limit Iterations of 1000000 rounds"},
	{`map(1..9000, 1..9000)`, "limit Iterations of 1000000 rounds"},
	{`reduce(1..60, [#acc, #acc], 0)`, "limit Iterations of 1000000 rounds"},
	{`toJSON(reduce(1..60, [#acc, #acc], 0))`, "limit Iterations of 1000000 rounds"},
	{`string(reduce(1..60, ({a: #acc, b: #acc}), 0))`, "limit String of 65536 bytes"},
	{`flatten(reduce(1..60, [#acc, #acc], 0))`, "limit List of 10000 elements"},
	{`len(reduce(1..60, concat(#acc, #acc), [1]))`, "limit List of 10000 elements"},
	{`let x = reduce(1..60, [#acc, #acc], 0); x == reduce(1..60, [#acc, #acc], 0)`, "limit Iterations of 1000000 rounds"},
	{`let x = reduce(1..60, [#acc, #acc], 0); max(x)`, "limit Iterations of 1000000 rounds"},
	{`reduce(1..1000, [#acc], 0)`, "limit Depth of 100 lists within lists"},
	{`toJSON(reduce(1..100000, [#acc], 0))`, "limit Depth of 100 lists within lists"},
	{`string(reduce(1..100000, ({a: #acc}), 0))`, "limit Depth of 100 lists within lists"},
	{`flatten(reduce(1..100000, [#acc], 0))`, "limit Depth of 100 lists within lists"},
	{`reduce(1..100000, [#acc], 0) == reduce(1..100000, [#acc], 0)`, "limit Depth of 100 lists within lists"},
	{`repeat("x", 1000000000)`, "limit String of 65536 bytes"},
	{`repeat(repeat("x", 60000), 60000)`, "limit String of 65536 bytes"},
	{`map(1..10000, repeat("x", 65536))`, "limit Memory of 16777216 bytes"},
	{`map(1..10000, upper(repeat("x", 65000)))`, "limit Memory of 16777216 bytes"},
	{`let x = repeat("x", 65536); map(1..10000, x)`, "limit Memory of 16777216 bytes"},
	{`map(1..10000, ({a: #, b: repeat("x", 9000)}))`, "limit Memory of 16777216 bytes"},
	{`reduce(1..30, replace(#acc, "x", "xxxx"), "x")`, "limit String of 65536 bytes"},
	{`reduce(1..30, replace(#acc, "", #acc), "ab")`, "limit String of 65536 bytes"},
	{`reduce(1..30, join([#acc, #acc], #acc), "ab")`, "limit String of 65536 bytes"},
	{`reduce(1..30, join(split(#acc, ""), #acc), "ab")`, "limit List of 10000 elements"},
	{`reduce(1..30, toJSON(#acc), "\"")`, "limit String of 65536 bytes"},
	{`reduce(1..60, toBase64(#acc), "ab")`, "limit String of 65536 bytes"},
	{`reduce(1..30, formatString("%s%s", #acc, #acc), "ab")`, "limit String of 65536 bytes"},
	{`reduce(1..30, urlEncode(#acc + #acc), "%")`, "limit String of 65536 bytes"},
	{`reduce(1..30, regexReplacement(#acc, "a", "aaaa"), "a")`, "limit List of 10000 elements"},
	{`regexReplacement(repeat("a", 9000), "a", config("json"))`, "limit String of 65536 bytes"},
	{`reduce(1..30, regexReplacement(#acc, "(.*)", "$1$1$1"), "a")`, "limit String of 65536 bytes"},
	{`reduce(1..30, template(#acc + "${x}", {x: #acc}), "ab")`, "limit String of 65536 bytes"},
	{`split(repeat("a,", 20000), ",")`, "limit List of 10000 elements"},
	{`splitAfter(repeat("a", 65000), "")`, "limit List of 10000 elements"},
	{`formatString("%9999s%9999s%9999s%9999s%9999s%9999s%9999s%9999s", 1, 1, 1, 1, 1, 1, 1, 1)`, "limit String of 65536 bytes"},
	{`map(1..10000, fromJSON(config("json")))`, "limit Memory of 16777216 bytes"},
	{`map(1..10000, repeat("a", 60000) matches config("pattern"))`, "limit Iterations of 1000000 rounds"},
	{`all(1..3, repeat("a", 60000) matches "((a{30}){30}|b)")`, "limit Iterations of 1000000 rounds"},
	{`config("big") + "x"`, "limit String of 65536 bytes"},
	{`config("big")[0:100000]`, "limit String of 65536 bytes"},
	{`map(1..100000, config("big") contains "y")`, "limit Iterations of 1000000 rounds"},
	{`map(1..100000, config("big")[#])`, "limit Iterations of 1000000 rounds"},
	{`map(1..100000, config("big")[-3:])`, "limit Iterations of 1000000 rounds"},
	{`all(1..100000, len(config("big")) > #)`, "limit Iterations of 1000000 rounds"},
	{`all(1..100000, config("big") in [config("big")])`, "limit Iterations of 1000000 rounds"},
	{`let x = map(1..9000, formatString("%d", #)); all(1..9000, get(groupBy(x, #), "7") != 1)`, "limit Memory of 16777216 bytes"},
	{`keys(groupBy(1..20000, #))`, "limit List of 10000 elements"},
	{`reverse(1..20000)`, "limit List of 10000 elements"},
	{`map(1..1000000, [#, #, #, #])`, "limit"},
}

func TestHostile(t *testing.T) {
	w := newWorld()
	w.self.config["json"] = "[" + strings.Repeat("[],", 9000) + "[]]"
	w.self.config["pattern"] = "(a{9}){30}"
	peak := watchHeap(t)
	for _, tc := range hostile {
		before := sample("/gc/heap/allocs:bytes")
		v, err := expr.Compile(scalar("$brooklyn:"+tc.text), expr.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		_, err = v.Eval(context.Background(), w)
		if err == nil || fault.KindOf(err) != fault.Limit || !strings.Contains(err.Error(), tc.limit) || !strings.HasPrefix(err.Error(), "app.yaml:3:") {
			t.Errorf("%s: got %v, want %s", tc.text, err, tc.limit)
		}
		// All that was ever allocated, not what was still in use.
		if mb := (sample("/gc/heap/allocs:bytes") - before) >> 20; mb > 256 {
			t.Errorf("%s: allocated %d MB", tc.text, mb)
		}
	}
	if mb := peak() >> 20; mb > 192 {
		t.Errorf("the heap grew by %d MB", mb)
	}
}

func sample(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// watchHeap looks at the heap until the returned function is called, which
// gives by how much it grew at most.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	const heap = "/memory/classes/heap/objects:bytes"
	runtime.GC()
	base := sample(heap)
	top := base
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				top = max(top, sample(heap))
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-stopped
		return top - base
	}
}

// Those of the compiler are errors of the text.
func TestCompileLimits(t *testing.T) {
	nested := func(open, inner, shut string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(shut, n)
	}
	for _, tc := range []struct {
		name, text, want string
		lim              expr.Limits
	}{
		{"long", `"` + strings.Repeat("x", 17000) + `"`, "limit Source of 16384 bytes exceeded: the expression has 17012", expr.Limits{}},
		{"sum", "1" + strings.Repeat("+1", 2500), "limit Nodes of 2000 syntax nodes exceeded", expr.Limits{}},
		{"twins", nested("1<(", "1", "<1)", 60), "limit Nodes of 2000 syntax nodes exceeded", expr.Limits{}},
		{"parens", nested("(", "1", ")", 5000), "limit Depth of 100 brackets within brackets exceeded", expr.Limits{}},
		{"lists", nested("[", "1", "]", 101), "limit Depth of 100 brackets within brackets exceeded", expr.Limits{}},
		{"predicates", nested("map([1], ", "1", ")", 4), "limit Predicates of 3 predicates within predicates exceeded", expr.Limits{}},
		{"quotes", `config("$brooklyn:map([1], map([1], map([1], map([1], 1))))")`, "limit Predicates of 3 predicates within predicates exceeded", expr.Limits{}},
		{"pattern", `config("x") matches "((a{100}){10}){10}"`, "invalid regular expression: invalid repeat count: `{10}`", expr.Limits{}},
		{"states", `config("x") matches "` + strings.Repeat("(a{30}){30}", 3) + `"`, "regular expression has more than 1000 states", expr.Limits{}},
		{"own", "1+1+1", "limit Nodes of 4 syntax nodes exceeded", expr.Limits{Nodes: 4}},
		{"own source", "config(n)", "limit Source of 12 bytes exceeded: the expression has 19", expr.Limits{Source: 12}},
	} {
		_, err := expr.Compile(scalar("$brooklyn:"+tc.text), tc.lim)
		if err == nil || !strings.HasSuffix(err.Error(), tc.want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %.300v, want %s", tc.name, err, tc.want)
		}
	}
	for name, text := range map[string]string{
		"minus": strings.Repeat("-", 16000) + "1", "not": strings.Repeat("not ", 4000) + "true", "ternary": strings.Repeat("true?1:", 2300) + "1",
		"power": strings.Repeat("1**", 5000) + "1", "chain": "self()" + strings.Repeat(".self()", 2300),
	} {
		if _, err := expr.Compile(scalar("$brooklyn:"+text), expr.Limits{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %.200v, want an error of the text", name, err)
		}
	}
}

func TestQuotesInQuotes(t *testing.T) {
	if got, _, err := eval("$brooklyn:" + nestedQuotes(9)); err != nil || got != "web" {
		t.Errorf("got %v, %v", got, err)
	}
}

// nestedQuotes puts expressions in the quotes of others; each level doubles
// the backslashes.
func nestedQuotes(n int) string {
	text := "self().entityId()"
	for range n {
		text = `formatString("$brooklyn:` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `")`
	}
	return text
}

// A value that the scope gives may be larger than one that may be made.
func TestLargeValuesPass(t *testing.T) {
	got, _, err := eval(`$brooklyn:config("big")`)
	if s, _ := got.(string); err != nil || len(s) != 1<<20 {
		t.Errorf("got %d bytes, %v", len(s), err)
	}
}

func TestLimitsAreShared(t *testing.T) {
	v, err := expr.CompileAny([]any{`$brooklyn:sum(1..600)`, `$brooklyn:sum(1..600)`}, expr.Limits{Iterations: 2000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = v.Eval(context.Background(), newWorld()); fault.KindOf(err) != fault.Limit {
		t.Errorf("got %v; two halves are more than the limit", err)
	}
}

// Without limits only the context ends these; else the test would not end.
func TestCancel(t *testing.T) {
	why := errors.New("the task was cancelled")
	lim := expr.Limits{Iterations: 1 << 60, Memory: 1 << 60, List: 1 << 30, String: 1 << 30}
	for _, text := range []string{
		`let x = 1..60000; sum(x, sum(x, 1))`, `let x = 1..60000; map(x, -1 in x)`, `let x = 1..60000; all(x, uniq(x) != 1)`,
		`reduce(1..60, [#acc, #acc], 0)`, `config("waiting")`, `let x = repeat("a", 1000); all(1..9000000, regexReplacement(x, "a", "b") != "")`,
	} {
		v, err := expr.CompileAny("$brooklyn:"+text, lim)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
		if _, err = v.Eval(ctx, newWorld()); !errors.Is(err, why) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newWorld()
	_, err := compile(t, `$brooklyn:config("n")`).Eval(ctx, w)
	if fault.KindOf(err) != fault.Cancelled || len(w.asked) > 0 {
		t.Errorf("got %v after asking %v", err, w.asked)
	}
}

// A Value may be evaluated by many at a time.
func TestHammer(t *testing.T) {
	v := compile(t, map[string]any{
		"a": `$brooklyn:formatString("%s:%d", component("db").entityId(), 1 + 2)`,
		"b": []any{`$brooklyn:map(1..20, formatString("%d", #))[19]`, `$brooklyn:regexReplacement("aaa", "a", "b")`},
		"c": map[string]any{"$brooklyn:chain": []any{"$brooklyn:component(\"db\")", "entityId()"}},
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				got, err := v.Eval(context.Background(), newWorld())
				if want := "map[a:db:3 b:[20 bbb] c:db]"; err != nil || fmt.Sprint(got) != want {
					t.Errorf("got %v, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
