package bom_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/bom"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// show writes what was read, one item a line.
func show(b *bom.Bundle) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s:%s", b.Name, b.Version)
	for _, l := range b.Libraries {
		fmt.Fprintf(&out, " +%s|%s|%s", l.URL, l.Name, l.Version)
	}
	for _, i := range b.Items {
		fmt.Fprintf(&out, "\n%s:%s %s %q %q %s", i.ID, i.Version, i.Type, i.Name, i.Description,
			strings.ReplaceAll(strings.TrimSpace(i.PlanText), "\n", "; "))
	}
	return out.String()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"one item", "brooklyn.catalog:\n  id: a\n  version: 1\n  item: {type: x}", ":1\na:1  \"\" \"\" type: x"},
		{"text as plan", "brooklyn.catalog: {id: a, item: x}", ":\na:  \"\" \"\" x"},
		{"YAML in text", "brooklyn.catalog:\n  id: a\n  item: |\n    type: x\n    k: v", ":\na:  \"\" \"\" type: x; k: v"},
		{"metadata goes down", `
brooklyn.catalog:
  bundle: b
  version: 1.2
  itemType: policy
  description: all
  items:
  - {id: x, item: {type: t}}
  - version: 2
    itemType: entity
    items: [{id: y, description: own, item: {type: t}}]
`, "b:1.2\nx:1.2 policy \"\" \"all\" type: t\ny:2 entity \"\" \"own\" type: t"},
		{"version in the id", "brooklyn.catalog: {version: 1, items: [{id: 'x:3.0', item: t}]}", ":1\nx:3.0  \"\" \"\" t"},
		{"name for an id", "brooklyn.catalog: {name: n, item: t}", ":\nn:  \"n\" \"\" t"},
		{"id of the plan", "brooklyn.catalog: {items: [{item: {id: p, type: t}}]}", ":\np:  \"\" \"\" id: p; type: t"},
		{"services beside it", "brooklyn.catalog: {id: x}\nname: App\nservices: [{type: t}]", ":\nx: template \"\" \"\" name: App; services:; - type: t"},
		{"services within an item", "brooklyn.catalog: {items: [{id: x, name: N, services: [{type: t}]}]}", ":\nx:  \"N\" \"\" services:; - type: t"},
		{"items by id", "brooklyn.catalog: {items: {x: {item: t}, y: {item: u}}}", ":\nx:  \"\" \"\" t\ny:  \"\" \"\" u"},
		{"libraries", "brooklyn.catalog:\n  brooklyn.libraries: ['http://x/y.jar', 'n:1', {url: 'http://z', name: m, version: 2}]\n  id: x\n  item: t",
			": +http://x/y.jar|| +|n|1 +http://z|m|2\nx:  \"\" \"\" t"},
		{"nothing", "brooklyn.catalog: {bundle: b}", "b:"},
	} {
		b, err := bom.Parse("c.bom", []byte(tt.text), bom.Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := show(b); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"services: []":                 "c.bom:1:1: expected the key brooklyn.catalog",
		"brooklyn.catalogue: {}":       `c.bom:1:1: expected the key brooklyn.catalog; is "brooklyn.catalogue" a slip for it?`,
		"brooklyn.catalog: x":          "c.bom:1:19: brooklyn.catalog must be a map",
		"[a]":                          "c.bom:1:1: expected a map with the key brooklyn.catalog",
		"brooklyn.catalog: {itms: []}": `c.bom:1:20: unknown key "itms" of a catalog; did you mean "items"?`,
		"brooklyn.catalog: {items: [{id: a}, x, [y]]}": "c.bom:1:28: an item must have the key item, with its plan\n" +
			"c.bom:1:37: an item must be a map with id and item, not text\nc.bom:1:40: an item must be a map with id and item",
		"brooklyn.catalog: {item: {type: t}}":                              "c.bom:1:19: an item must have an id",
		"brooklyn.catalog: {id: [a], item: t}":                             "c.bom:1:19: an item must have an id\nc.bom:1:24: id must be text",
		"brooklyn.catalog: {id: 'a:1', version: 2, item: t}":               "c.bom:1:19: the id a:1 says another version than the key version, 2",
		"brooklyn.catalog: {items: [{id: a, item: t}, {id: a, item: u}]}":  "c.bom:1:46: item a is different from that of the same id and version at c.bom:1:28",
		"brooklyn.catalog: {include: other.bom}":                           "c.bom:1:29: include of other.bom: a BOM by itself has no other files; make it a zip with all of them",
		"brooklyn.catalog: {include: 'https://x/y.bom'}":                   "c.bom:1:29: this server does not fetch https://x/y.bom; put the file into the bundle, or add it by itself",
		"brooklyn.catalog: {include: 'file:///etc/passwd'}":                "c.bom:1:29: include of file:///etc/passwd: only files of the bundle, http and https can be included",
		"brooklyn.catalog: {brooklyn.libraries: [{a: b}], id: x, item: t}": "c.bom:1:41: a library must be a URL, name:version, or a map of url, name and version",
		"brooklyn.catalog:\n  id: a\n  item: |\n    a: [b":                 "c.bom:5:1: the text cannot be read as YAML",
	} {
		_, err := bom.Parse("c.bom", []byte(text), bom.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// pack makes a zip of names and contents.
func pack(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZip(t *testing.T) {
	b, err := bom.Parse("b.zip", pack(t,
		"catalog.bom", "brooklyn.catalog:\n  bundle: b\n  version: 1\n  items:\n  - include: sub/more.bom\n  - {id: x, item: t}",
		"sub/more.bom", "brooklyn.catalog: {include: last.bom, items: [{id: y, item: u}]}",
		"sub/last.bom", "brooklyn.catalog: {items: [classpath://deep.bom]}",
		"deep.bom", "brooklyn.catalog: {id: z, version: 7, item: v}",
	), bom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(b), "b:1\nz:7  \"\" \"\" v\ny:1  \"\" \"\" u\nx:1  \"\" \"\" t"; got != want || b.Format != bom.Zip {
		t.Errorf("%s\n got %s\nwant %s", b.Format, got, want)
	}
}

func TestZipErrors(t *testing.T) {
	head := "brooklyn.catalog: {id: x, item: t}"
	odd := func(change func(*zip.FileHeader)) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: "catalog.bom"}
		change(h)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(head))
		_ = z.Close()
		return b.Bytes()
	}
	small := bom.Options{Zip: bom.ZipLimits{Files: 2, Bytes: 3 << 20}}
	for _, tt := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"no BOM", pack(t, "a", "b"), "it has no catalog.bom"},
		{"up", pack(t, "../catalog.bom", head), `the file name "../catalog.bom" leads out of the archive`},
		{"absolute", pack(t, "/catalog.bom", head), `the file name "/catalog.bom" leads out of the archive`},
		{"backslash", pack(t, `a\b`, head), `has characters that are not allowed`},
		{"not UTF-8", pack(t, "a\xff", head), `has characters that are not allowed`},
		{"twice", pack(t, "catalog.bom", head, "Catalog.bom", head), `the files "catalog.bom" and "Catalog.bom" have the same name`},
		{"too many", pack(t, "catalog.bom", head, "b", "", "c", ""), "it has 3 files, ZipLimits.Files allows 2"},
		{"too large", pack(t, "catalog.bom", head, "b", noise(4<<20)), "its files have more than 3145728 bytes, ZipLimits.Bytes"},
		{"a bomb", pack(t, "catalog.bom", head, "b", strings.Repeat("0", 2<<20)), `the file "b" unpacks to more than 100 times its size, ZipLimits.Ratio`},
		{"a link", odd(func(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink) }), `"catalog.bom" is not a plain file`},
		{"encrypted", odd(func(h *zip.FileHeader) { h.Flags |= 1 }), `the file "catalog.bom" is encrypted`},
		{"a loop", pack(t, "catalog.bom", "brooklyn.catalog: {include: b}", "b", "brooklyn.catalog: {include: catalog.bom}"), "catalog.bom includes itself: catalog.bom → b → catalog.bom"},
		{"a missing file", pack(t, "catalog.bom", "brooklyn.catalog: {include: mor.bom}", "more.bom", head), `the bundle has no file mor.bom; did you mean "more.bom"?`},
		{"cut off", pack(t, "catalog.bom", head)[:60], "not a zip archive"},
	} {
		if _, err := bom.Parse("b.zip", tt.content, small); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// noise gives text that packs badly.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func seeds(f *testing.F) {
	f.Helper()
	files, _ := filepath.Glob("../../test/conformance/cases/catalog/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		node, err := yamlpos.Parse(file, text, yamlpos.Limits{})
		if err != nil {
			f.Fatal(err)
		}
		if n := node.Get("catalog"); n != nil && n.Kind == yamlpos.Scalar {
			f.Add([]byte(n.Text))
		}
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Add(pack(f, "catalog.bom", "brooklyn.catalog: {include: b}", "b", "brooklyn.catalog: {id: x, item: t}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := bom.Parse("f", content, bom.Options{Zip: bom.ZipLimits{Bytes: 1 << 20}})
		if err != nil {
			return
		}
		for _, item := range b.Items {
			if item.ID == "" || item.Plan == nil {
				t.Errorf("an item has no id or no plan: %+v", item)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("brooklyn.catalog:\n  bundle: b\n  version: 1\n  items:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - id: item-%d\n    item:\n      type: basic-entity\n      brooklyn.config: {a: 1, b: [x, y]}\n", i)
	}
	content := []byte(text.String())
	b.Run("yaml", func(b *testing.B) {
		for b.Loop() {
			if _, err := yamlpos.Parse("b", content, yamlpos.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bom", func(b *testing.B) {
		for b.Loop() {
			if _, err := bom.Parse("b", content, bom.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
