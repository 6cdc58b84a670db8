// Package names knows what types were called in former times.
//
// Blueprints outlive the software that they were written for. Apache Brooklyn
// moved its types twice, from brooklyn.* over the first packages of
// org.apache.brooklyn.* to the present ones, and Clocker moved from brooklyn.*
// to clocker.* likewise. A type says one name; the rules here give the others,
// so that whoever writes a type need not know history.
package names

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
)

// Of gives the former names of a type by its present one, in no particular
// order and without the present one. A name that no rule knows had no other.
func Of(name string) []string {
	out := slices.Clone(renamed[name])
	for _, r := range rules {
		rest, ok := strings.CutPrefix(name, r.pkg)
		if !ok || rest == "" {
			continue
		}
		for _, old := range r.old {
			if former := old + rest; !slices.Contains(out, former) {
				out = append(out, former)
			}
		}
		break
	}
	return out
}

// key is a name as the registry of types keeps it.
type key struct{ kind, name string }

// Complete adds to the aliases of each type the former names of its name and
// aliases. What a type says itself counts before what history gives to
// another; of two types with one former name the first has it.
func Complete(types []*catalog.Type) {
	owner := map[key]string{}
	for _, t := range types {
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			owner[key{t.Kind, name}] = t.Name
		}
	}
	for _, t := range types {
		t.Aliases = slices.Clip(t.Aliases)
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			for _, former := range Of(name) {
				k := key{t.Kind, former}
				if _, taken := owner[k]; taken && (owner[k] != t.Name || former == t.Name || slices.Contains(t.Aliases, former)) {
					continue
				}
				owner[k] = t.Name
				t.Aliases = append(t.Aliases, former)
			}
		}
	}
}
