package catalog

import "time"

// Bundle is a set of types that was installed together, and is the first
// place where its types look for others. Name and Version identify it.
type Bundle struct {
	Name     string
	Version  string
	Format   string // "brooklyn-bom-yaml", "brooklyn-bom-zip"; "" for native ones
	Checksum string // SHA-256 of Content, in hex
	IconURL  string
	Native   bool // it came with the server and stays
	Created  time.Time
	Content  []byte  // as installed; nil for native ones
	Types    []*Type // it defines, in the order of the text
}

// ID gives "name:version".
func (b *Bundle) ID() string { return b.Name + ":" + b.Version }
