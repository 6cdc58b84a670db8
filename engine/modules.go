package engine

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/bom"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/version"
)

// moduleRecord is a module of a bundle as the store keeps it.
type moduleRecord struct {
	Digest      string            `json:"digest"`
	Description json.RawMessage   `json:"description"`
	Granted     []hook.Capability `json:"granted,omitempty"`
	Suspended   string            `json:"suspended,omitempty"` // why it is not called
}

func moduleRecords(b *catalog.Bundle) (out []moduleRecord) {
	for _, m := range modulesOf(b) {
		out = append(out, moduleRecord{m.Digest, m.Description(), m.Granted(), m.Suspended()})
	}
	return out
}

func modulesOf(b *catalog.Bundle) (out []*module.Module) {
	for _, m := range b.Modules {
		if m, ok := m.(*module.Module); ok {
			out = append(out, m)
		}
	}
	return out
}

// include makes the types of modules types of the bundle that brought them.
func include(b *catalog.Bundle, modules []*module.Module) {
	for _, m := range modules {
		b.Modules = append(b.Modules, m)
		for _, t := range registered(m) {
			t.Bundle = b
			b.Types = append(b.Types, t)
		}
	}
}

// registered gives the types of a module as they stand in the catalog.
func registered(m *module.Module) []*catalog.Type {
	types := m.Types()
	for i, t := range types {
		if t.Instance != nil {
			types[i] = t.Instance
		}
	}
	return types
}

// read makes a bundle of what a client sent. With an error, the bundle has
// what could be read, or is nil.
func (e *Engine) read(ctx context.Context, types *catalog.Registry, r BundleRequest) (*catalog.Bundle, error) {
	if module.Is(r.Content) {
		m, err := e.inspect(ctx, r.Content)
		if err != nil {
			return nil, err
		}
		return alone(m, time.Now().UTC()), nil
	}
	modules, err := e.archived(ctx, r.Content)
	if err != nil {
		return nil, err
	}
	return e.readBOM(types, r.File, r.Content, modules)
}

// alone makes the bundle of a module that comes without anything else.
func alone(m *module.Module, created time.Time) *catalog.Bundle {
	b := &catalog.Bundle{
		Name: m.Name(), Version: m.Version(), Format: catalog.ModuleFormat,
		Checksum: strings.TrimPrefix(m.Digest, "sha256:"), Created: created,
	}
	include(b, []*module.Module{m})
	return b
}

func (e *Engine) inspect(ctx context.Context, content []byte) (*module.Module, error) {
	if e.cfg.Modules == nil {
		return nil, fault.New(fault.Unavailable, "modules cannot be installed here")
	}
	m, err := e.cfg.Modules.Examine(ctx, content)
	if err != nil {
		return nil, err
	}
	if err := e.usable(m); err != nil {
		return nil, err
	}
	return m, e.rivals(m)
}

// usable refuses a module that could be of no use here, or that has a name of
// the server's.
func (e *Engine) usable(m *module.Module) error {
	if len(m.Types()) == 0 {
		return fault.New(fault.Invalid, "module %s has no types: nothing could use it", m.Name())
	}
	for _, b := range e.Bundles() {
		if b.Native && b.Name == m.Name() && (len(b.Types) == 0 || b.Types[0].Module == "" || version.Compare(m.Version(), b.Version) <= 0) {
			return fault.New(fault.Conflict, "module %s %s: the server has a bundle of this name, of version %s", m.Name(), m.Version(), b.Version)
		}
	}
	for _, c := range m.Capabilities() {
		if _, known := e.actions[c.Value]; c.Kind == hook.CapStep && !known {
			return fault.New(fault.Invalid, "module %s asks for the step type %q, which this server does not have%s", m.Name(), c.Value, nearest.Hint(c.Value, sortedKeys(e.actions)))
		}
	}
	for _, t := range m.Types() {
		if err := e.reserved(t); err != nil {
			return fault.New(fault.Conflict, "module %s: %w", m.Name(), err)
		}
	}
	return nil
}

// reserved refuses names of steps and formats that the server has itself.
func (e *Engine) reserved(t *catalog.Type) error {
	if t.Kind == catalog.Step {
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			_, acts := e.actions[name]
			if acts || slices.ContainsFunc(step.Kinds(), func(k *step.Kind) bool { return k.Name == name }) {
				return fault.New(fault.Conflict, "the step type %s belongs to the server itself", name)
			}
		}
	}
	for _, word := range t.Formats {
		if slices.Contains(ownFormats, strings.ToLower(word)) {
			return fault.New(fault.Conflict, "format %s: %q is read by the server itself", t.Name, word)
		}
		if !strings.HasPrefix(word, ".") && !strings.Contains(word, "/") {
			return fault.New(fault.Invalid, "format %s: %q: expected a media type, or a file extension with its dot", t.Name, word)
		}
	}
	return nil
}

