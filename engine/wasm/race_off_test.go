//go:build !race

package wasm_test

const residentFactor = 1
