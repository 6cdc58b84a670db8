package step_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
)

func TestPath(t *testing.T) {
	list, m := []any{"a", "b"}, map[string]any{"k": map[string]any{"x": 1}}
	for _, tt := range []struct {
		path  string
		root  any
		there bool
		want  string // of setting it to v, or the error
	}{
		{"x", nil, false, "v"},
		{"x.k", nil, false, "map[k:v]"},
		{"x['a b']", nil, false, "map[a b:v]"},
		{"x[\"k\"].x", m, true, "map[k:map[x:v]]"},
		{"x.k.y", m, true, "map[k:map[x:1 y:v]]"},
		{"x[0]", nil, false, "[v]"},
		{"x[0]", list, true, "[v b]"},
		{"x[2]", list, true, "[a b v]"},
		{"x[-1]", list, true, "[a b v]"},
		{"x[]", list, true, "[a b v]"},
		{"x[-2]", list, true, "[v b]"},
		{"x[]['a'][]", list, true, "[a b map[a:[v]]]"},
		{"x[3]", list, true, "cannot set index 3 of x, which has 2 items"},
		{"x[-4]", list, true, "cannot set index -4 of x, which has 2 items"},
		{"x[123]", nil, false, "cannot set index 123 of x, which is undefined"},
		{"x['abc']", list, true, `cannot set key "abc" of x, which is a list`},
		{"x.k", "text", true, `cannot set key "k" of x, which is a text`},
		{"x[0]", m, true, "cannot set index 0 of x, which is a map"},
		{"x.k[0]", m, true, "cannot set index 0 of x['k'], which is a map"},
		{"x[0", nil, false, `"x[0" is not a name with keys in brackets: a bracket is not closed`},
		{"x[0]y", nil, false, `"x[0]y" is not a name with keys in brackets: unexpected y`},
		{"[0]", nil, false, `"[0]" is not a name with keys in brackets: the name is missing`},
	} {
		p, err := step.ParsePath(tt.path, true)
		var v any
		if err == nil {
			v, err = p.Set(tt.root, tt.there, "v")
		}
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s of %v\n got %s\nwant %s", tt.path, tt.root, got, tt.want)
		}
	}
	if fmt.Sprint(list, m) != "[a b] map[k:map[x:1]]" {
		t.Errorf("what was given was changed: %v %v", list, m)
	}
	p, err := step.ParsePath("some.new['a'][-1]", false)
	if err != nil || p.Root != "some.new" || !reflect.DeepEqual(p.Keys, []any{"a", int64(-1)}) || p.String() != "some.new['a'][-1]" {
		t.Errorf("got %+v, %v", p, err)
	}
	for path, want := range map[string]string{"x['k']['x']": "map[k:map[]] true", "x['no']": "map[k:map[x:1]] false", "x[0]": "map[k:map[x:1]] false"} {
		p, err := step.ParsePath(path, true)
		if err != nil {
			t.Fatal(err)
		}
		out, has := p.Clear(m)
		if got := fmt.Sprint(out, has); got != want {
			t.Errorf("clear %s: got %s, want %s", path, got, want)
		}
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]string{
		"3":                  "tttffff",
		"0":                  "fffffff",
		"forever":            "ttttttt",
		"disabled":           "fffffff",
		"parent":             "tttffff",
		"3h":                 "ttttfff",
		"min(5, 3h)":         "ttttfff",
		"max(2, 1h)":         "ttfffff",
		"max(1, min(9, 5h))": "ttttttf",
		"hash x":             "tttffff",
		"2 hash ${x}":        "ttfffff",
		"soft 5 hard 2":      "retention \"soft 5 hard 2\": expected a number, a duration, forever, disabled, parent, context, system, min(…) or max(…)",
		"min()":              "retention \"min()\": expected a number, a duration, forever, disabled, parent, context, system, min(…) or max(…)",
	} {
		r, err := step.ParseRetention(text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for i := range 7 { // one ended at each hour
				keeps := "f"
				if r.Keeps(i, time.Duration(i)*time.Hour) {
					keeps = "t"
				}
				got += keeps
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for line, want := range map[string]string{
		"1s":                                "1s 1s 1s 1s",
		"1s 5s":                             "1s 5s 5s 5s",
		"1s increasing 2x":                  "1s 2s 4s 8s",
		"1s increasing by 2x up to 3s":      "1s 2s 3s 3s",
		"1s increasing 50%":                 "1s 1.5s 2.25s 3.375s",
		"1 second increasing 500ms":         "1s 1.5s 2s 2.5s",
		"1ms 3ms increasing 2x up to 32 ms": "1ms 3ms 6ms 12ms",
		"1s jitter 10%":                     "1s 1s 1s 1s",
	} {
		w, err := parse("- {step: retry, backoff: '" + line + "'}")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got := ""
		for n := 1; n <= 4; n++ {
			got += " " + w.Steps[0].Retry.Backoff.Delay(n, 0.5).String()
		}
		if got != " "+want {
			t.Errorf("%s: got%s, want %s", line, got, want)
		}
	}
	w, err := parse("- {step: retry, backoff: {initial: [1s, 2s], factor: 3, max: 10s, jitter: 0.5}}")
	if err != nil {
		t.Fatal(err)
	}
	b := w.Steps[0].Retry.Backoff
	if got := fmt.Sprint(b.Delay(2, 0.5), b.Delay(3, 0.5), b.Delay(9, 0.5), b.Delay(1, 0), b.Delay(1, 1), b.Delay(1_000_000, 0.5)); got != "2s 6s 10s 500ms 1.5s 10s" {
		t.Errorf("got %s", got)
	}
}

func TestConcurrency(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "3": "3", "0": "1", "all": "8", "unlimited": "8", "-1": "7", "-100%": "1", "50%": "4", "max(1,50%)": "4", "min(3, 50%)": "3", "50% + 1": "5", "all - 2": "6", "max(1, -9)": "1",
		"many":  `concurrency "many": expected a number, a part such as 50%, all, -N, min(…), max(…), with + and - between`,
		"max(1": `concurrency "max(1": expected a number, a part such as 50%, all, -N, min(…), max(…), with + and - between`,
		"1 2":   `concurrency "1 2": expected a number, a part such as 50%, all, -N, min(…), max(…), with + and - between`,
	} {
		n, err := step.Concurrency(text, 8)
		got := fmt.Sprint(n)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
