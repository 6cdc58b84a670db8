package guest

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// TestKindsOfErrors: modules can answer with every kind there is, by the words
// that the contract has.
func TestKindsOfErrors(t *testing.T) {
	for _, k := range fault.Kinds() {
		if got := kindOf(k.String()); got != k {
			t.Errorf("%s is taken for %s", k, got)
		}
	}
	for _, word := range []string{"", "Invalid", "teapot"} {
		if got := kindOf(word); got != fault.Internal {
			t.Errorf("%q is taken for %s", word, got)
		}
	}
}
