package pattern_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/internal/pattern"
)

func TestWild(t *testing.T) {
	for _, c := range []struct {
		glob, text string
		want       bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "x.y", true},
		{"*.example.org", "api.example.org", true}, {"*.example.org", "example.org", false}, {"*.example.org", "api.example.org.evil", false},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"a**c", "ac", true},
		{"docker.io/library/*", "docker.io/library/redis:7", true}, {"[a]?", "a", false},
	} {
		if got := pattern.Wild(c.glob, c.text); got != c.want {
			t.Errorf("%q of %q: %v", c.glob, c.text, got)
		}
	}
}
