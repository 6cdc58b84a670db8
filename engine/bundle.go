package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/dsl/bom"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/version"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

const bundleBucket store.Bucket = "bundle"

// The codes of what became of a request for the catalog, in Brooklyn's words
// and spelling.
const (
	BundleInstalled = "INSTALLED_NEW_BUNDLE"
	BundleUpdated   = "UPDATED_EXISTING_BUNDLE"
	BundleIgnored   = "IGNORING_BUNDLE_AREADY_INSTALLED"
	BundleRemoved   = "BUNDLE_REMOVED"
	BundleBad       = "ERROR_PREPARING_BUNDLE"
)

// BundleRequest is a bundle for the catalog: a BOM in YAML, a zip that has one,
// or a module.
type BundleRequest struct {
	Content  []byte
	File     string            // for error messages
	Format   string            // "" finds out
	Force    bool              // also in place of a different one of the same version
	Grants   []hook.Capability // what its modules may do, on top of what versions before them might
	GrantAll bool              // they may do all that they ask for
}

// BundleResult tells what became of it.
type BundleResult struct {
	Code    string
	Message string
	Bundle  *catalog.Bundle
	Types   []*catalog.Type

	Warnings []*yamlpos.Error // what may be wrong with the items, or is missing here but not elsewhere
}

// bundleRecord is a bundle as the store keeps it. Marks are of types, by id.
type bundleRecord struct {
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	Content    []byte         `json:"content"`
	Created    time.Time      `json:"created"`
	Gone       []string       `json:"gone,omitempty"` // types that were deleted, or replaced by another bundle's
	Deprecated []string       `json:"deprecated,omitempty"`
	Disabled   []string       `json:"disabled,omitempty"`
	Modules    []moduleRecord `json:"modules,omitempty"`
}

// Bundles gives the bundles of the catalog, native ones too.
func (e *Engine) Bundles() []*catalog.Bundle { return e.types.Load().Bundles() }

// Bundle finds a bundle; "latest" is a version.
func (e *Engine) Bundle(name, version string) (*catalog.Bundle, error) {
	return e.types.Load().Bundle(name, version)
}

// Type finds a type of any kind; "latest" is a version.
func (e *Engine) Type(name, version string) (*catalog.Type, error) {
	return e.types.Load().Type(name, version)
}

// AddBundle installs a bundle: all of its items or, when there is a problem
// with any, none. It is stored before it can be used.
//
// Errors: Invalid with all problems (a *yamlpos.Errors where they have a
// place); Conflict when something of its name and version is there and differs,
// unless that is a snapshot or Force says so.
func (e *Engine) AddBundle(ctx context.Context, r BundleRequest) (*BundleResult, error) {
	e.installing.Lock()
	defer e.installing.Unlock()
	types := e.types.Load()
	b, problems := e.read(ctx, types, r)
	if b == nil {
		return nil, problems
	}
	installed := false
	defer func() {
		if !installed {
			e.retire(b)
		}
	}()
	code, replaced, err := displaced(types, b, r.Force)
	if err != nil {
		return nil, err
	}
	if code == BundleIgnored && problems == nil {
		return e.again(ctx, replaced, r)
	}
	next, err := types.Without(func(t *catalog.Type) bool { return slices.Contains(replaced, t) }).With(b.Types...)
	if err != nil {
		return nil, err
	}
	warnings, err := e.examine(ctx, next, b.Types, problems)
	if err != nil {
		return nil, err
	}
	if err := e.takeover(ctx, types, next, b, r); err != nil {
		return nil, err
	}
	var batch store.Batch
	if err := keep(&batch, next, append(bundlesOf(replaced), b)...); err != nil {
		return nil, err
	}
	if err := e.store.Commit(ctx, &batch); err != nil {
		return nil, fault.Wrap(err, "install bundle", b.ID())
	}
	installed = true
	e.exchange(next, b, bundlesOf(replaced))
	return &BundleResult{Code: code, Message: "bundle " + b.ID() + " is installed" + ungranted(b), Bundle: b, Types: b.Types, Warnings: warnings}, nil
}

