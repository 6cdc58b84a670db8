package catalog

import "time"

// ModuleFormat is that of a bundle which is a module and nothing else.
const ModuleFormat = "gowanus-module"

// Bundle is a set of types that was installed together, and is the first
// place where its types look for others. Name and Version identify it.
type Bundle struct {
	Name     string
	Version  string
	Format   string // "brooklyn-bom-yaml", "brooklyn-bom-zip", ModuleFormat; "" for native ones
	Checksum string // SHA-256 of Content, in hex
	IconURL  string
	Native   bool // it came with the server and stays
	Created  time.Time
	Content  []byte   // as installed; nil for native ones and for modules that came alone
	Types    []*Type  // it defines, in the order of the text
	Modules  []Module // that its types come from
}

// Module is a module that a bundle brought.
type Module interface {
	Name() string
	Version() string
}

// ID gives "name:version".
func (b *Bundle) ID() string { return b.Name + ":" + b.Version }
