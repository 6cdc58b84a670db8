package expr

import "github.com/gowanus-project/gowanus/internal/yamlpos"

// Prefix starts every expression.
const Prefix = "$brooklyn:"

// RefKind tells what a Ref names.
type RefKind uint8

const (
	RefEntity RefKind = iota // an entity: How and Name
	RefConfig                // a config key: Name
	RefSensor                // a sensor: Name
)

// Ref is something that an expression names with a constant, so that it can
// be checked before anything runs.
type Ref struct {
	Kind RefKind
	How  Locator     // of RefEntity
	Name string      // entity id, config key or sensor name
	Pos  yamlpos.Pos // of the name
	// Of is the entity that is asked, a RefEntity. Nil is the entity that
	// owns the value, or with Deferred one that only evaluation can find.
	Of       *Ref
	Deferred bool
}
