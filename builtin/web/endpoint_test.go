package web

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
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

// What a module was granted is not left by names, nor by what a sensor says.
func TestCheckEndpointConfined(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	at := listener.Addr().String()
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		endpoint string
		granted  []any
		want     string // "" is reachable
	}{
		{at, []any{at}, ""},
		{at, []any{"127.0.0.1"}, ""},
		{at, []any{"*"}, ""},
		{at, []any{}, "host " + at + " was not granted, only "},
		{at, []any{"10.*"}, "host " + at + " was not granted, only 10.*"},
		{"localhost:" + port, []any{"localhost:" + port}, "an address that is not public and was not granted itself"},
		{"localhost:" + port, []any{"local*"}, "an address that is not public and was not granted itself"},
		{"localhost:" + port, []any{"localhost:*", "127.*", "::1"}, ""},
	} {
		out, err := checkEndpoint(t.Context(), &action.Call{Input: map[string]any{"endpoint": c.endpoint, "confine": c.granted}})
		switch m, _ := out.(map[string]any); {
		case c.want == "" && (err != nil || m["reachable"] != true):
			t.Errorf("%s with %v: %v, %v", c.endpoint, c.granted, out, err)
		case c.want != "" && (fault.KindOf(err) != fault.Forbidden || !strings.HasSuffix(err.Error(), c.want)):
			t.Errorf("%s with %v: %v, %v", c.endpoint, c.granted, out, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "2606:4700::1111": true, "64:ff9b::1.1.1.1": true, "2002:101:101::": true,
		"10.0.0.1": false, "172.31.0.1": false, "192.168.1.1": false, "127.0.0.2": false, "169.254.169.254": false, "0.1.2.3": false, "0.0.0.0": false,
		"100.100.100.200": false, "168.63.129.16": false, "192.0.0.192": false, "198.19.0.1": false, "240.0.0.1": false, "255.255.255.255": false, "224.0.0.1": false,
		"::1": false, "::": false, "::127.0.0.1": false, "fe80::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::10.0.0.1": false, "64:ff9b::169.254.169.254": false, "64:ff9b:1::a": false, "2002:7f00:1::": false, "2002:a00:1::": false, "2001:0:1::": false, "2001:db8::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v", text, got)
		}
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
