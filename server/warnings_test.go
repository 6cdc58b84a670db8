package server

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// What is taken with a warning is told in the header of the answer, each
// warning once.
func TestWarningsAreHeaders(t *testing.T) {
	const want = `299 - "b.yaml:3:5: P has no config key \"a\\b\" at all"`
	for _, c := range []struct {
		path   string
		status int
	}{{"", 201}, {"?check=true", 204}} {
		s := New(newFake(t).withShop(t), Config{Password: "pw"})
		r := httptest.NewRequest("POST", "/v1/applications"+c.path, strings.NewReader("name: odd"))
		r.Header.Set("Content-Disposition", `attachment; filename="b.yaml"`)
		r.SetBasicAuth("admin", "pw")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if got := strings.Join(w.Header().Values("Warning"), "\n"); w.Code != c.status || got != want {
			t.Errorf("%s: %d\n got %s\nwant %s", c.path, w.Code, got, want)
		}
	}
}

// However many warnings there are, clients can take the header.
func TestWarningsAreBounded(t *testing.T) {
	s := New(newFake(t), Config{Password: "pw"})
	w := httptest.NewRecorder()
	tell := warnings(s.echo.NewContext(httptest.NewRequest("POST", "/", nil), w))
	for line := range 100 {
		tell(&yamlpos.Error{Pos: yamlpos.Pos{File: "b.yaml", Line: line + 1, Col: 1}, Msg: strings.Repeat("ö", 1000)})
	}
	all := w.Header().Values("Warning")
	if len(all) != maxWarnings {
		t.Errorf("%d warnings, want %d", len(all), maxWarnings)
	}
	for _, text := range all {
		if len(text) > maxWarning+20 || !strings.HasSuffix(text, `ö…"`) {
			t.Errorf("%d bytes: %s", len(text), text)
		}
	}
}
