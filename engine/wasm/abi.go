package wasm

import "github.com/gowanus-project/gowanus/engine/wasm/rewrite"

// ABIVersion is the version of the contract that modules must speak.
const ABIVersion = 1

// Names of the contract.
const (
	exportMemory = "memory"
	exportABI    = "gw_abi"
	exportAlloc  = "gw_alloc"
	exportCall   = "gw_call"
	exportInit   = "_initialize"

	hostModule = "gowanus"
	wasiModule = "wasi_snapshot_preview1"
)

// sig writes a signature with one letter per value: i is i32, I is i64.
func sig(params, results string) rewrite.Signature {
	types := func(letters string) string {
		b := make([]byte, len(letters))
		for k := range b {
			b[k] = rewrite.I32
			if letters[k] == 'I' {
				b[k] = rewrite.I64
			}
		}
		return string(b)
	}
	return rewrite.Signature{Params: types(params), Results: types(results)}
}

// exports are the functions that every module has.
func exports() map[string]rewrite.Signature {
	return map[string]rewrite.Signature{exportABI: sig("", "i"), exportAlloc: sig("i", "i"), exportCall: sig("iii", "I")}
}

// imports are the functions that a module may import.
func imports() map[string]rewrite.Signature {
	all := map[string]rewrite.Signature{}
	for from, functions := range map[string][]hostFunction{hostModule: hostFunctions(), wasiModule: wasiFunctions()} {
		for _, f := range functions {
			all[from+"."+f.name] = f.signature
		}
	}
	return all
}

func rules(l *Limits) *rewrite.Rules {
	return &rewrite.Rules{Limits: l.Structure, Imports: imports(), Exports: exports(), Memory: exportMemory}
}
