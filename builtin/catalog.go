package builtin

import (
	"slices"

	"github.com/gowanus-project/gowanus/builtin/known"
	"github.com/gowanus-project/gowanus/builtin/names"
	"github.com/gowanus-project/gowanus/engine/catalog"
)

// Catalog gives the types of a server that can run the given ones: those, with
// the names that they had in former times added to their aliases, and the
// types that are only known beside them.
func Catalog(runnable []*catalog.Type) ([]*catalog.Type, error) {
	names.Complete(runnable)
	others, err := known.Besides(runnable)
	if err != nil {
		return nil, err
	}
	return slices.Concat(runnable, others), nil
}
