package server

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestChangesOutliveTheClient(t *testing.T) {
	for _, c := range []struct{ method, path, body string }{
		{"POST", "", "name: x"},
		{"PUT", "/mine", "name: x"},
		{"DELETE", "/shop1", ""},
		{"POST", "/shop1/entities/shop1/children", "type: x"},
		{"POST", "/shop1/entities/web1/expunge", ""},
		{"POST", "/shop1/entities/web1/name?name=y", ""},
		{"POST", "/shop1/entities/web1/config/image", `"y"`},
		{"POST", "/shop1/entities/web1/tag/add", `"y"`},
		{"POST", "/shop1/entities/web1/tag/delete", `"y"`},
		{"POST", "/shop1/entities/web1/tag/upsert/k", `"y"`},
		{"POST", "/shop1/entities/web1/effectors/echo?timeout=0", ""},
	} {
		s := New(newFake(t).withShop(t), Config{Password: "pw"})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequest(c.method, "/v1/applications"+c.path, strings.NewReader(c.body)).WithContext(gone)
		r.SetBasicAuth("admin", "pw")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code >= 300 {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

// TestHammer looks and changes from many sides at once, for the race detector.
func TestHammer(t *testing.T) {
	f := newFake(t).withShop(t)
	s := New(f, Config{Password: "pw"})
	end := time.Now().Add(100 * time.Millisecond)
	var wg sync.WaitGroup
	for _, x := range []struct{ method, path, body string }{
		{"GET", "/fetch", ""}, {"GET", "/details?items=web1&sensors=*&config=*", ""}, {"GET", "/shop1/entities/web1/activities?recurse", ""},
		{"POST", "/shop1/entities/web1/sensors/n", "%d"}, {"POST", "/shop1/entities/web1/config/n", "%d"},
		{"POST", "/shop1/entities/web1/tag/upsert/n", "%d"}, {"POST", "/shop1/entities/web1/name?name=n", "%d"},
	} {
		wg.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				body := strings.ReplaceAll(x.body, "%d", fmt.Sprint(n))
				r := httptest.NewRequest(x.method, "/v1/applications"+x.path, strings.NewReader(body))
				r.SetBasicAuth("admin", "pw")
				w := httptest.NewRecorder()
				if s.Handler().ServeHTTP(w, r); w.Code >= 300 {
					t.Errorf("%s %s: %d %s", x.method, x.path, w.Code, w.Body)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkRequests(b *testing.B) {
	f := newFake(b).withShop(b)
	s := New(f, Config{Password: "pw"})
	for name, path := range map[string]string{
		"entity": "/v1/applications/shop1/entities/web1", "sensor": "/v1/applications/shop1/entities/web1/sensors/ratio",
		"fetch": "/v1/applications/fetch", "unauthorized": "",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/"+strings.TrimPrefix(path, "/"), nil)
				if path != "" {
					r.SetBasicAuth("admin", "pw")
				}
				s.Handler().ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
