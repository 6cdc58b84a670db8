package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// What a module was granted is not left by redirects, nor by names that lead
// to addresses which were not.
func TestConfined(t *testing.T) {
	at := site(t)
	here, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, at+"/text", http.StatusFound) }))
	t.Cleanup(away.Close)
	awayHost := strings.TrimPrefix(away.URL, "http://")
	local := "http://localhost:" + here.Port() + "/text"
	for _, c := range []struct {
		url     string
		granted []any
		want    string // "" is allowed
	}{
		{at + "/text", []any{here.Host}, ""},
		{at + "/text", []any{}, "host " + here.Host + " was not granted, only "},
		{at + "/text", []any{"127.0.0.1"}, "host " + here.Host + " was not granted, only 127.0.0.1"},
		{local, []any{"localhost:" + here.Port()}, "an address that is not public and was not granted itself"},
		{local, []any{"*"}, "an address that is not public and was not granted itself"},
		{local, []any{"localhost:" + here.Port(), "127.0.0.1", "::1"}, ""},
		{away.URL, []any{awayHost, here.Host}, ""},
		{away.URL, []any{awayHost}, "host " + here.Host + " was not granted, only " + awayHost},
		{"http://169.254.169.254/latest", []any{"*"}, "the name leads to 169.254.169.254, an address that is not public"},
		{"http://[::ffff:10.0.0.1]/", []any{"*"}, "the name leads to 10.0.0.1, an address that is not public"},
		{"http://100.64.0.1/", []any{"*"}, "the name leads to 100.64.0.1, an address that is not public"},
		{"http://[fe80::1]/", []any{"*"}, "an address that is not public"},
		{"http://0.0.0.0/", []any{"*"}, "the name leads to 0.0.0.0, an address that is not public"},
	} {
		_, err := run(t, map[string]any{"endpoint": c.url, "confine": c.granted})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s with %v: %v", c.url, c.granted, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Forbidden):
			t.Errorf("%s with %v:\n got %v\nwant %s", c.url, c.granted, err, c.want)
		}
	}
}
