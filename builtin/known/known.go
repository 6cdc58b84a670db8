// Package known has the types that blueprints of Brooklyn and Clocker name and
// that this server cannot run: what they are, with their config keys, sensors
// and effectors, and what to use instead. A blueprint that names one can so be
// read, checked and explained.
//
// They are data, in types/*.yaml; 00-groups.yaml tells the form.
package known

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"sync"

	"github.com/gowanus-project/gowanus/builtin/names"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

//go:embed types/*.yaml
var files embed.FS

// version is below that of every type that can run, so that one that is added
// later under the same name is preferred.
const version = "0.0.0"

// Types gives all known types, under all their names. Each call reads them
// anew; the caller owns them.
func Types() ([]*catalog.Type, error) {
	list, err := files.ReadDir("types")
	if err != nil {
		return nil, fmt.Errorf("known types: %w", err)
	}
	texts := make([]source, len(list))
	var wg sync.WaitGroup
	for i, f := range list { // by name, so that 00-groups.yaml is the first
		texts[i].file = path.Join("types", f.Name())
		wg.Go(texts[i].parse) // a server reads them at each start, so that milliseconds count
	}
	wg.Wait()
	r := reader{groups: map[string]*members{}}
	for i := range texts {
		r.read(&texts[i])
	}
	if err := r.errs.Err(); err != nil {
		return nil, fmt.Errorf("known types: %w", err)
	}
	names.Complete(r.types)
	return r.types, nil
}

// source is one file of types.
type source struct {
	file string
	root *yamlpos.Node
	err  error
}

func (s *source) parse() {
	text, err := files.ReadFile(s.file)
	if err != nil {
		s.err = err
		return
	}
	s.root, s.err = yamlpos.Parse(s.file, text, yamlpos.Limits{})
}

// key is a name as the registry of types keeps it.
type key struct{ kind, name string }

// Besides gives the known types that are none of those given, without the
// aliases that those have.
func Besides(types []*catalog.Type) ([]*catalog.Type, error) {
	all, err := Types()
	if err != nil {
		return nil, err
	}
	taken := map[key]bool{}
	for _, t := range types {
		taken[key{t.Kind, t.Name}] = true
		for _, alias := range t.Aliases {
			taken[key{t.Kind, alias}] = true
		}
	}
	isTaken := func(t *catalog.Type) bool { return taken[key{t.Kind, t.Name}] }
	all = slices.DeleteFunc(all, isTaken)
	for _, t := range all {
		t.Aliases = slices.DeleteFunc(t.Aliases, func(alias string) bool { return taken[key{t.Kind, alias}] })
	}
	return all, nil
}
