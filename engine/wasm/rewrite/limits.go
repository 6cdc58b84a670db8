package rewrite

import "github.com/gowanus-project/gowanus/engine/fault"

// Limits bound the structure of a module. They are what keeps compiling cheap:
// the compiler cannot be interrupted.
type Limits struct {
	ModuleBytes       int // size of the file
	Types             int // function types
	Imports           int // functions imported
	Functions         int // functions defined
	Params            int // parameters of a function, and as many results
	LocalsPerFunction int // locals of a function, parameters included
	CodePerFunction   int // bytes of code of one function, and values that its calls leave
	Nesting           int // depth of blocks
	BlockLocals       int // blocks and switch targets of one function, times its locals, 4 and a 16th of the blocks: the compiler's time grows with it
	TotalBlockLocals  int // the same of all functions together
	Globals           int
	Exports           int
	Tables            int
	TableEntries      int // entries of one table, also after growing
	Segments          int // data segments, and as many element segments
	SegmentEntries    int // entries of all element segments
	DataBytes         int // bytes of all data segments
	MemoryPages       int // pages of 64 KiB, also after growing
}

// DefaultLimits accepts what the Go, TinyGo, C, Rust and AssemblyScript
// compilers make of a module of reasonable size.
func DefaultLimits() Limits {
	return Limits{
		ModuleBytes: 32 << 20, Types: 10_000, Imports: 1_000, Functions: 100_000, Params: 100,
		LocalsPerFunction: 10_000, CodePerFunction: 192 << 10, Nesting: 5_000, BlockLocals: 2_000_000, TotalBlockLocals: 30_000_000,
		Globals: 10_000, Exports: 10_000, Tables: 8, TableEntries: 200_000,
		Segments: 50_000, SegmentEntries: 200_000, DataBytes: 32 << 20, MemoryPages: 2048,
	}
}

// FillDefaults replaces fields that are 0 by those of DefaultLimits.
func (l *Limits) FillDefaults() {
	d := DefaultLimits()
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.ModuleBytes, d.ModuleBytes}, {&l.Types, d.Types}, {&l.Imports, d.Imports}, {&l.Functions, d.Functions}, {&l.Params, d.Params},
		{&l.LocalsPerFunction, d.LocalsPerFunction}, {&l.CodePerFunction, d.CodePerFunction}, {&l.Nesting, d.Nesting},
		{&l.BlockLocals, d.BlockLocals}, {&l.TotalBlockLocals, d.TotalBlockLocals}, {&l.Globals, d.Globals}, {&l.Exports, d.Exports}, {&l.Tables, d.Tables},
		{&l.TableEntries, d.TableEntries}, {&l.Segments, d.Segments}, {&l.SegmentEntries, d.SegmentEntries},
		{&l.DataBytes, d.DataBytes}, {&l.MemoryPages, d.MemoryPages},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
}

// over reports that a limit is exceeded, naming it as the field of Limits is.
func over(limit string, allowed int, what string, got uint64) error {
	return fault.New(fault.Limit, "%s: %d, the limit %s allows %d", what, got, limit, allowed)
}

func within(limit string, allowed int, what string, got uint64) error {
	if got > uint64(allowed) {
		return over(limit, allowed, what, got)
	}
	return nil
}