// ownFormats are the extensions and media types of blueprints and bundles that
// the server reads, and those that clients send with any text.
var ownFormats = []string{
	".yaml", ".yml", ".bom", ".zip", ".json", ".wasm", ".txt", "",
	"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml", "application/json", "text/json", "text/plain",
	"application/octet-stream", "application/zip", "application/x-zip", "application/x-zip-compressed", "application/wasm",
	"application/x-www-form-urlencoded", "multipart/form-data", "application/vnd.oci.image.manifest.v1+json",
}

// rivals refuses a module with a type whose names belong to somebody else: a
// module that is installed must not take over what is there.
func (e *Engine) rivals(m *module.Module) error {
	for _, t := range registered(m) {
		for _, other := range e.types.Load().Types() {
			if other.Kind != t.Kind || other.Unbuilt != "" || other.Module == t.Module && other.Plan == nil || comesWith(other, t.Module) {
				continue
			}
			name := shared(t, other)
			for _, word := range t.Formats {
				if slices.Contains(other.Formats, word) {
					name = word
				}
			}
			if name != "" {
				owner := "the server itself"
				switch {
				case other.Plan != nil:
					owner = "bundle " + other.Bundle.Name
				case other.Module != "":
					owner = "module " + other.Module
				}
				return fault.New(fault.Conflict, "module %s has the %s type %s, which belongs to %s", m.Name(), t.Kind, name, owner)
			}
		}
	}
	return nil
}

// comesWith tells whether an item of the catalog stands in a bundle that brings
// a module.
func comesWith(item *catalog.Type, name string) bool {
	return item.Plan != nil && (item.Bundle == nil || slices.ContainsFunc(modulesOf(item.Bundle), func(m *module.Module) bool { return m.Name() == name }))
}

// shared gives a name that two types have in common, "" when they have none.
func shared(a, b *catalog.Type) string {
	for _, name := range append([]string{a.Name}, a.Aliases...) {
		if name == b.Name || slices.Contains(b.Aliases, name) || b.Prefix != "" && strings.HasPrefix(name, b.Prefix) {
			return name
		}
	}
	for _, name := range append([]string{b.Name}, b.Aliases...) { // with its versions, NAME:VERSION
		if a.Prefix != "" && strings.HasPrefix(name+":", a.Prefix) {
			return name
		}
	}
	if a.Prefix != "" && b.Prefix != "" && (strings.HasPrefix(a.Prefix, b.Prefix) || strings.HasPrefix(b.Prefix, a.Prefix)) {
		return a.Prefix
	}
	return ""
}

// archived examines the modules in an archive; any other content has none.
func (e *Engine) archived(ctx context.Context, content []byte) (out []*module.Module, err error) {
	if !bom.IsZip(content) {
		return nil, nil
	}
	archive, err := bom.Open(content, bom.ZipLimits{})
	if err != nil {
		return nil, err
	}
	for _, name := range archive.Names() {
		if path.Ext(name) != ".wasm" {
			continue
		}
		bin, err := archive.Read(name)
		if err != nil {
			return out, err
		}
		m, err := e.inspect(ctx, bin)
		if err != nil {
			return out, fault.Wrap(err, "file", name)
		}
		m.In(archive.Read)
		out = append(out, m)
	}
	return out, nil
}

// reopen makes a bundle of what the store holds. Its modules are not loaded.
func (e *Engine) reopen(types *catalog.Registry, r bundleRecord) (*catalog.Bundle, error) {
	var modules []*module.Module
	var files func(string) ([]byte, error)
	if len(r.Modules) > 0 && e.cfg.Modules == nil {
		return nil, fault.New(fault.Unavailable, "modules cannot be used here")
	}
	if len(r.Modules) > 0 && bom.IsZip(r.Content) {
		archive, err := bom.Open(r.Content, bom.ZipLimits{})
		if err != nil {
			return nil, err
		}
		files = archive.Read
	}
	for _, rec := range r.Modules {
		m, err := e.cfg.Modules.Open(rec.Digest, rec.Description, files)
		if err != nil {
			return nil, err
		}
		m.Grant(rec.Granted)
		m.Hold(rec.Suspended)
		e.cfg.Modules.Keep(m)
		modules = append(modules, m)
	}
	if len(r.Content) == 0 && len(modules) == 1 {
		return alone(modules[0], r.Created), nil
	}
	return e.readBOM(types, r.Name+":"+r.Version, r.Content, modules)
}

