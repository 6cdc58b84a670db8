// Package external has the providers of values that blueprints name but do not
// hold: external("provider", "key").
//
// All of these values count as secrets: whoever resolves one learns it to
// package secret, which keeps it out of logs, REST and the output of tasks.
// Errors name the provider and the key, never a value or a credential.
package external

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/secret"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Provider gives values by key.
type Provider interface {
	// Get gives a value, a text or what a file has. A key that is not there is
	// fault.NotFound.
	Get(ctx context.Context, key string) (any, error)
}

// Providers are those of a server by name. They never change.
type Providers map[string]Provider

// Resolve gives a value of a provider, and learns it as a secret.
func (p Providers) Resolve(ctx context.Context, provider, key string) (any, error) {
	found := p[provider]
	if found == nil {
		names := slices.Sorted(maps.Keys(p))
		if len(names) == 0 {
			return nil, fault.New(fault.NotFound, "unknown external provider %q: this server has none", provider)
		}
		return nil, fault.New(fault.NotFound, "unknown external provider %q%s; there is %s", provider, nearest.Hint(provider, names), strings.Join(names, ", "))
	}
	v, err := found.Get(ctx, key)
	if err != nil {
		return nil, fault.Wrap(err, "external "+provider, key)
	}
	secret.Learn(v)
	return v, nil
}

// kinds read the config of each kind of provider.
var kinds = map[string]func(r *reader) Provider{
	"env": readEnv, "file": readFile, "directory": readDirectory, "vault": readVault, "in-place": readInPlace,
}

// Read makes a provider as a configuration file describes it: its type, and
// the keys of that. The error has all problems at their places.
func Read(n *yamlpos.Node) (Provider, error) {
	r := &reader{node: n, known: map[string]bool{"type": true}}
	if n.Kind != yamlpos.Map {
		r.errs.Add(n.Pos, "expected a provider, a map with the key type")
		return nil, r.errs.Err()
	}
	make := kinds[r.text("type")]
	if make == nil {
		words := slices.Sorted(maps.Keys(kinds))
		r.errs.Add(n.Pos, "unknown type of provider %q%s; expected one of %s", r.text("type"), nearest.Hint(r.text("type"), words), strings.Join(words, ", "))
		return nil, r.errs.Err()
	}
	p := make(r)
	for _, e := range n.Entries {
		if !r.known[e.Key] {
			r.errs.Add(e.KeyPos, "unknown key %q of a provider of type %s%s", e.Key, r.text("type"), nearest.Hint(e.Key, slices.Sorted(maps.Keys(r.known))))
		}
	}
	return p, r.errs.Err()
}

// reader reads the keys of one provider.
type reader struct {
	node  *yamlpos.Node
	errs  yamlpos.Errors
	known map[string]bool
}

// text reads a key that holds text, "" for none.
func (r *reader) text(key string) string {
	r.known[key] = true
	n := r.node.Get(key)
	if n == nil || n.Kind == yamlpos.Null {
		return ""
	}
	if n.Kind != yamlpos.Scalar {
		r.errs.Add(n.Pos, "%s must be text", key)
		return ""
	}
	return n.Text
}

// needed is text that must be there.
func (r *reader) needed(key string) string {
	v := r.text(key)
	if v == "" {
		r.errs.Add(r.node.Pos, "a provider of type %s needs the key %s", r.text("type"), key)
	}
	return v
}

// inPlace has its values in the configuration file; it is for tests.
type inPlace map[string]any

func readInPlace(r *reader) Provider {
	r.known["values"] = true
	n := r.node.Get("values")
	if n == nil || n.Kind != yamlpos.Map {
		r.errs.Add(r.node.Pos, "a provider of type in-place needs values, a map")
		return nil
	}
	v, _ := n.Any().(map[string]any)
	return inPlace(v)
}

// Get is part of Provider.
func (p inPlace) Get(_ context.Context, key string) (any, error) {
	if v, ok := p[key]; ok {
		return v, nil
	}
	return nil, missing(key)
}

func missing(key string) error { return fault.New(fault.NotFound, "there is no key %q", key) }
