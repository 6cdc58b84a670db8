package guest

import "github.com/gowanus-project/gowanus/engine/fault"

// kindOf gives the kind that a word of sdk/ABI.md stands for in an error
// answer. The words are part of the contract and stay when a kind is renamed.
// Any other word is Internal: a defect of the module.
func kindOf(word string) fault.Kind {
	for _, row := range [...]struct {
		word string
		kind fault.Kind
	}{
		{"internal", fault.Internal},
		{"invalid", fault.Invalid},
		{"not-found", fault.NotFound},
		{"conflict", fault.Conflict},
		{"unauthorized", fault.Unauthorized},
		{"forbidden", fault.Forbidden},
		{"timeout", fault.Timeout},
		{"cancelled", fault.Cancelled},
		{"unavailable", fault.Unavailable},
		{"limit", fault.Limit},
		{"capacity", fault.Capacity},
		{"on-fire", fault.OnFire},
		{"read-only", fault.ReadOnly},
		{"precondition", fault.Precondition},
	} {
		if row.word == word {
			return row.kind
		}
	}
	return fault.Internal
}
