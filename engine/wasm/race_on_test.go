//go:build race

package wasm_test

// residentFactor is how much more memory the race detector needs for its notes.
const residentFactor = 6
