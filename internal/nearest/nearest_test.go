package nearest_test

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/internal/nearest"
)

func TestWord(t *testing.T) {
	keys := []string{"brooklyn.config", "brooklyn.children", "services", "location", "locations", "name", "id", "ids"}
	for _, tt := range []struct{ word, want string }{
		{"brooklyn.confg", "brooklyn.config"},
		{"brooklyn.cnofig", "brooklyn.config"},
		{"Brooklyn.Config", "brooklyn.config"},
		{"service", "services"},
		{"sevrices", "services"},
		{"loction", "location"},
		{"locatoins", "locations"},
		{"nmae", "name"},
		{"NAME", ""}, // four half edits are more than one edit
		{"Name", "name"},
		{"Id", "id"},
		{"ix", ""},
		{"", ""},
		{"name", ""}, // itself is no suggestion
		{"brooklyn.policy", ""},
		{"something", ""},
		{strings.Repeat("x", 100_000), ""},
		{"größe", ""},
	} {
		if got := nearest.Word(tt.word, keys); got != tt.want {
			t.Errorf("Word(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := nearest.Word("bat", []string{"cat", "hat"}); got != "cat" {
		t.Errorf("of equally near words Word gave %q, want the first", got)
	}
}

func TestHint(t *testing.T) {
	if got, want := nearest.Hint("nmae", []string{"id"}, []string{"name"}), `; did you mean "name"?`; got != want {
		t.Errorf("Hint = %q, want %q", got, want)
	}
	if got := nearest.Hint("else", []string{"name"}); got != "" {
		t.Errorf("Hint = %q, want none", got)
	}
}
