package web_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/builtin/web"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/store"
)

// site answers with what it was asked, and otherwise as its paths say.
func site(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"method": %q, "query": %q, "body": %q, "user": %q, "header": %q, "big": 12345678901}`,
			r.Method, r.URL.RawQuery, body, user+"/"+password, r.Header.Get("X-Test"))
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up") })
	mux.HandleFunc("/missing", http.NotFound)
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func run(t *testing.T, in map[string]any) (map[string]any, error) {
	t.Helper()
	c := web.Config{Log: slog.New(slog.DiscardHandler), Limits: web.Limits{Body: 1000, Time: 200 * time.Millisecond}}
	out, err := c.Actions()[0].Run(t.Context(), &action.Call{Input: in})
	doc, _ := out.(map[string]any)
	return doc, err
}

func TestStep(t *testing.T) {
	at := site(t)
	out, err := run(t, map[string]any{
		"endpoint": at + "/echo?a=1", "method": "post", "query": map[string]any{"b": "x y"}, "body": "hello",
		"username": "joe", "password": "pw", "headers": map[string]any{"X-Test": int64(5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := out["content_json"].(map[string]any)
	for key, want := range map[string]any{"method": "POST", "query": "a=1&b=x+y", "body": "hello", "user": "joe/pw", "header": "5", "big": int64(12345678901)} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if out["status_code"] != int64(200) || out["headers"].(map[string]any)["content-type"] != "application/json" {
		t.Errorf("answer %v", out)
	}
}

func TestStepErrors(t *testing.T) {
	at := site(t)
	for _, tt := range []struct{ path, want string }{
		{"/missing", "answered with status 404"},
		{"/loop", "more than 5 redirects (Limits.Redirects)"},
		{"/elsewhere", "it redirects to file:///etc/passwd"},
		{"/long", "has more than 1000 bytes (Limits.Body)"},
		{"/slow", "within 200ms (Limits.Time)"},
	} {
		if _, err := run(t, map[string]any{"endpoint": at + tt.path}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.path, err, tt.want)
		}
	}
	for url, want := range map[string]string{
		"": `url "": expected http:// or https://`, "ftp://x": `url "ftp://x": expected http:// or https://`, "http://": `url "http://": it names no host`,
	} {
		if _, err := run(t, map[string]any{"endpoint": url}); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", url, err, want)
		}
	}
	if out, err := run(t, map[string]any{"endpoint": at + "/missing", "status_code": int64(404)}); err != nil {
		t.Errorf("a status that is wanted: %v, %v", out, err)
	}
}

func TestSensorAndEffector(t *testing.T) {
	at := site(t)
	c := web.Config{Log: slog.New(slog.DiscardHandler)}
	e, err := engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: slices.Concat(stock.Types(), c.Types()), Actions: c.Actions(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte(`
services:
- type: basic-application
  brooklyn.config:
    wanted: $brooklyn:attributeWhenReady("big")
    also: $brooklyn:attributeWhenReady("text")
  brooklyn.initializers:
  - type: http-request-sensor
    brooklyn.config: {name: big, targetType: string, uri: "` + at + `/echo", jsonPath: $.big}
  - type: http-request-sensor
    brooklyn.config: {name: text, uri: "` + at + `/text"}
  - type: http-command-effector
    brooklyn.config: {name: ask, uri: "` + at + `/echo", httpVerb: PUT, jsonPath: method, publishSensor: verb, jsonPathAndSensors: {$.body: said}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"wanted": "12345678901", "also": "up"} {
		if v, err := app.Config(t.Context(), key); v != want {
			t.Errorf("%s is %v, %v; want %s", key, v, err, want)
		}
	}
	call, err := e.Invoke(t.Context(), app, "ask", map[string]any{"body": "text"})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := call.Wait(t.Context()); v != "PUT" || err != nil {
		t.Errorf("the effector gave %v, %v", v, err)
	}
	for sensor, want := range map[string]any{"verb": "PUT", "said": "text"} {
		if v, _ := app.Sensor(sensor); v != want {
			t.Errorf("%s is %v, want %v", sensor, v, want)
		}
	}
}
