package main

import (
	"errors"
	"strings"
	"testing"
)

func TestReadRules(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"TYPE", "TYPE"}, {"same type", "TYPE"}, {"not Type RedisStore", "not TYPE RedisStore"},
		{"NAME \"my app, two\"", "NAME my app, two"}, {"ID x1, APPLICATION", "ID x1; APPLICATION"},
		{"NOT TYPE a\n\n, SAME NAME b\n", "not TYPE a; NAME b"}, {"EMPTY", "EMPTY"}, {"NOT EMPTY", "not EMPTY"},
		{"ANY TYPE a", "any TYPE a"}, {"ALL TYPE a", "TYPE a"}, {"NOT ANY TYPE a", "not TYPE a"}, {"ANY NOT TYPE a", "any not TYPE a"},
		{"NOT ALL TYPE a", "any not TYPE a"}, {"ALL NOT TYPE a", "not TYPE a"}, {"NAME \"TYPE\"", "NAME TYPE"}, {"NAME not", "NAME not"},
		{"", `column 1 of "": expected a rule`},
		{" ,\n", `column 1 of " ,\n": expected a rule`},
		{"NOT", `column 4 of "NOT": expected TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY`},
		{"TYPE a, NOT TYP b", `column 5 of "NOT TYP b": "TYP" is none of TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY; did you mean TYPE?`},
		{"SMAE TYPE", `column 1 of "SMAE TYPE": "SMAE" is none of TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY; did you mean SAME?`},
		{"near db", `column 1 of "near db": "near" is none of TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY`},
		{`"TYPE" a`, `column 1 of "\"TYPE\" a": "TYPE" is none of TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY; did you mean TYPE?`},
		{"NAME", `column 5 of "NAME": NAME needs the text that names contain`},
		{"NAME ä ö", `column 8 of "NAME ä ö": nothing may follow here, got "ö"; text with blanks stands in double quotes`},
		{"EMPTY a", `column 7 of "EMPTY a": nothing may follow here, got "a"; text with blanks stands in double quotes`},
		{"ANY EMPTY", `column 5 of "ANY EMPTY": EMPTY is about the host: SAME, ANY and ALL do not go with it`},
		{"NOT SAME TYPE", `column 5 of "NOT SAME TYPE": only one of NOT and SAME may stand in a rule, once`},
		{"NOT NOT TYPE", `column 5 of "NOT NOT TYPE": only one of NOT and SAME may stand in a rule, once`},
		{"ANY ALL TYPE", `column 5 of "ANY ALL TYPE": only one of ANY and ALL may stand in a rule, once`},
		{`NAME "a b`, `column 6 of "NAME \"a b": the quote is not closed`},
		{`NAME ""`, `column 6 of "NAME \"\"": expected more than an empty text`},
		{"NOT PREDICATE org.example.Odd", `column 5 of "NOT PREDICATE org.example.Odd": PREDICATE and its expression need a line of their own, in the config of a location, an entity or a strategy`},
	} {
		rules, err := readRules(c.text)
		got := showRules(rules)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q:, got  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func showRules(rules []rule) string {
	var all []string
	for _, r := range rules {
		text := strings.TrimSpace(r.verb + " " + r.param)
		if r.not {
			text = "not " + text
		}
		if r.any {
			text = "any " + text
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// FuzzRules: what is read is read again as the same, and what is not has an
// error with a place in the text.
func FuzzRules(f *testing.F) {
	for _, text := range []string{"NOT ANY TYPE a, SAME NAME \"b c\"", "EMPTY\nNOT EMPTY", "NAME \"", "ID \xff", "TYPE a\x00b", "not\u00a0type"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := readRules(text)
		if err != nil {
			var e *ruleError
			if !errors.As(err, &e) || e.column < 1 || e.column > len([]rune(e.text))+1 || !strings.Contains(text, e.text) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		for _, r := range rules {
			again, err := readRule(r.text)
			if err != nil || again != r {
				t.Fatalf("%q is %+v, and then %+v, %v", r.text, r, again, err)
			}
		}
	})
}

// TestAffinity has four hosts: an empty one, one with Redis, one with Redis
// and nginx of another application, and one with a web server of this one.
func TestAffinity(t *testing.T) {
	const redis = "org.apache.brooklyn.entity.nosql.redis.RedisStore"
	columns := []column{
		{Name: "entity.ids", Values: []string{"", "r1", "r2\nn2", "w1"}},
		{Name: "entity.names", Values: []string{"", "Redis", "cache\nthe front", "Web 1"}},
		{Name: "entity.types", Values: []string{"", redis, redis + "\ndocker:nginx", "docker:nginx"}},
		{Name: "entity.applications", Values: []string{"", "a2", "a2\na3", "a1"}},
		{Name: "label:affinity.rules", Values: []string{"", "", "", ""}},
	}
	for _, c := range []struct {
		rules  []any
		refuse string // by host: . accepted, x refused
		reason string // of the last that is refused
	}{
		{nil, "....", ""},
		{[]any{"TYPE"}, ".xx.", "runs cache (" + redis + "), against the rule TYPE"},
		{[]any{"SAME TYPE"}, ".xx.", "runs cache (" + redis + "), against the rule SAME TYPE"},
		{[]any{"NOT TYPE"}, "..xx", "runs Web 1 (docker:nginx), against the rule NOT TYPE"},
		{[]any{"TYPE redisstore"}, "..xx", "runs Web 1 (docker:nginx), against the rule TYPE redisstore"},
		{[]any{"TYPE " + redis}, "..xx", "runs Web 1 (docker:nginx), against the rule TYPE " + redis},
		{[]any{"TYPE brooklyn.entity.nosql.redis.RedisStore"}, "..xx", "runs Web 1 (docker:nginx), against the rule TYPE brooklyn.entity.nosql.redis.RedisStore"},
		{[]any{"TYPE com.example.RedisStore"}, ".xxx", "runs Web 1 (docker:nginx), against the rule TYPE com.example.RedisStore"},
		{[]any{"ANY TYPE RedisStore"}, "...x", "nothing that it runs satisfies the rule ANY TYPE RedisStore"},
		{[]any{"ANY TYPE RedisStore", "NOT EMPTY"}, "x..x", "nothing that it runs satisfies the rule ANY TYPE RedisStore"},
		{[]any{"NOT EMPTY"}, "x...", "runs nothing, against the rule NOT EMPTY"},
		{[]any{"EMPTY"}, "....", ""},
		{[]any{"NAME WEB"}, ".xx.", "runs cache (" + redis + "), against the rule NAME WEB"},
		{[]any{`NOT NAME "the front"`}, "..x.", `runs the front (docker:nginx), against the rule NOT NAME "the front"`},
		{[]any{"APPLICATION"}, ".xx.", "runs cache (" + redis + "), against the rule APPLICATION"},
		{[]any{"NOT APPLICATION a2"}, ".xx.", "runs cache (" + redis + "), against the rule NOT APPLICATION a2"},
		{[]any{"ID r1"}, "..xx", "runs Web 1 (docker:nginx), against the rule ID r1"},
		{[]any{"NOT ID"}, "....", ""},
		{[]any{"NOT TYPE RedisStore, NOT TYPE docker:nginx"}, ".xxx", "runs Web 1 (docker:nginx), against the rule NOT TYPE docker:nginx"},
	} {
		got := ranks(t, "affinity-rules", values{rulesKey: c.rules}, 4, columns...)
		refuse, reason := "", ""
		for _, line := range strings.Split(got, "\n") {
			why, refused := strings.CutPrefix(line, "NaN ")
			if refuse += map[bool]string{false: ".", true: "x"}[refused]; refused {
				reason = why
			}
		}
		if refuse != c.refuse || reason != c.reason {
			t.Errorf("%v: got %s %q, want %s %q", c.rules, refuse, reason, c.refuse, c.reason)
		}
	}
}

func TestAffinityOfHosts(t *testing.T) {
	columns := []column{
		{Name: "entity.ids", Values: []string{"", "r1", "r2"}}, {Name: "entity.names", Values: []string{"", "a", "b"}},
		{Name: "entity.types", Values: []string{"", "x.A", "x.B"}}, {Name: "entity.applications", Values: []string{"", "a2", "a2"}},
		{Name: "label:affinity.rules", Values: []string{"NOT EMPTY", "TYPE A", "TYPE A, ONLY"}},
	}
	want := "NaN runs nothing, against the rule NOT EMPTY\n0\n" +
		"NaN its label affinity.rules cannot be read: column 1 of \"ONLY\": \"ONLY\" is none of TYPE, NAME, ID, APPLICATION, PREDICATE or EMPTY"
	if got := ranks(t, "affinity-rules", nil, 3, columns...); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got := ranks(t, "affinity-rules", values{rulesKey: []any{"TYPE A", "NOT TYP"}}, 3, columns...)
	if !strings.HasPrefix(got, `invalid at config.affinity.rules[1]: affinity.rules[1]: column 5 of "NOT TYP": "TYP" is none of`) {
		t.Error(got)
	}
	if got := ranks(t, "affinity-rules", values{rulesKey: []any{7}}, 0); got != "invalid at config.affinity.rules[0]: affinity.rules[0]: expected text, got 7" {
		t.Error(got)
	}
}
