// Package extism compares calls of the same guests through Gowanus and through
// Extism's Go SDK, in one process and with the same version of wazero. It is a
// module of its own, so that the product does not depend on Extism:
//
//	cd test/bench/extism && go test -bench . -benchtime 2s
//
// or "make bench-extism". Without clang and wasm-ld the C guests are left out.
package extism
