package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestCases reads all cases, and counts them as their README does.
func TestCases(t *testing.T) {
	cases, err := load("../cases", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	perArea := map[string]int{}
	for _, c := range cases {
		perArea[c.area()]++
		for i, step := range c.Steps {
			for kind := range step {
				if general[kind] == nil && ofEntity[kind] == nil && kind != "sleep" {
					t.Errorf("%s: step %d: there is no step %s", c.Name, i+1, kind)
				}
			}
		}
	}
	readme, err := os.ReadFile("../cases/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for area, n := range perArea {
		if !strings.Contains(string(readme), fmt.Sprintf("| %s | %d |", area, n)) {
			t.Errorf("cases/README.md does not say that %s has %d cases", area, n)
		}
	}
}

func TestKnownFailuresAreCases(t *testing.T) {
	cases, err := load("../cases", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	known, err := readKnown("../known-failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		delete(known.names, c.Name)
	}
	for name := range known.names {
		t.Errorf("known-failures.txt names %s, which is no case", name)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, test := range []struct{ file, text, want string }{
		{"a/x.yaml", "name: a/y\n", "/a/x.yaml: the case is called a/y, want a/x"},
		{"a/x.yaml", "name: a/x\nstep: []\n", `/a/x.yaml: json: unknown field "step"`},
		{"b.yaml", "name: b\n", "no such cases in "},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, test.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := load(dir, "", nil)
		want := dir + test.want
		if strings.HasPrefix(test.want, "no") {
			want = test.want + dir
		}
		if fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	failure := errors.New("got 1,\nwant 2")
	results := []result{{&Case{Name: "a/new"}, failure, 0}, {&Case{Name: "a/old"}, failure, 0}, {&Case{Name: "b/fixed"}, nil, 0}, {&Case{Name: "b/good"}, nil, 0}}
	path := filepath.Join(t.TempDir(), "known.txt")
	if err := os.WriteFile(path, []byte("# why\na/old\nb/fixed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := readKnown(path)
	if err != nil {
		t.Fatal(err)
	}
	v := judge(results, known)
	var out strings.Builder
	v.print(&out, false)
	const want = `FAIL  a/new (0s): got 1, want 2
FIXED b/fixed: it passes now; remove its line from the known failures, or run with -update
a                       0 of    2
b                       2 of    2
2 passed, 1 failed, 1 skipped (known failures)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if v.ok() {
		t.Error("a new failure and a fixed case are fine")
	}
	if v := judge(results[1:2], known); !v.ok() {
		t.Error("a known failure is not fine")
	}
	if err := known.update(path, v); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "# why\na/old\n" {
		t.Errorf("updated to %q; the list only shrinks", text)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if known, err = readKnown(path); err != nil || !known.absent {
		t.Fatal(known, err)
	}
	if err := known.update(path, judge(results, known)); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); !strings.HasSuffix(string(text), ".\na/new\na/old\n") {
		t.Errorf("written as %q", text)
	}
}

func TestSame(t *testing.T) {
	r := &caseRun{remembered: map[string]entity{"e": {id: "x1"}}}
	for _, test := range []struct {
		want, got string
		same      bool
	}{
		{`1`, `1.0`, true}, {`1`, `"1"`, false}, {`"1"`, `1`, false}, {`1`, `true`, false}, {`null`, `null`, true}, {`null`, `0`, false},
		{`{"a":1,"b":[2]}`, `{"b":[2],"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":null}`, `{}`, false},
		{`[1,2]`, `[2,1]`, false}, {`{"$set":[1,2]}`, `[2,1]`, true}, {`{"$set":[1,1]}`, `[1,2]`, false},
		{`{"$entity":"e"}`, `{"id":"x1","name":"n"}`, true}, {`{"$entity":"e"}`, `{"id":"x2"}`, false}, {`{"$entity_id":"e"}`, `"x1"`, true},
		{`0.1`, `0.1000000000001`, true}, {`0`, `0.0001`, false}, {`true`, `true`, true},
	} {
		if got := r.same(decode(t, test.want), decode(t, test.got)); got != test.same {
			t.Errorf("same(%s, %s) = %v", test.want, test.got, got)
		}
	}
}

func decode(t *testing.T, text string) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fake answers as a server with one application would.
func fake(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(pattern string, status int, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	answer("POST /v1/applications", 201, `{"entityId":"a1","id":"t1"}`)
	answer("GET /v1/activities/{id}", 200, `{"endTimeUtc":1,"isError":false,"result":7}`)
	answer("GET /v1/applications/a1/descendants", 200, `[{"id":"a1","name":"app"},{"id":"c1","name":"child"}]`)
	answer("GET /v1/applications/a1/entities/{id}/config/camp.plan.id", 404, `{"message":"no such key"}`)
	answer("GET /v1/applications/a1/entities/c1/config/k", 200, `[1,"x"]`)
	answer("GET /v1/applications/a1/entities/c1/config/bad", 400, `{"message":"Cannot do it"}`)
	answer("GET /v1/applications/a1/entities/c1/sensors/s", 200, `3`)
	answer("POST /v1/applications/a1/entities/c1/effectors/e", 202, `{"id":"t2"}`)
	answer("POST /v1/applications/a1/entities/{id}/expunge", 202, ``)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestRunCase(t *testing.T) {
	s := fake(t)
	for _, test := range []struct{ steps, want string }{
		{`[{expect_config: {entity: child, key: k, value: [1, x]}}]`, ""},
		{`[{expect_config: {entity: child, key: k, value: [1]}}]`, `step 1 expect_config: k: got [1,"x"], want [1]`},
		{`[{expect_config: {entity: child, key: bad, expect_error: cannot DO}}]`, ""},
		{`[{expect_config: {entity: child, key: bad, expect_error: [cannot, undo]}}]`, `step 1 expect_config: config failed with "HTTP 400: Cannot do it", want "undo" in it`},
		{`[{expect_config: {entity: child, key: none, absent: true}}]`, ""},
		{`[{expect_sensor: {entity: 'name:child', sensor: s, greater_than: 2}}]`, ""},
		{`[{expect_sensor: {entity: child, sensor: s, value: 4, within: 10ms}}]`, "step 1 expect_sensor: not within 10ms: s: got 3, want 4"},
		{`[{effector: {entity: child, name: e, expect_result: 7}}]`, ""},
		{`[{effector: {entity: child, name: e, expect_error: x}}]`, "step 1 effector: effector succeeded, an error with x was expected"},
		{`[{hope: {}}]`, "step 1 hope: there is no such step"},
	} {
		c, err := parse("x.yaml", []byte("name: a/x\nblueprint: x\nsteps: "+test.steps))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := runCase(newClient(s.URL, "u", "p"), c); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.steps, got, test.want)
		}
	}
}

func TestPatience(t *testing.T) {
	s := fake(t)
	c := newClient(s.URL, "u", "p")
	c.patience = 20 * time.Millisecond
	start := time.Now()
	err := runCase(c, &Case{Name: "a/x", Blueprint: "x", Steps: []map[string]any{{"expect_name": map[string]any{"entity": "nobody", "name": "x"}}}})
	if want := `step 1 expect_name: not within 20ms: no entity with plan id or name "nobody" among 2`; fmt.Sprint(err) != want {
		t.Errorf("got %v after %s, want %s", err, time.Since(start), want)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-run", "^a/", "-j", "3"})
	if err != nil || !o.only.MatchString("a/x") || o.jobs != 3 {
		t.Errorf("%+v, %v", o, err)
	}
	cases, err := load("../cases", "dsl", regexp.MustCompile("config-in-"))
	if err != nil || len(cases) < 2 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}
