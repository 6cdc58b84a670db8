package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// answering serves canned answers by "METHOD path?query" and notes requests.
func answering(t *testing.T, answers map[string]string) (*cli, *client, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Method + " " + r.URL.RequestURI()
		asked = append(asked, key)
		answer, known := answers[key]
		if !known {
			t.Errorf("unexpected request %s", key)
			answer = "500 {}"
		}
		status := 200
		if code, rest, found := strings.Cut(answer, " "); found && len(code) == 3 {
			if n, err := strconv.Atoi(code); err == nil {
				status, answer = n, rest
			}
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	c := &cli{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), output: "text", remote: remote{server: s.URL, user: "admin"}}
	cl, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	return c, cl, &asked
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		answer string
		code   int
		text   string
	}{
		{`400 {"message": "bad", "error": 400}`, exitUsage, "bad"},
		{`404 {"message": "gone"}`, exitNotFound, "gone"},
		{`403 {"message": "no"}`, exitRefused, "no"},
		{`429 {"message": "slower"}`, exitRefused, "slower"},
		{`409 {"message": "taken"}`, exitConflict, "taken"},
		{`412 {"message": "other"}`, exitConflict, "other"},
		{`500 {"message": "broken"}`, exitFailed, "broken"},
		{`502 bad gateway`, exitUnreachable, "bad gateway (502 from SERVER)"},
		{`200 not json`, exitFailed, "SERVER/x answered what is not JSON of this API: invalid character 'o' in literal null (expecting 'u')"},
	} {
		_, cl, _ := answering(t, map[string]string{"GET /x": c.answer})
		var v any
		err := cl.get(t.Context(), "/x", &v)
		f, is := err.(*failure)
		if want := strings.ReplaceAll(c.text, "SERVER", cl.base); !is || f.code != c.code || err.Error() != want {
			t.Errorf("%s: got %v", c.answer, err)
		}
	}
}

func TestPassword(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	t.Setenv(passwordEnv, "")
	if err := os.MkdirAll(filepath.Join(home, "gowanus"), 0o700); err != nil {
		t.Fatal(err)
	}
	file, other := filepath.Join(home, "gowanus", passwordFile), filepath.Join(home, "other")
	for name, text := range map[string]string{file: "kept\n", other: "given\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(r remote, host, password, origin string) {
		t.Helper()
		p, o, err := r.password(host)
		if err != nil || p != password || o != origin {
			t.Errorf("got %q from %q, %v", p, o, err)
		}
	}
	check(remote{}, "127.0.0.1", "kept", file)
	check(remote{}, "::1", "kept", file)
	check(remote{}, "example.org", "", "") // this machine's password is nobody else's business
	check(remote{passwordFile: other}, "example.org", "given", other)
	t.Setenv(passwordEnv, "env")
	check(remote{}, "example.org", "env", passwordEnv)
	check(remote{passwordFile: other}, "localhost", "given", other)
}

func TestPlainPasswordWarning(t *testing.T) {
	t.Setenv(passwordEnv, "x")
	var stderr bytes.Buffer
	c := &cli{stderr: &stderr, remote: remote{server: "http://example.org/base/"}}
	cl, err := c.client()
	if err != nil || cl.base != "http://example.org/base" {
		t.Fatalf("got %+v, %v", cl, err)
	}
	if want := "gowanus: warning: the password goes to example.org unencrypted; use https\n"; stderr.String() != want {
		t.Errorf("got %q", stderr.String())
	}
}

func TestOutcome(t *testing.T) {
	_, cl, _ := answering(t, map[string]string{
		"GET /v1/activities/t1/children/recurse?limit=2000": `{"s1": {"id": "s1", "displayName": "run", "isError": true, "submitTimeUtc": 2,
			"streams": {"stderr": {"metadata": {"size": 9}}}}, "s0": {"id": "s0", "displayName": "fine", "submitTimeUtc": 1}}`,
		"GET /v1/activities/s1/stream/stderr": "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\x1b[2J\n",
	})
	err := cl.outcome(t.Context(), &activity{ID: "t1", Name: "start", EntityName: "shop", IsError: true, Result: "it broke"})
	want := "start of shop failed: it broke\nrun printed:\n  2\n  3\n  4\n  5\n  6\n  7\n  8\n  9\n  10\n  11[2J"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := cl.outcome(t.Context(), &activity{ID: "t1"}); err != nil {
		t.Error(err)
	}
}

func TestFollow(t *testing.T) {
	tree := `[{"id": "a", "name": "app", "serviceState": "RUNNING"}]`
	c, cl, asked := answering(t, map[string]string{
		"GET /v1/activities/t1?timeout=0":                                    `202 {"id": "t1", "currentStatus": "In progress"}`,
		"GET /v1/activities/t1?timeout=1s":                                   `{"id": "t1", "currentStatus": "Completed", "endTimeUtc": 5}`,
		"GET /v1/applications/details?includeAllApps=false&depth=-1&items=a": tree,
	})
	if err := c.follow(t.Context(), cl, c.newView("running"), "a", "t1"); err != nil {
		t.Fatal(err)
	}
	if got := c.stdout.(*bytes.Buffer).String(); got != "app: running\n" {
		t.Errorf("told %q", got)
	}
	if len(*asked) != 4 {
		t.Errorf("asked %q", *asked)
	}
}

func TestDoing(t *testing.T) {
	_, cl, _ := answering(t, map[string]string{
		"GET /v1/activities/t1/children/recurse?limit=2000": `{
			"b": {"id": "b", "displayName": "start", "entityId": "web", "submitTimeUtc": 1, "submittedByTask": {"metadata": {"id": "t1"}}},
			"a": {"id": "a", "displayName": "pull-image", "submitTimeUtc": 1, "submittedByTask": {"metadata": {"id": "b"}}, "blockingDetails": "pulling nginx"},
			"c": {"id": "c", "displayName": "over", "entityId": "db", "submitTimeUtc": 1, "endTimeUtc": 2}}`,
	})
	got, err := cl.doing(t.Context(), &activity{ID: "t1", EntityID: "app"})
	if err != nil || len(got) != 1 || got["web"] != "pulling nginx" {
		t.Errorf("got %v, %v", got, err)
	}
}
