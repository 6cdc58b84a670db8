package wasm

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// Config says how a Runtime works. The zero value is usable.
type Config struct {
	// CacheDir keeps compiled code between runs. It holds machine code that is
	// executed without further checks, so nobody else may write there; it is
	// created with mode 0700. "" keeps no code.
	CacheDir string
	// CacheAge is how long code is kept that nobody uses; 0 is 30 days.
	CacheAge time.Duration
	// CacheBytes is how much code is kept, what was used last first; 0 is
	// 2 GiB. It is looked at when a Runtime is made.
	CacheBytes int64
	// Limits hold for all modules that bring none of their own.
	Limits Limits
	// Log takes what modules log, and what becomes of them; nil drops it.
	Log *slog.Logger
	// Compilers is how many modules are compiled at one time; 0 is half of
	// the processors, at least 1.
	Compilers int
	// LongCalls is how many calls that last for longer than half a millisecond
	// run at one time; 0 is all processors but one, at least 1.
	LongCalls int
	// TraceCalls is how many calls of each module are remembered; 0 is 50.
	TraceCalls int
	// Subject says for which type and entity a call is made; may be nil.
	Subject func(ctx context.Context) (typ, entity string)
	// OnSuspend is told, on the goroutine of the call that failed last, that a
	// module has failed too often and takes no calls any more. It may call the
	// module's methods. To keep the module suspended over a restart, its reason
	// is handed to Suspend then.
	OnSuspend func(m *Module, reason string)
}

// Runtime holds the loaded modules.
type Runtime struct {
	cfg       Config
	compilers chan struct{} // one element per running compiler
	long      chan struct{} // one element per long call that runs
	ctx       context.Context
	cancel    context.CancelFunc
	compiling sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	modules map[*Module]struct{}
}

// New makes a Runtime. It fails when the cache's directory cannot be made or is
// open to others.
func New(cfg Config) (*Runtime, error) {
	cfg.Limits.fillDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Compilers <= 0 {
		cfg.Compilers = max(1, runtime.NumCPU()/2)
	}
	if cfg.LongCalls <= 0 {
		cfg.LongCalls = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if cfg.CacheDir != "" {
		if err := prepareCache(cfg.CacheDir); err != nil {
			return nil, err
		}
		if cfg.CacheAge <= 0 {
			cfg.CacheAge = 30 * 24 * time.Hour
		}
		if cfg.CacheBytes <= 0 {
			cfg.CacheBytes = 2 << 30
		}
		if err := prune(cfg.CacheDir, time.Now().Add(-cfg.CacheAge), cfg.CacheBytes); err != nil {
			cfg.Log.Warn("old compiled code is not removed", "dir", cfg.CacheDir, "error", err)
		}
	}
	if cfg.TraceCalls <= 0 {
		cfg.TraceCalls = 50
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Runtime{
		cfg: cfg, compilers: make(chan struct{}, cfg.Compilers), long: make(chan struct{}, cfg.LongCalls),
		ctx: ctx, cancel: cancel, modules: map[*Module]struct{}{},
	}, nil
}

func prepareCache(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New(fault.Unavailable, "make directory for compiled modules: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fault.New(fault.Unavailable, "look at directory for compiled modules: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fault.New(fault.Invalid, "directory for compiled modules %s has mode %#o, others must not be able to write there", dir, mode)
	}
	return nil
}

// Limits gives the limits of modules that bring none of their own.
func (r *Runtime) Limits() Limits { return r.cfg.Limits }

// HostFunc serves an operation that a module asks for while it is called. ctx
// ends with the call. An error's kind is what the module sees.
type HostFunc func(ctx context.Context, op int32, request []byte) ([]byte, error)

// LoadOptions are what differs from module to module.
type LoadOptions struct {
	Host   HostFunc // nil: no operation is found
	Limits *Limits  // nil: those of the Runtime
}

// File is where a module comes from. What its digest says of it is looked up in
// the cache, so that a module whose code is there is not read at all.
type File struct {
	Digest [sha256.Size]byte // SHA-256 of the content
	Read   func() ([]byte, error)

	bin []byte // what there is instead of Read
}

// Content makes a File of bytes, which must not be changed any more.
func Content(bin []byte) File {
	return File{Digest: sha256.Sum256(bin), bin: bin}
}

// content reads the file, and refuses one that has another digest.
func (f *File) content() ([]byte, error) {
	if f.Read == nil {
		return f.bin, nil
	}
	bin, err := f.Read()
	if err == nil && sha256.Sum256(bin) != f.Digest {
		err = fault.New(fault.Unavailable, "the file was changed: its digest is not %x", f.Digest)
	}
	return bin, err
}

// Load is Open of a file that is in memory.
func (r *Runtime) Load(name string, bin []byte, o LoadOptions) (*Module, error) {
	return r.Open(name, Content(bin), o)
}

// Open checks a module against the contract and the limits. Errors are of kind
// Limit, Forbidden (an import), Invalid, or what reading the file gave. It does
// not compile; what only the compiler can find is reported by the first call.
// The file is kept until then.
func (r *Runtime) Open(name string, file File, o LoadOptions) (*Module, error) {
	limits := r.cfg.Limits
	if o.Limits != nil {
		limits = *o.Limits
		limits.fillDefaults()
	}
	entry := r.entry(file.Digest, &limits)
	if !cached(entry) {
		bin, err := file.content()
		if err == nil {
			err = rewrite.Check(bin, rules(&limits))
		}
		if err != nil {
			return nil, fault.Wrap(err, "load module", name)
		}
	}
	m := &Module{
		runtime: r, name: name, file: file, entry: entry, limits: limits, host: o.Host,
		log:   r.cfg.Log.With("module", name),
		slots: make(chan struct{}, limits.Instances), closing: make(chan struct{}),
		running: map[*instance]struct{}{},
	}
	m.allowance.init(&limits)
	m.trace.most = r.cfg.TraceCalls
	m.memory.most = uint64(limits.TotalPages) << 16
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fault.New(fault.Unavailable, "load module %s: the module runtime is closed", name)
	}
	r.modules[m] = struct{}{}
	return m, nil
}

// Modules lists the loaded modules in no particular order.
func (r *Runtime) Modules() []*Module {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Module, 0, len(r.modules))
	for m := range r.modules {
		list = append(list, m)
	}
	return list
}

// Close stops all calls and closes all modules. It waits for compilers, which
// cannot be interrupted.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	var first error
	for _, m := range r.Modules() {
		if err := m.Close(); err != nil && first == nil {
			first = err
		}
	}
	r.compiling.Wait()
	return first
}

func (r *Runtime) forget(m *Module) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.modules, m)
}
