// Package catalog holds the registered types: what a name in a blueprint
// stands for, whichever way it is implemented.
package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// The kinds of types, as hook.Type.Kind spells them.
const (
	Entity      = "entity"
	Policy      = "policy"
	Enricher    = "enricher"
	Strategy    = "strategy"
	Initializer = "initializer"
)

// EntityImpl decides what the effectors of an entity do.
type EntityImpl interface {
	Effector(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error)
	// Continue is called for a step that says so, with the outputs so far.
	Continue(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error)
}

// PolicyImpl decides what a policy does about an event.
type PolicyImpl interface {
	Event(ctx context.Context, c *hook.PolicyCall) (*hook.Decision, error)
}

// StrategyImpl makes a placement strategy with the given config.
type StrategyImpl func(config map[string]any) (placement.Strategy, error)

// Type is a registered type. What Kind says decides which implementation is
// set; a type without one can be used in a tree but has no effectors.
type Type struct {
	hook.Type
	Version     string
	Module      string // the module it comes from; "" for a native type
	Application bool   // an entity type that can stand at the top by itself
	Entity      EntityImpl // of an initializer: decides the effectors that it adds
	Policy      PolicyImpl
	Enricher    EnricherImpl
	Initializer InitializerImpl
	Strategy    StrategyImpl
}

// Registry maps names to types. Its methods may be called at the same time.
type Registry struct {
	mu       sync.RWMutex
	types    []*Type
	byName   map[string]*Type // kind + " " + name or alias
	prefixed []*Type
}

// New gives a registry of the given types.
func New(types ...*Type) (*Registry, error) {
	r := &Registry{byName: map[string]*Type{}}
	for _, t := range types {
		if err := r.Add(t); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Add registers a type under its name and aliases. A name that is taken is
// refused with fault.Conflict.
func (r *Registry) Add(t *Type) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := append([]string{t.Name}, t.Aliases...)
	for _, n := range names {
		if other := r.byName[t.Kind+" "+n]; other != nil {
			return fault.New(fault.Conflict, "%s type %s is registered already, by %s", t.Kind, n, origin(other))
		}
	}
	for _, n := range names {
		r.byName[t.Kind+" "+n] = t
	}
	if t.Prefix != "" {
		r.prefixed = append(r.prefixed, t)
	}
	r.types = append(r.types, t)
	return nil
}

func origin(t *Type) string {
	if t.Module != "" {
		return "module " + t.Module
	}
	return "the server itself"
}

// Get finds the type of a kind by name, alias or prefix. An unknown name is
// fault.NotFound with the nearest known one.
func (r *Registry) Get(kind, name string) (*Type, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	name = strings.TrimPrefix(name, "java:")
	if t := r.byName[kind+" "+name]; t != nil {
		return t, nil
	}
	for _, t := range r.prefixed {
		if t.Kind == kind && strings.HasPrefix(name, t.Prefix) && len(name) > len(t.Prefix) {
			return t, nil
		}
	}
	if near := nearest.Word(name, r.names(kind)); near != "" {
		return nil, fault.New(fault.NotFound, "unknown %s type %q; did you mean %q?", kind, name, near)
	}
	return nil, fault.New(fault.NotFound, "unknown %s type %q", kind, name)
}

func (r *Registry) names(kind string) []string {
	var out []string
	for n := range r.byName {
		if k, name, _ := strings.Cut(n, " "); k == kind {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Types gives all registered types in the order of their names.
func (r *Registry) Types() []*Type {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := slices.Clone(r.types)
	slices.SortFunc(out, func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })
	return out
}
