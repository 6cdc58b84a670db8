package engine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/feed"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Config makes an Engine.
type Config struct {
	Store     store.Store // required; the engine does not close it
	Log       *slog.Logger
	Types     []*catalog.Type
	Modules   *module.Keeper  // nil: no modules can be installed
	Actions   []action.Action // steps that touch the outside
	Providers []location.Provider
	Locations []location.Definition
	External  external.Providers
	Plane     string // names this server on everything it makes; the same after each restart
	Limits    Limits
}

// Limits bound what one request may ask for. Zero fields take the defaults.
type Limits struct {
	Blueprint   yamlpos.Limits // of the text
	Entities    int            // in one blueprint; default 10,000
	Application int            // entities of one application, when more are added while it runs; default 100,000
	Depth       int            // levels below an application that entities may be added at; default 100
	Sensors     int            // of one entity, that steps, modules and clients publish; default 10,000
	Parallel    int            // children started or stopped at once below one entity; default 64
}

// Engine runs applications. Its methods may be called at the same time.
type Engine struct {
	cfg      Config
	log      *slog.Logger
	store    store.Store
	tasks    *task.Manager
	tree     *entity.Tree
	types    atomic.Pointer[catalog.Registry]
	flows    *workflow.Runner
	policies *adjunct.Manager
	feeds    *feed.Manager
	places   *places
	actions  map[string]action.Action
	life     lifecycles
	zones    zones
	attended attended

	declarations    declarations
	flowDefinitions definitions
	installing      sync.Mutex // held while the catalog changes
}

// New gives an Engine that has read its store, watches its locations and goes
// on with what was interrupted. It does not wait for anything outside.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits.Entities == 0 {
		cfg.Limits.Entities = 10_000
	}
	if cfg.Limits.Application == 0 {
		cfg.Limits.Application = 100_000
	}
	if cfg.Limits.Depth == 0 {
		cfg.Limits.Depth = 100
	}
	if cfg.Limits.Sensors == 0 {
		cfg.Limits.Sensors = 10_000
	}
	if cfg.Limits.Parallel == 0 {
		cfg.Limits.Parallel = 64
	}
	e := &Engine{cfg: cfg, log: cfg.Log, store: cfg.Store}
	types, err := catalog.New(cfg.Types...)
	if err != nil {
		return nil, err
	}
	e.types.Store(types)
	if err := e.register(cfg.Actions); err != nil {
		return nil, err
	}
	if e.tasks, err = task.NewManager(task.Config{Store: cfg.Store, Log: cfg.Log}); err != nil {
		return nil, err
	}
	e.tree = entity.NewTree(cfg.Store)
	e.tree.SetOutside(outside{e})
	if cfg.Modules != nil {
		cfg.Modules.ReadFrom(reading{e})
		cfg.Modules.OnSuspend(e.suspended)
	}
	e.flows = workflow.NewRunner(workflow.Config{Store: cfg.Store, Tasks: e.tasks, Host: deciding{e}})
	e.policies = adjunct.NewManager(adjunct.Config{
		Store: cfg.Store, Tasks: e.tasks, Tree: e.tree, Host: policing{e}, Log: cfg.Log,
	})
	e.feeds = feed.NewManager(feed.Config{Tasks: e.tasks, Tree: e.tree, Log: cfg.Log})
	if e.places, err = openPlaces(e, cfg.Providers, cfg.Locations); err != nil {
		return nil, err
	}
	if err := e.rebind(); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

// rebind takes up the life that the store tells of.
func (e *Engine) rebind() error {
	if err := e.loadBundles(); err != nil {
		return fault.Wrap(err, "load the catalog", "")
	}
	if err := e.tree.Load(e.declareStored); err != nil {
		return fault.Wrap(err, "load entities", "")
	}
	if err := e.places.load(); err != nil {
		return fault.Wrap(err, "load leases", "")
	}
	if err := e.places.checkDefinitions(); err != nil {
		return err
	}
	open, err := e.flows.Load()
	if err != nil {
		return fault.Wrap(err, "load workflows", "")
	}
	resumed := map[string]bool{}
	for _, r := range open {
		resumed[r.Task] = true
	}
	e.tasks.Settle(func(i task.Info) bool { return resumed[topTask(i.ID)] })
	for _, r := range open {
		if err := e.resume(r); err != nil {
			e.log.Error("workflow cannot be resumed", "workflow", r.ID, "name", r.Name, "err", err)
		}
	}
	if err := e.policies.Load(); err != nil {
		return fault.Wrap(err, "load policies", "")
	}
	for _, ent := range e.tree.All() {
		e.settle(ent)
		e.attachFeeds(ent)
		e.attend(ent)
	}
	return e.places.watch()
}

// Close stops all activity, leaving the applications as they are, and waits
// for it at most until ctx ends.
func (e *Engine) Close(ctx context.Context) error {
	err := e.tasks.Close(ctx)
	if e.places != nil {
		err = errors.Join(err, e.places.close())
	}
	return errors.Join(err, e.store.Flush(ctx))
}

// outside answers expressions that ask for what is no entity.
type outside struct{ *Engine }

func (o outside) External(ctx context.Context, provider, key string) (any, error) {
	return o.cfg.External.Resolve(ctx, provider, key)
}

func (o outside) Renamed(id entity.ID, name string) { o.places.renamed(string(id), name) }

func (o outside) LocationKind(name string) string { return o.places.definitions[name].Kind }

// Tasks gives the activities.
func (e *Engine) Tasks() *task.Manager { return e.tasks }

// Plane gives the name that everything this server makes is labelled with.
func (e *Engine) Plane() string { return e.cfg.Plane }

// Types gives the registered types by name, the best version first.
func (e *Engine) Types() []*catalog.Type { return e.types.Load().Types() }

// Locations gives the configured locations in the order of their names.
func (e *Engine) Locations() []location.Definition {
	defs := slices.Collect(maps.Values(e.places.definitions))
	slices.SortFunc(defs, func(a, b location.Definition) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return defs
}

// Health tells how the engine fares.
type Health struct {
	Store store.Health `json:"store"`
}

// Health gives the state of what the engine depends on.
func (e *Engine) Health() Health { return Health{Store: e.store.Health()} }
