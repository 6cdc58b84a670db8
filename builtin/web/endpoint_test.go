package web

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
)

func TestReadEndpoint(t *testing.T) {
	for in, want := range map[string]string{
		"db:5432": "db:5432", " 10.0.0.1:80 ": "10.0.0.1:80", "[::1]:22": "[::1]:22", "http://web/": "web:80", "https://web": "web:443",
		"http://web:8080/x": "web:8080", "ssh://h": "h:22",
	} {
		if got, err := ReadEndpoint(in); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "web", "web:", ":80", "web:x", "web:0", "web:65536", "gopher://web", "http://"} {
		if got, err := ReadEndpoint(in); err == nil || err.Error() != `endpoint "`+in+`": expected host:port, or a URL` {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	check := func(ctx context.Context, input map[string]any) (map[string]any, error) {
		out, err := checkEndpoint(ctx, &action.Call{Input: input, Block: func(string) func() { return func() {} }})
		m, _ := out.(map[string]any)
		return m, err
	}
	watch := map[string]any{"endpoint": address, "while": true, "period": "1ms", "for": "20ms"}
	out, err := check(t.Context(), watch)
	if err != nil || out["reachable"] != true {
		t.Errorf("watched, it answered %v, %v", out, err)
	}
	out, err = check(t.Context(), map[string]any{"endpoint": address})
	if err != nil || out["reachable"] != true || out["error"] != nil || out["endpoint"] != address {
		t.Errorf("got %v, %v", out, err)
	}
	closing := time.AfterFunc(10*time.Millisecond, func() { listener.Close() })
	defer closing.Stop()
	watch["for"] = "1m"
	if out, err = check(t.Context(), watch); err != nil || out["reachable"] != false {
		t.Errorf("watched, it answered %v, %v", out, err)
	}
	out, err = check(t.Context(), map[string]any{"endpoint": address, "timeout": "10s"})
	if err != nil || out["reachable"] != false || !strings.Contains(out["error"].(string), "refused") {
		t.Errorf("got %v, %v", out, err)
	}
	if _, err = check(t.Context(), map[string]any{"endpoint": address, "timeout": "0s"}); err == nil || err.Error() != "step input timeout: expected a duration above 0, got 0s" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err = check(ctx, map[string]any{"endpoint": address}); err == nil {
		t.Errorf("given up, it answered %v", out)
	}
}

func FuzzReadEndpoint(f *testing.F) {
	f.Add("http://[::1%25eth0]/x")
	f.Add("a:1")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ReadEndpoint(text); err == nil {
			if again, err := ReadEndpoint(got); err != nil || again != got {
				t.Errorf("%q became %q, and that %q, %v", text, got, again, err)
			}
		}
	})
}
