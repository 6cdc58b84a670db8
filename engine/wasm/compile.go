package wasm

import (
	"context"
	"os"
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

// compileInBackground takes the module from the cache, or compiles it in one of
// the bounded workers, and closes done.
func (m *Module) compileInBackground(done chan struct{}) {
	defer m.runtime.compiling.Done()
	defer close(done)
	begin := time.Now()
	var err error
	if cached(m.entry) {
		if m.program, err = m.fromCache(); err != nil {
			m.log.Warn("compiled code in the cache is not used", "dir", m.entry, "error", err)
			_ = os.RemoveAll(m.entry)
		}
	}
	fromCache := m.program != nil
	if !fromCache {
		m.program, err = m.compile()
	}
	m.file.Read, m.file.bin = nil, nil
	m.compileErr = fault.Wrap(err, "compile module", m.name)
	m.compileTime.Store(int64(time.Since(begin)))
	m.log.Debug("module compiled", "duration", time.Since(begin), "cached", fromCache, "error", err)
}

// compile waits for a worker, checks the module and compiles it.
func (m *Module) compile() (*program, error) {
	select {
	case m.runtime.compilers <- struct{}{}:
		defer func() { <-m.runtime.compilers }()
	case <-m.closing:
		return nil, m.closedError()
	}
	bin, err := m.file.content()
	if err != nil {
		return nil, err
	}
	rewritten, err := rewrite.Rewrite(bin, rules(&m.limits))
	if err != nil {
		return nil, err
	}
	var p *program
	if m.entry == "" {
		p, err = m.compileWith(rewritten.Binary, "")
	} else {
		p, err = m.compileIntoCache(rewritten)
	}
	return p, fault.As(err, fault.Invalid)
}

// compileWith compiles, with wazero's cache in a directory if one is named.
func (m *Module) compileWith(binary []byte, dir string) (p *program, err error) {
	ctx := experimental.WithCompilationWorkers(m.runtime.ctx, max(1, runtime.NumCPU()/2))
	p = &program{cache: wazero.NewCompilationCache()}
	if dir != "" {
		if p.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, err
		}
	}
	p.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCompilationCache(p.cache).
		WithCoreFeatures(api.CoreFeaturesV2&^api.CoreFeatureSIMD).
		WithMemoryLimitPages(uint32(m.limits.Structure.MemoryPages+1)). // see rewrite.ExportTurn
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
	p.compiled, err = p.runtime.CompileModule(ctx, binary)
	return p, err
}