// ungranted tells of the modules of a bundle that ask for more than they were
// granted. Whoever installs a module by itself is shown what it asks for.
func ungranted(b *catalog.Bundle) (text string) {
	if b.Format == catalog.ModuleFormat {
		return ""
	}
	for _, m := range modulesOf(b) {
		if n := len(m.Capabilities()) - len(m.Granted()); n > 0 {
			text += fmt.Sprintf("; module %s was not granted %d of %d capabilities", m.Name(), n, len(m.Capabilities()))
		}
	}
	return text
}

// again answers for a bundle that is there already. Its modules are in charge
// again if they were rolled back, and are granted what the request says.
func (e *Engine) again(ctx context.Context, present []*catalog.Type, r BundleRequest) (*BundleResult, error) {
	b := present[0].Bundle
	answer := &BundleResult{Code: BundleIgnored, Message: "bundle " + b.ID() + " is installed already", Bundle: b, Types: present}
	granted, err := e.grantMore(ctx, b, r)
	if err != nil {
		return nil, err
	}
	if granted {
		answer.Code, answer.Message = BundleUpdated, answer.Message+"; its grants are extended"
	}
	for _, m := range modulesOf(b) {
		if m.Withdrawn() {
			answer.Code, answer.Message = BundleUpdated, "bundle "+b.ID()+" is in charge again"
			if err := e.withdraw(ctx, m, false); err != nil {
				return nil, err
			}
		}
	}
	return answer, nil
}

// displaced tells which types a new bundle takes the place of: all of a bundle
// of its name and version, and those of other bundles with the name and version
// of one of its own. With BundleIgnored there is nothing new about it.
func displaced(types *catalog.Registry, b *catalog.Bundle, force bool) (code string, out []*catalog.Type, err error) {
	code = BundleInstalled
	for _, old := range types.Bundles() {
		if old.Name != b.Name || version.Compare(old.Version, b.Version) != 0 || old.Native {
			continue
		}
		if old.Checksum == b.Checksum {
			if present := live(types, old); len(present) == len(old.Types) && len(present) > 0 {
				return BundleIgnored, present, nil
			}
		}
		if old.Checksum != b.Checksum && !force && !version.Snapshot(b.Version) {
			return "", nil, fault.New(fault.Conflict, "cannot add bundle %s: a different one of this name and version is installed; raise the version, or force it", b.ID())
		}
		code = BundleUpdated
		out = append(out, live(types, old)...)
	}
	var problems []error
	for _, t := range b.Types {
		for _, old := range types.Types() {
			if old.Kind != t.Kind || old.Name != t.Name || version.Compare(old.Version, t.Version) != 0 || slices.Contains(out, old) {
				continue
			}
			switch {
			case old.Plan == nil:
				problems = append(problems, fault.New(fault.Conflict, "cannot add %s: %s has a type of this name and version", t.ID(), "bundle "+old.Bundle.ID()))
			case samePlan(old, t) || force || version.Snapshot(t.Version):
				out = append(out, old)
			default:
				problems = append(problems, fault.New(fault.Conflict, "cannot add %s: a different one is installed, by bundle %s; raise the version, or force it", t.ID(), old.Bundle.ID()))
			}
		}
	}
	return code, out, errors.Join(problems...)
}

func samePlan(a, b *catalog.Type) bool {
	return a.Plan != nil && b.Plan != nil && a.Plan.Text == b.Plan.Text
}

// live gives the types of a bundle that are registered.
func live(types *catalog.Registry, b *catalog.Bundle) (out []*catalog.Type) {
	for _, t := range types.Types() {
		if t.Bundle == b {
			out = append(out, t)
		}
	}
	return out
}

func bundlesOf(types []*catalog.Type) (out []*catalog.Bundle) {
	for _, t := range types {
		if !slices.Contains(out, t.Bundle) {
			out = append(out, t.Bundle)
		}
	}
	return out
}

