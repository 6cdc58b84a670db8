package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// program is a compiled module.
type program struct {
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
	start    bool // rewrite.ExportStart is to be called first
}

func (p *program) close(ctx context.Context) error {
	if p == nil {
		return nil
	}
	err := p.runtime.Close(ctx)
	if cerr := p.cache.Close(ctx); err == nil {
		err = cerr
	}
	return err
}

// ready gives the compiled module. The first caller starts the compiler; all
// wait for it or for their ctx.
func (m *Module) ready(ctx context.Context) (*program, error) {
	m.mu.Lock()
	if m.compiling == nil && !m.closed {
		m.compiling = make(chan struct{})
		m.runtime.compiling.Add(1)
		go m.compileInBackground(m.compiling)
	}
	wait := m.compiling
	m.mu.Unlock()
	if wait == nil {
		return nil, m.closedError()
	}
	select {
	case <-wait:
		return m.program, m.compileErr
	default:
	}
	select {
	case <-wait:
		return m.program, m.compileErr
	case <-m.closing:
		return nil, m.closedError()
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), "wait for the compiler of module", m.name)
	}
}

// compileInBackground compiles in one of the bounded workers and closes done.
func (m *Module) compileInBackground(done chan struct{}) {
	r := m.runtime
	defer r.compiling.Done()
	defer close(done)
	select {
	case r.compilers <- struct{}{}:
		defer func() { <-r.compilers }()
	case <-m.closing:
		m.compileErr = m.closedError()
		return
	}
	begin := time.Now()
	rewritten, err := rewrite.Rewrite(m.binary, rules(&m.limits))
	m.binary = nil
	if err == nil {
		m.program, err = m.compile(rewritten)
	}
	m.compileErr = fault.Wrap(err, "compile module", m.name)
	m.compileTime.Store(int64(time.Since(begin)))
	m.log.Debug("module compiled", "duration", time.Since(begin), "error", err)
}

// compile tries with the code cached on disk, then, since that may be damaged
// or the disk full, once more without.
func (m *Module) compile(rewritten *rewrite.Module) (*program, error) {
	dir := ""
	if base := m.runtime.cfg.CacheDir; base != "" {
		sum := sha256.Sum256(rewritten.Binary)
		dir = filepath.Join(base, hex.EncodeToString(sum[:]))
	}
	p, err := m.compileWith(rewritten, dir)
	if err != nil && dir != "" && fault.KindOf(err) != fault.Invalid {
		m.log.Warn("compiled code on disk is not used", "dir", dir, "error", err)
		_ = os.RemoveAll(dir)
		p, err = m.compileWith(rewritten, "")
	}
	return p, fault.As(err, fault.Invalid)
}

func (m *Module) compileWith(rewritten *rewrite.Module, dir string) (p *program, err error) {
	ctx := experimental.WithCompilationWorkers(m.runtime.ctx, max(1, runtime.NumCPU()/2))
	p = &program{cache: wazero.NewCompilationCache(), start: rewritten.Start}
	if dir != "" {
		if p.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, err
		}
	}
	p.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCompilationCache(p.cache).
		WithCoreFeatures(api.CoreFeaturesV2&^api.CoreFeatureSIMD).
		WithMemoryLimitPages(uint32(m.limits.Structure.MemoryPages)).
		WithDebugInfoEnabled(false))
	defer func() {
		if bug := recover(); bug != nil {
			err = fault.New(fault.Invalid, "the compiler gave up: %v", bug)
		}
		if err != nil {
			_ = p.close(ctx)
			p = nil
		}
	}()
	for from, functions := range map[string][]hostFunction{hostModule: hostFunctions(), wasiModule: wasiFunctions()} {
		if err := addHostModule(ctx, p.runtime, from, functions); err != nil {
			return p, err
		}
	}
	p.compiled, err = p.runtime.CompileModule(ctx, rewritten.Binary)
	return p, err
}
