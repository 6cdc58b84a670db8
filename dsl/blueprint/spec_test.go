package blueprint_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestSplitType(t *testing.T) {
	for _, tt := range []struct{ ref, name, version string }{
		{"redis", "redis", ""},
		{"redis:3.0.0", "redis", "3.0.0"},
		{"redis:1", "redis", "1"},
		{"redis:1_SNAPSHOT", "redis", "1_SNAPSHOT"},
		{"redis:0.0.0-SNAPSHOT", "redis", "0.0.0-SNAPSHOT"},
		{"redis:2-rc", "redis", "2-rc"},
		{"redis:latest", "redis:latest", ""},
		{"redis:", "redis:", ""},
		{":1", ":1", ""},
		{"chef:cookbook", "chef:cookbook", ""},
		{"docker:redis:3", "docker:redis:3", ""},
		{"docker:3", "docker:3", ""},
		{"http://host:8080/x", "http://host:8080/x", ""},
		{"http:8080/x", "http:8080/x", ""},
	} {
		name, version := blueprint.SplitType(tt.ref)
		if name != tt.name || version != tt.version {
			t.Errorf("SplitType(%q) = %q, %q; want %q, %q", tt.ref, name, version, tt.name, tt.version)
		}
		if version != "" {
			if got := (&blueprint.Spec{Type: name, Version: version}).TypeRef(); got != tt.ref {
				t.Errorf("TypeRef of %q = %q", tt.ref, got)
			}
		}
	}
}

func TestConfigWith(t *testing.T) {
	entry := func(key string, v any) yamlpos.Entry {
		return yamlpos.Entry{Key: key, Value: &yamlpos.Node{Kind: yamlpos.Scalar, Value: v}}
	}
	c := blueprint.Config{entry("a", "1"), entry("b", "2")}
	d := c.With(entry("a", "3")).With(entry("c", "4"))
	if got := c.Get("a").Value; got != "1" {
		t.Errorf("the original's a = %v, want it untouched", got)
	}
	var keys []string
	for _, e := range d {
		keys = append(keys, e.Key+"="+e.Value.Value.(string))
	}
	if want := []string{"a=3", "b=2", "c=4"}; !slices.Equal(keys, want) {
		t.Errorf("With gave %v, want %v", keys, want)
	}
	if d.Get("z") != nil {
		t.Error("Get of an absent key is not nil")
	}
}

func TestWalk(t *testing.T) {
	tree := &blueprint.Spec{ID: "root", Children: []*blueprint.Spec{
		{ID: "a", Children: []*blueprint.Spec{{ID: "a1"}}},
		{ID: "b"},
	}}
	var seen []string
	stop := errors.New("stop")
	visit := func(until string) error {
		seen = nil
		return tree.Walk(func(s *blueprint.Spec) error {
			seen = append(seen, s.ID)
			if s.ID == until {
				return stop
			}
			return nil
		})
	}
	if err := visit(""); err != nil || !slices.Equal(seen, []string{"root", "a", "a1", "b"}) {
		t.Errorf("Walk visited %v, %v", seen, err)
	}
	if err := visit("a1"); !errors.Is(err, stop) || !slices.Equal(seen, []string{"root", "a", "a1"}) {
		t.Errorf("Walk with an error at a1 visited %v, %v", seen, err)
	}
}
