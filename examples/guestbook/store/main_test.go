package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// TestKept writes, opens the file again, and finds what was written.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "g.json")
	for _, want := range []string{"1", "2"} {
		s, err := open(file)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s.handler())
		if status, got := post(t, server.URL+"/numbers/visits", ""); status != 200 || got != want {
			t.Errorf("visits: %d %s, want %s", status, got, want)
		}
		if status, got := post(t, server.URL+"/lists/entries", "hello <b>"); status != 200 || got != want {
			t.Errorf("entries: %d %s, want %s", status, got, want)
		}
		server.Close()
	}
}

func TestLimits(t *testing.T) {
	s, err := open(filepath.Join(t.TempDir(), "g.json"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.handler())
	defer server.Close()
	if status, got := post(t, server.URL+"/lists/x", strings.Repeat("x", maxItem+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long item: %d %s", status, got)
	}
	for range maxItems + 5 {
		post(t, server.URL+"/lists/x", "x")
	}
	if n := len(s.Lists["x"]); n != maxItems {
		t.Errorf("%d items kept, want %d", n, maxItems)
	}
}
