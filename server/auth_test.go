package server

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func get(s *Server, user, password, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/v1/server/version", nil)
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	if from != "" {
		r.RemoteAddr = from
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestAuthentication(t *testing.T) {
	s := New(newFake(t), Config{Password: "pw", User: "joe"})
	for _, c := range []struct {
		user, password string
		want           int
	}{
		{"joe", "pw", 200}, {"joe", "", 401}, {"joe", "pw2", 401}, {"admin", "pw", 401}, {"", "", 401}, {"logout", "logout", 401},
	} {
		w := get(s, c.user, c.password, "")
		if w.Code != c.want {
			t.Errorf("%s:%s: %d, want %d", c.user, c.password, w.Code, c.want)
		}
		if c.want == 401 {
			h := w.Header()
			if h.Get("WWW-Authenticate") != `BASIC realm="brooklyn"` || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || w.Body.String() != "Authentication failed" {
				t.Errorf("401 is %v %q", h, w.Body)
			}
		}
	}
}

func TestLogoutIsNoUser(t *testing.T) {
	s := New(newFake(t), Config{Password: "logout", User: "logout"})
	if w := get(s, "logout", "logout", ""); w.Code != 401 {
		t.Errorf("logout:logout got %d", w.Code)
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(newFake(t), Config{Password: "pw"})
		for range 9 {
			get(s, "admin", "guess", "10.1.1.1:5000")
		}
		for range 20 { // a browser asks without a password first; that is no guess
			get(s, "", "", "10.1.1.1:5001")
		}
		if w := get(s, "admin", "pw", "10.1.1.1:5000"); w.Code != 200 {
			t.Fatalf("refused after 9 failures: %d", w.Code)
		}
		time.Sleep(20 * time.Second)
		get(s, "admin", "guess", "10.1.1.1:5002")
		w := get(s, "admin", "pw", "10.1.1.1:5000")
		want := `{"message":"too many failed logins from this address: try again in 40 s","error":429}`
		if w.Code != 429 || w.Body.String() != want || w.Header().Get("Retry-After") != "40" {
			t.Errorf("got %d %s %s", w.Code, w.Body, w.Header().Get("Retry-After"))
		}
		if w := get(s, "admin", "pw", "10.1.1.2:5000"); w.Code != 200 {
			t.Errorf("another address is refused too: %d", w.Code)
		}
		time.Sleep(40 * time.Second)
		if w := get(s, "admin", "pw", "10.1.1.1:5000"); w.Code != 200 {
			t.Errorf("still refused after the window: %d", w.Code)
		}
	})
}

func TestThrottleForgets(t *testing.T) {
	g := newGuard("u", "p", Limits{AuthAddresses: 100}.withDefaults())
	now := time.Now()
	for i := range 1000 {
		g.failed(fmt.Sprint("address ", i), now.Add(time.Duration(i)*time.Millisecond))
		if len(g.failures) > 100 {
			t.Fatalf("%d addresses are remembered", len(g.failures))
		}
	}
	g.failed("late", now.Add(time.Hour))
	if len(g.failures) != 1 {
		t.Errorf("%d addresses are remembered after an hour", len(g.failures))
	}
}

func TestClient(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:80": "10.0.0.1", "[2001:db8::1:2]:80": "2001:db8::/64", "[::ffff:10.0.0.1]:80": "10.0.0.1", "[fe80::1%eth0]:80": "fe80::/64", "odd": "odd",
	} {
		if got := client(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

func TestOtherOrigin(t *testing.T) {
	s := New(newFake(t).withShop(t), Config{Password: "pw"})
	for _, c := range []struct {
		method, header, value string
		want                  int
	}{
		{"DELETE", "Sec-Fetch-Site", "cross-site", 403}, {"DELETE", "Origin", "http://evil.example", 403},
		{"GET", "Sec-Fetch-Site", "cross-site", 200}, {"DELETE", "Sec-Fetch-Site", "same-origin", 202},
	} {
		r := httptest.NewRequest(c.method, "/v1/applications/shop1", nil)
		r.SetBasicAuth("admin", "pw")
		r.Header.Set(c.header, c.value)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.value, w.Code, c.want, w.Body)
		}
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	f := newFake(t).withShop(t)
	s := logged(f, &log)
	for _, path := range []string{"/v1/applications/shop1/entities/web1/effectors/echo?timeout=1s&q=hush", "/v1/applications/shop1/entities/web1/config/env?x=hush"} {
		r := httptest.NewRequest("POST", path, strings.NewReader(`{"password": "hush"}`))
		r.SetBasicAuth("admin", "pw")
		r.Header.Set("X-Request-Id", "req-1")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	get(s, "admin", "hush", "")
	text := log.String()
	if strings.Contains(text, "hush") || strings.Contains(text, "pw\"") {
		t.Errorf("the log has a secret:\n%s", text)
	}
	for _, want := range []string{"request=req-1 method=POST path=/v1/applications/shop1/entities/web1/effectors/echo status=200", "user=admin", "login failed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	f := newFake(t)
	f.panics = true
	r := httptest.NewRequest("POST", "/v1/applications", strings.NewReader("name: x"))
	r.SetBasicAuth("admin", "pw")
	r.Header.Set("X-Request-Id", "bad id\n")
	w := httptest.NewRecorder()
	logged(f, &log).Handler().ServeHTTP(w, r)
	id := w.Header().Get("X-Request-Id")
	want := fmt.Sprintf(`{"message":"internal error; the server's log tells more under request %s","error":500}`, id)
	if w.Code != 500 || w.Body.String() != want || len(id) != 12 {
		t.Errorf("got %d %s, id %q", w.Code, w.Body, id)
	}
	if !strings.Contains(log.String(), "told to") || !strings.Contains(log.String(), "fake_test.go") {
		t.Errorf("the log does not tell: %s", log.String())
	}
}
