// Package wasm runs modules that other people wrote, inside limits. It knows
// bytes, hooks by their number and nothing of entities: package engine/guest
// gives the bytes their meaning.
//
// A Runtime loads modules. Load checks a module (package rewrite) and returns
// at once; the module is compiled at its first call, or by Prepare, in a
// bounded number of workers and with a cache on disk. A Module keeps a pool of
// instances, because an instance can serve one call at a time. Instances are
// interchangeable: one that trapped, ran too long, answered nonsense or grew
// too large is thrown away.
//
// Besides the limits of each call a module has budgets: its instances share
// TotalPages of memory and over time may keep BusyShare processors busy. One
// that fails too often in a row is suspended, and Config.OnSuspend is told.
//
// A module whose code is in the cache is not read again: ten Go programs of 3.3
// MB each are loaded and started in 0.1 s, 0.15 s of processor time on two
// cores, half of which is for reading their 14 MB of machine code
// (BenchmarkTenModules; one after the other, and with the whole module read and
// validated, it was 0.8 s). A call of a guest that does nothing takes half a
// microsecond and allocates its answer.
//
// What a module is allowed to import and must export is described in
// sdk/ABI.md. Every limit is a field of Limits.
package wasm
