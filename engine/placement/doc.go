// Package placement chooses a host: hosts and a demand in, an order of the
// hosts and its explanation out. It is pure, so the same question always has
// the same answer.
//
// A Snapshot is what is known of the hosts of a location at one moment. A
// Strategy, most often a function of a WebAssembly module, scores or refuses
// all hosts in one call. Choose runs a chain of them: each sees the hosts that
// the one before left, first the refused ones go, then the scores sort,
// stably. So the last strategy that tells hosts apart dominates, those before
// it break ties, and hosts that nobody tells apart stay in the order in which
// the location lists them. Explain says of every host why it was refused or
// how it scored.
//
// The columns that modules read and the rankings they answer with are laid
// out as sdk/ABI.md describes; columns.go and ranking.go have that layout.
package placement
