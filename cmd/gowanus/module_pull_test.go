package main

import (
	"os"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
)

func TestIsReference(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("out.d/folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]bool{
		"ghcr.io/team/redis": true, "ghcr.io/team/redis@^1": true, "localhost:5000/redis:1": true, "oci:shelf": true,
		"-": false, "redis": false, "team/redis": false, "out.d/folder": false, "out.d/redis.wasm": false, "./redis": false, "out.d/catalog.bom": false,
	} {
		if got := isReference(arg); got != want {
			t.Errorf("%s: %t", arg, got)
		}
	}
}

// TestLocalName: what somebody else named does not choose the folder.
func TestLocalName(t *testing.T) {
	for _, c := range []struct{ name, version, want string }{
		{"redis", "1.4.0", "redis-1.4.0.wasm"},
		{"../../etc/cron.d/x", "1.0.0/../../y", "x-y.wasm"},
		{"..", "..", "_-_.wasm"},
		{"a/", "1\x00", "a-1_.wasm"},
		{".bashrc", "1", "_bashrc-1.wasm"},
	} {
		got := localName(&ship.Fetched{Format: ship.Wasm, Description: &hook.Description{Name: c.name, Version: c.version}})
		if got != c.want {
			t.Errorf("%q %q: %q, want %q", c.name, c.version, got, c.want)
		}
	}
}