// keep writes how bundles stand in a registry; one without types is deleted,
// unless it never had any.
func keep(batch *store.Batch, types *catalog.Registry, bundles ...*catalog.Bundle) error {
	for _, b := range bundles {
		present := live(types, b)
		if b.Native {
			continue
		}
		if len(present) == 0 && len(b.Types) > 0 {
			batch.Delete(bundleBucket, b.ID())
			continue
		}
		r := bundleRecord{Name: b.Name, Version: b.Version, Content: b.Content, Created: b.Created, Modules: moduleRecords(b)}
		for _, t := range b.Types {
			i := slices.IndexFunc(present, func(p *catalog.Type) bool { return p.Kind == t.Kind && p.ID() == t.ID() })
			switch {
			case i < 0:
				r.Gone = append(r.Gone, t.Kind+" "+t.ID())
				continue
			case present[i].Deprecated:
				r.Deprecated = append(r.Deprecated, t.Kind+" "+t.ID())
			}
			if present[i].Disabled {
				r.Disabled = append(r.Disabled, t.Kind+" "+t.ID())
			}
		}
		text, err := coerce.Encode(r)
		if err != nil {
			return fault.New(fault.Internal, "bundle %s cannot be stored: %w", b.ID(), err)
		}
		batch.Put(bundleBucket, b.ID(), text)
	}
	return nil
}

// loadBundles registers the bundles that the store holds. One that cannot be
// read any more is left out, and said so: what was made from it runs on.
func (e *Engine) loadBundles() error {
	var all []bundleRecord
	unknown := false // what of the files belongs to somebody
	err := e.store.Scan(bundleBucket, "", func(id string, value []byte) error {
		var r bundleRecord
		if err := json.Unmarshal(value, &r); err != nil {
			e.log.Error("bundle in the store cannot be read", "bundle", id, "err", err)
			unknown = true
			return nil
		}
		all = append(all, r)
		return nil
	})
	slices.SortFunc(all, func(a, b bundleRecord) int { return cmp.Compare(a.Created.UnixNano(), b.Created.UnixNano()) })
	for _, r := range all {
		if err := e.loadBundle(r); err != nil {
			e.log.Error("bundle cannot be used", "bundle", r.Name+":"+r.Version, "err", err)
		}
	}
	if err != nil || e.cfg.Modules == nil || unknown {
		return err
	}
	return e.cfg.Modules.Sweep(func(digest string) bool {
		return slices.ContainsFunc(all, func(r bundleRecord) bool {
			return slices.ContainsFunc(r.Modules, func(m moduleRecord) bool { return m.Digest == digest })
		})
	})
}

func (e *Engine) loadBundle(r bundleRecord) error {
	types := e.types.Load()
	b, err := e.reopen(types, r)
	if err != nil {
		return err
	}
	b.Created = r.Created
	present := slices.DeleteFunc(slices.Clone(b.Types), func(t *catalog.Type) bool { return slices.Contains(r.Gone, t.Kind+" "+t.ID()) })
	for _, t := range present {
		t.Deprecated = slices.Contains(r.Deprecated, t.Kind+" "+t.ID())
		t.Disabled = slices.Contains(r.Disabled, t.Kind+" "+t.ID())
	}
	for _, m := range modulesOf(b) {
		m.Withdraw(!slices.ContainsFunc(present, func(t *catalog.Type) bool { return t.Module == m.Name() && !t.Disabled }))
	}
	next, err := types.With(present...)
	if err == nil {
		e.types.Store(next)
	}
	return err
}

// RemoveBundle takes a bundle with all its types out of the catalog.
// Applications made from them stay as they are. A bundle whose types others
// start from is refused with fault.Conflict unless force says so.
func (e *Engine) RemoveBundle(ctx context.Context, name, wanted string, force bool) (*BundleResult, error) {
	e.installing.Lock()
	defer e.installing.Unlock()
	b, err := e.types.Load().Bundle(name, wanted)
	if err != nil {
		return nil, err
	}
	if b.Native {
		return nil, fault.New(fault.Conflict, "bundle %s came with the server and cannot be removed", b.ID())
	}
	gone := live(e.types.Load(), b)
	if err := e.remove(ctx, gone, b, force); err != nil {
		return nil, err
	}
	return &BundleResult{Code: BundleRemoved, Message: "bundle " + b.ID() + " is removed", Bundle: b, Types: gone}, nil
}

