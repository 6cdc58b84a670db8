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
// What a module is allowed to import and must export is described in
// sdk/ABI.md. Every limit is a field of Limits.
package wasm