// takeover prepares for a bundle's modules to be used: they are granted what
// they may do, kept on disk, and asked whether they can go on with the states
// that other versions of them left.
func (e *Engine) takeover(ctx context.Context, before, after *catalog.Registry, b *catalog.Bundle, r BundleRequest) error {
	for _, m := range modulesOf(b) {
		if r.GrantAll {
			m.GrantAll()
		} else {
			m.Grant(slices.Concat(r.Grants, e.grantedBefore(before, m)))
		}
		if err := unasked(m, r.Grants); err != nil {
			return err
		}
	}
	if len(b.Modules) > 0 {
		if err := e.rehearse(ctx, after, func(t *catalog.Type) bool { return t.Bundle == b }); err != nil {
			return fault.New(fault.KindOf(err), "%s is not installed, and nothing is changed: %w", b.ID(), err)
		}
	}
	for _, m := range modulesOf(b) {
		if err := e.cfg.Modules.Save(m); err != nil {
			return err
		}
	}
	return nil
}

// unasked refuses grants that no module of the request asks for: they would be
// typing errors.
func unasked(m *module.Module, grants []hook.Capability) error {
	for _, g := range grants {
		if !slices.ContainsFunc(m.Capabilities(), func(c hook.Capability) bool { return c.Kind == g.Kind && c.Value == g.Value }) {
			return fault.New(fault.Invalid, "module %s does not ask for the capability %s=%s", m.Name(), g.Kind, g.Value)
		}
	}
	return nil
}

// grantedBefore gives what the best version of a module that is there was
// granted.
func (e *Engine) grantedBefore(types *catalog.Registry, m *module.Module) []hook.Capability {
	var best *module.Module
	for _, b := range types.Bundles() {
		for _, old := range modulesOf(b) {
			if old.Name() == m.Name() && !old.Shipped && (best == nil || version.Compare(old.Version(), best.Version()) > 0) {
				best = old
			}
		}
	}
	if best == nil {
		return nil
	}
	return best.Granted()
}

// exchange puts a new catalog in charge and lets running entities have the
// declarations of their types in it.
func (e *Engine) exchange(next *catalog.Registry, added *catalog.Bundle, gone []*catalog.Bundle) {
	if slices.Contains(next.Bundles(), added) {
		for _, m := range modulesOf(added) {
			e.cfg.Modules.Keep(m)
		}
	}
	e.types.Store(next)
	if len(modulesOf(added)) > 0 || slices.ContainsFunc(gone, func(b *catalog.Bundle) bool { return len(b.Modules) > 0 }) {
		e.redeclare()
	}
	for _, b := range gone {
		if !slices.Contains(next.Bundles(), b) {
			e.retire(b)
		}
	}
}

// orphaned finds what a module of a bundle is in charge of, and that nothing
// else in a catalog is or could go on with.
func (e *Engine) orphaned(ctx context.Context, after *catalog.Registry, b *catalog.Bundle) error {
	if len(b.Modules) == 0 {
		return nil
	}
	before := e.types.Load()
	lost := func(kind, name string) bool {
		had, _ := before.Get(kind, name)
		t, err := after.Get(kind, name)
		return had != nil && had.Bundle == b && (err != nil || t.Disabled)
	}
	for _, ent := range e.tree.All() {
		if lost(catalog.Entity, ent.Type()) {
			return fault.New(fault.Conflict, "entity %s (%s) is of its type %s", ent.Name(), ent.ID(), ent.Type())
		}
		for _, a := range e.policies.Of(string(ent.ID())) {
			if lost(a.Kind, a.Type) {
				return fault.New(fault.Conflict, "%s %s of entity %s is of its type %s", a.Kind, a.Name, ent.Name(), a.Type)
			}
			t, err := after.Get(a.Kind, a.Type)
			if err != nil || t.Module == "" {
				continue
			}
			r := a.Record
			if err := bring(ctx, t, &r); err != nil {
				return err
			}
		}
	}
	return nil
}

// redeclare gives entities whose type has another best version now the
// declaration of that.
func (e *Engine) redeclare() {
	for _, ent := range e.tree.All() {
		t, err := e.types.Load().Get(catalog.Entity, ent.Type())
		if err == nil && t.Plan == nil && t.Version != ent.Declaration().Version {
			ent.Redeclare(e.declareStored)
		}
	}
}

// retire gives the memory of a bundle's modules back once their calls ended.
func (e *Engine) retire(b *catalog.Bundle) {
	for _, m := range modulesOf(b) {
		e.cfg.Modules.Forget(m)
		if err := e.tasks.Go("retire module "+m.Name(), func(context.Context) {
			if err := m.Retire(); err != nil {
				e.log.Warn("module does not end", "module", m.Name(), "err", err)
			}
		}); err != nil {
			e.log.Warn("module does not end", "module", m.Name(), "err", err)
		}
	}
}

// BundleContent gives a bundle as it was installed.
func (e *Engine) BundleContent(b *catalog.Bundle) ([]byte, error) {
	if all := modulesOf(b); b.Content == nil && len(all) == 1 {
		return all[0].Content()
	}
	if b.Content == nil {
		return nil, fault.New(fault.NotFound, "bundle %s came with the server and has no file", b.ID())
	}
	return b.Content, nil
}