// RemoveType takes one type out of the catalog; kind "" is any. A bundle that
// loses its last type goes too.
func (e *Engine) RemoveType(ctx context.Context, kind, name, wanted string) error {
	e.installing.Lock()
	defer e.installing.Unlock()
	t := e.types.Load().OfKind(kind, name, wanted)
	if t == nil { // another kind's is refused, if there is one
		var err error
		if t, err = e.types.Load().Type(name, wanted); err != nil {
			return err
		}
	}
	if kind != "" && t.Kind != kind {
		return fault.New(fault.Precondition, "%s is a type of kind %s, not %s", t.ID(), t.Kind, kind)
	}
	if t.Plan == nil {
		return fault.New(fault.Conflict, "type %s came with the server and cannot be removed", t.ID())
	}
	return e.remove(ctx, []*catalog.Type{t}, t.Bundle, true)
}

// remove takes types of one bundle out of the catalog. The caller holds
// installing.
func (e *Engine) remove(ctx context.Context, gone []*catalog.Type, b *catalog.Bundle, force bool) error {
	next := e.types.Load().Without(func(t *catalog.Type) bool { return slices.Contains(gone, t) })
	if !force {
		if err := cmp.Or(missed(e.types.Load(), next), e.orphaned(ctx, next, b)); err != nil {
			return fault.New(fault.Conflict, "bundle %s is in use: %w", b.ID(), err)
		}
	}
	var batch store.Batch
	if err := keep(&batch, next, b); err != nil {
		return err
	}
	if err := e.store.Commit(ctx, &batch); err != nil {
		return fault.Wrap(err, "remove bundle", b.ID())
	}
	e.exchange(next, b, []*catalog.Bundle{b})
	return nil
}

// missed finds a type that starts from one which is not there any more.
func missed(before, after *catalog.Registry) error {
	for _, t := range after.Types() {
		ref := t.Super()
		if ref == "" {
			continue
		}
		_, had := before.Find(t.Kind, ref, t.Bundle)
		if _, err := after.Find(t.Kind, ref, t.Bundle); err != nil && had == nil {
			return fault.New(fault.Conflict, "type %s starts from %s", t.ID(), ref)
		}
	}
	return nil
}

// MarkType says that a type is deprecated or disabled, or not; nil leaves that
// as it is.
func (e *Engine) MarkType(ctx context.Context, name, wanted string, deprecated, disabled *bool) error {
	e.installing.Lock()
	defer e.installing.Unlock()
	types := e.types.Load()
	old, err := types.Type(name, wanted)
	if err != nil {
		return err
	}
	marked := *old
	if deprecated != nil {
		marked.Deprecated = *deprecated
	}
	if disabled != nil {
		marked.Disabled = *disabled
	}
	next, err := types.Without(func(t *catalog.Type) bool { return t == old }).With(&marked)
	if err != nil {
		return err
	}
	var batch store.Batch
	if err := keep(&batch, next, old.Bundle); err != nil {
		return err
	}
	if err := e.store.Commit(ctx, &batch); err != nil {
		return fault.Wrap(err, "mark type", old.ID())
	}
	e.types.Store(next)
	return nil
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// BundleFile gives a file of a bundle that is an archive.
func (e *Engine) BundleFile(b *catalog.Bundle, name string) ([]byte, error) {
	if b.Format != bom.Zip {
		return nil, fault.New(fault.NotFound, "bundle %s has no files", b.ID())
	}
	archive, err := bom.Open(b.Content, bom.ZipLimits{})
	if err != nil {
		return nil, err
	}
	return archive.Read(name)
}
