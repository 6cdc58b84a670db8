package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestPage shows entries and visits, and escapes what visitors write.
func TestPage(t *testing.T) {
	signed := ""
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + r.URL.Path {
		case "POST/visit":
			fmt.Fprint(w, 42)
		case "GET/lists/entries":
			fmt.Fprint(w, `["hello","<script>"]`)
		case "POST/lists/entries":
			text, _ := io.ReadAll(r.Body)
			signed = string(text)
			fmt.Fprint(w, 3)
		}
	}))
	defer other.Close()
	g := &web{title: "Test", store: other.URL, counter: other.URL, client: other.Client()}
	server := httptest.NewServer(g.handler())
	defer server.Close()

	resp, err := http.PostForm(server.URL, url.Values{"entry": {" me "}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body) // of the page that it leads to
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>Test</title>", "visitor number 42.", "<li>hello</li>", "<li>&lt;script&gt;</li>"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	if signed != "me" {
		t.Errorf("stored %q, want %q", signed, "me")
	}
}

func TestServiceIsDown(t *testing.T) {
	g := &web{store: "http://127.0.0.1:1", counter: "http://127.0.0.1:1", client: http.DefaultClient}
	rec := httptest.NewRecorder()
	g.handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusBadGateway || !strings.Contains(rec.Body.String(), "connection refused") {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
