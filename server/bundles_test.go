package server

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/entity"
)

// archived gives a zip of files, a name and a content each.
func archived(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func answer(h http.Handler, method, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.SetBasicAuth("admin", "pw")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestArchive(t *testing.T) {
	f := newFake(t).withShop(t)
	h := New(f, Config{Password: "pw"}).Handler()
	shop, err := f.tree.Get("shop1")
	if err == nil {
		_, err = f.tree.Add(t.Context(), shop, &entity.New{Declaration: web(), Record: entity.Record{
			ID: "drawn1", Name: "drawn", Type: "Web", Item: "drawn:1", IconURL: "classpath://img/one.png",
		}}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	content := archived(t, "catalog.bom", `
brooklyn.catalog:
  bundle: pictures
  version: 1
  iconUrl: classpath://img/all.svg
  items:
  - {id: drawn, iconUrl: "classpath://img/one.png", item: {type: Web}}
  - {id: page, iconUrl: img/page.html, item: {type: Web}}
  - {id: lost, iconUrl: "classpath:img/lost.png", item: {type: Web}}
  - {id: out, iconUrl: ../../etc/one.png, item: {type: Web}}
`, "img/all.svg", "<svg/>", "img/one.png", "png", "img/page.html", "<script>")
	if w := answer(h, "POST", "/v1/catalog/bundles", content); w.Code != 201 {
		t.Fatalf("add: %d %s", w.Code, w.Body)
	}
	bundle := "/v1/catalog/bundles/pictures/1"
	for _, test := range []struct {
		path     string
		status   int
		kind     string
		contains string
	}{
		{bundle, 200, jsonType, `"iconUrl":"/v1/catalog/bundles/pictures/1/icon"`},
		{bundle + "/icon", 200, "image/svg+xml", "<svg/>"},
		{bundle + "/types/drawn/latest/icon", 200, "image/png", "png"},
		{"/v1/catalog/types/drawn/1", 200, jsonType, `"iconUrl":"/v1/catalog/types/drawn/1/icon"`},
		{"/v1/catalog/types/drawn/1/icon", 200, "image/png", "png"},
		{"/v1/catalog/icon/drawn/1", 200, "image/png", "png"},
		{"/v1/catalog/types/page/1/icon", 404, jsonType, "there is no icon img/page.html"},
		{"/v1/catalog/types/lost/1/icon", 404, jsonType, "the archive has no file img/lost.png"},
		{"/v1/catalog/types/out/1/icon", 404, jsonType, "the archive has no file ../../etc/one.png"},
		{"/v1/applications/shop1/entities/drawn1/icon", 200, "image/png", "png"},
		{"/v1/applications/details?items=drawn1", 200, jsonType, `"iconUrl":"/v1/applications/shop1/entities/drawn1/icon"`},
		{bundle + "/download", 200, "application/zip", string(content)},
	} {
		w := answer(h, "GET", test.path, nil)
		if kind := w.Header().Get("Content-Type"); w.Code != test.status || kind != test.kind || !strings.Contains(w.Body.String(), test.contains) {
			t.Errorf("%s: got %d %s %.300s", test.path, w.Code, kind, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "image/") && (w.Header().Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: headers %v", test.path, w.Header())
		}
	}
	if w := answer(h, "GET", bundle+"/download", nil); w.Header().Get("Content-Disposition") != `attachment; filename="pictures-1.zip"` {
		t.Errorf("download: %v", w.Header())
	}
	if w := answer(h, "POST", "/v1/catalog/bundles", content); w.Code != 200 || !strings.Contains(w.Body.String(), "IGNORING_BUNDLE_AREADY_INSTALLED") {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
}

// endless is a body that fails the test when it is read.
type endless struct{ t *testing.T }

func (e endless) Read([]byte) (int, error) {
	e.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

func TestLargeBundle(t *testing.T) {
	h := New(newFake(t), Config{Password: "pw"}).Handler()
	r := httptest.NewRequest("POST", "/v1/catalog/bundles", endless{t})
	r.ContentLength = 100_000_000
	r.SetBasicAuth("admin", "pw")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	want := `{"message":"the body has more than 33554432 bytes (Limits.Bundle)","error":413}`
	if w.Code != 413 || w.Body.String() != want || w.Header().Get("Connection") != "close" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
}
