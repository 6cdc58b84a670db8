package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestParseSettings(t *testing.T) {
	here := location.Definition{Name: "localhost", Kind: "localhost"}
	for _, c := range []struct {
		text string
		want []location.Definition
	}{
		{"", []location.Definition{here}},
		{"# nothing\n", []location.Definition{here}},
		{"locations:\n", []location.Definition{here}},
		{
			"locations:\n  cloud:\n    kind: docker\n    hosts: [a, b]\n",
			[]location.Definition{{Name: "cloud", Kind: "docker", Config: map[string]any{"hosts": []any{"a", "b"}}}, here},
		},
		{
			"locations:\n- name: localhost\n  kind: localhost\n  address: h\n  config: {n: 1}\n",
			[]location.Definition{{Name: "localhost", Kind: "localhost", Config: map[string]any{"address": "h", "n": int64(1)}}},
		},
	} {
		s, err := parseSettings("config.yaml", []byte(c.text))
		if err != nil || !reflect.DeepEqual(s.locations, c.want) {
			t.Errorf("%q: got %+v, %v", c.text, s, err)
		}
	}
	for text, want := range map[string]string{
		"- a":                    "config.yaml:1:1: expected a map with the keys locations and external",
		"locatoins: {}":          `config.yaml:1:1: unknown key "locatoins"; did you mean "locations"?`,
		"locations: all":         "config.yaml:1:12: locations: expected a list, or a map by name",
		"locations: [docker]":    "config.yaml:1:13: expected a location, a map with the key kind",
		"locations: {x: {a: 1}}": "config.yaml:1:16: location x has no kind, such as docker or localhost",
	} {
		if _, err := parseSettings("config.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("locations:\n- name: a\n  kind: docker\n"))
	f.Add([]byte("locations: {a: {kind: docker, config: {x: [1]}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSettings("c", text)
		var u *failure
		if err != nil && (!errors.As(err, &u) || u.code != exitUsage) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && len(s.locations) == 0 {
			t.Errorf("%q: no location at all", text)
		}
	})
}

func TestLocate(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\n":            "name: a\n\nlocation: \"box\"\n",
		"name: a":              "name: a\nlocation: \"box\"\n",
		` {"name": "a"}`:       ` {"location": "box", "name": "a"}`,
		"services:\n- type: x": "services:\n- type: x\nlocation: \"box\"\n",
	} {
		got, err := locate("f", []byte(text), "box")
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"location: here":          "f:1:11: the blueprint says where to deploy already; leave out --location",
		"name: a\nlocations: [x]": "f:2:12: the blueprint says where to deploy already; leave out --location",
		"- a":                     "Error in blueprint: f:1:1: expected a map",
	} {
		if _, err := locate("f", []byte(text), "box"); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzLocate(f *testing.F) {
	f.Add([]byte("name: a\nservices:\n- type: b\n"), "here")
	f.Add([]byte(`{"name": "a"}`), "a\"b")
	f.Add([]byte("a: |\n  text\n...\n"), "x: y")
	f.Add([]byte("# {\n{}"), "x")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		out, err := locate("f", text, name)
		if err != nil {
			return
		}
		root, err := yamlpos.Parse("f", out, yamlpos.Limits{})
		if err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if got := root.Get("location"); got == nil || utf8.ValidString(name) && got.Any() != name {
			t.Errorf("%q became %q, whose location is %v, not %q", text, out, got.Any(), name)
		}
	})
}

func TestArguments(t *testing.T) {
	got, err := arguments([]string{"a=1", "b:=1", "c=", "d:=[1]", "e=x=y:=z"})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if s, isText := got[name].(string); isText {
			text = append(text, "'"+s+"'")
		} else {
			text = append(text, value(got[name]))
		}
	}
	if s := strings.Join(text, " "); s != "'1' 1 '' [1] 'x=y:=z'" {
		t.Error(s)
	}
	for arg, want := range map[string]string{
		"x":     `argument "x": expected NAME=VALUE or NAME:=JSON`,
		"=x":    `argument "=x": expected NAME=VALUE or NAME:=JSON`,
		":=1":   `argument ":=1": expected NAME=VALUE or NAME:=JSON`,
		"x:=no": `argument "x:=no": what follows := is not JSON; for text use =`,
	} {
		if _, err := arguments([]string{arg}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	var texts sync.Map
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			text, _, err := keep(dir, "secret", newPassword)
			if err != nil || len(text) < 20 {
				t.Errorf("got %q, %v", text, err)
			}
			texts.Store(text, true)
		})
	}
	wg.Wait()
	n := 0
	texts.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d different texts", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keep(dir, "empty", newPassword); err == nil || err.Error() != filepath.Join(dir, "empty")+" is empty; delete it" {
		t.Errorf("an empty file: %v", err)
	}
}
