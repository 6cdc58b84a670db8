package wasm

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// instance is one running copy of a module. It belongs to the goroutine that
// borrowed it; only halt may be called by others.
type instance struct {
	module *Module
	guest  api.Module
	memory api.Memory
	linear *counted // what memory stands on
	alloc  api.Function
	call   api.Function

	fuel, reserve, stack, stop, turn api.MutableGlobal

	ctx      *callContext
	args     [3]uint64 // of the call under way, then its result
	world    world     // what WASI shows
	lines    int       // lines logged in this call
	answered int       // bytes of its answer
	broken   bool      // must not be used again

	turned time.Time     // when the guest's turn began
	waited time.Duration // for its turns
	long   bool          // it has one of Runtime.long

	denied atomic.Bool // the module's other instances left it no memory to grow

	mu       sync.Mutex
	timer    *time.Timer
	deadline time.Time // of the period, that is the call; also read by the call itself
	period   uint64    // counts the periods between arm and disarm
	armed    bool
	watched  context.Context // ends the period when it ends
	unwatch  func() bool     // nil until the period is long enough to watch it
	cause    error           // why it was halted
	stopped  atomic.Bool
}

func newInstance(m *Module) *instance {
	i := &instance{module: m}
	i.ctx = &callContext{instance: i}
	return i
}

// callContext is what host functions are given: the context of the call under
// way, and the instance that it is made on. There is one per instance, so that
// a call allocates none.
type callContext struct {
	context.Context
	instance *instance
}

type instanceKey struct{}

// Value finds the instance, or what the call's context has.
func (c *callContext) Value(key any) any {
	if key == (instanceKey{}) {
		return c.instance
	}
	return c.Context.Value(key)
}

func instanceOf(ctx context.Context) *instance { return ctx.Value(instanceKey{}).(*instance) }

// start makes the instance and runs what it has to run before the first call.
func (i *instance) start(ctx context.Context, p *program) (err error) {
	defer func() {
		bug := recover()
		switch l := &i.module.limits; {
		case bug != nil && i.denied.Load():
			err = fault.New(fault.Limit, "there is not enough left of the memory that the limit TotalPages allows all instances (%d pages)", l.TotalPages)
		case bug != nil:
			err = fault.New(fault.Unavailable, "make the instance: %v", bug)
		}
	}()
	i.ctx.Context = experimental.WithMemoryAllocator(ctx, i.memoryAllocator())
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	if i.guest, err = p.runtime.InstantiateModule(i.ctx, p.compiled, config); err != nil {
		return fault.As(err, fault.Invalid)
	}
	i.bind()
	limit := i.module.limits.Init
	if err := i.arm(ctx, limit, time.Now()); err != nil {
		return err
	}
	err = i.initialize()
	i.disarm()
	return i.explain(err, limit, "Init")
}

// bind looks up what every module has by contract.
func (i *instance) bind() {
	global := func(name string) api.MutableGlobal { return i.guest.ExportedGlobal(name).(api.MutableGlobal) }
	i.memory = i.guest.Memory()
	i.alloc, i.call = i.guest.ExportedFunction(exportAlloc), i.guest.ExportedFunction(exportCall)
	i.fuel, i.reserve = global(rewrite.ExportFuel), global(rewrite.ExportReserve)
	i.stack, i.stop, i.turn = global(rewrite.ExportStack), global(rewrite.ExportStop), global(rewrite.ExportTurn)
	i.turn.Set(rewrite.TurnWanted)
}

func (i *instance) initialize() error {
	i.world.reset()
	if err := i.run(i.guest.ExportedFunction(rewrite.ExportWhole)); err != nil {
		return err
	}
	if i.args[0] != 1 { // cannot be, unless somebody changed the cache while it was read
		return fault.New(fault.Unavailable, "the code in the cache is not the module's: remove %s", i.module.entry)
	}
	if f := i.guest.ExportedFunction(rewrite.ExportStart); f != nil {
		if err := i.run(f); err != nil {
			return err
		}
	}
	if f := i.guest.ExportedFunction(exportInit); f != nil {
		if err := i.run(f); err != nil {
			return err
		}
	}
	if err := i.run(i.guest.ExportedFunction(exportABI)); err != nil {
		return err
	}
	if v := int32(i.args[0]); v != ABIVersion {
		return fault.New(fault.Invalid, "speaks version %d of the module contract, this engine speaks %d", v, ABIVersion)
	}
	return nil
}

// errOverdrawn is that a guest took more fuel than it had after it was last
// looked at.
var errOverdrawn = errors.New("took more fuel than there was")

// run calls a function of the guest with args, and leaves its result there. It
// begins with a whole stack: functions only say how deep they are when they
// call.
func (i *instance) run(f api.Function) error {
	i.stack.Set(uint64(i.module.limits.StackSlots))
	err := f.CallWithStack(i.ctx, i.args[:])
	i.endTurn()
	if err == nil && int64(i.fuel.Get()+i.reserve.Get()) < 0 {
		return errOverdrawn
	}
	return err
}

// watchAfter is how long a call runs until its context is watched. Most calls
// are over by then, and have only set a timer.
const watchAfter = time.Millisecond

// arm fills the meter and starts the clock: the instance is halted when ctx
// ends or the time is over. disarm ends the period.
func (i *instance) arm(ctx context.Context, limit CallLimits, now time.Time) error {
	slice := min(limit.Fuel, rewrite.Slice)
	i.fuel.Set(uint64(slice))
	i.reserve.Set(uint64(limit.Fuel - slice))
	i.lines = 0
	i.ctx.Context = ctx
	i.turned, i.waited = now, 0

	i.mu.Lock()
	defer i.mu.Unlock()
	i.deadline = now.Add(limit.Time)
	if i.cause != nil { // halted between two periods: the module is being closed
		return i.cause
	}
	i.period++
	i.armed, i.watched = true, ctx
	if first := min(limit.Time, watchAfter); i.timer == nil {
		i.timer = time.AfterFunc(first, i.tick)
	} else {
		i.timer.Reset(first)
	}
	return nil
}

// tick is run by the timer: some time after the period began, and when it has
// lasted as long as it may. One that comes late, for a period that is over,
// only makes the next one be watched early.
func (i *instance) tick() {
	i.mu.Lock()
	defer i.mu.Unlock()
	left := time.Until(i.deadline)
	switch {
	case !i.armed:
	case left <= 0:
		i.haltLocked(errTime)
	default:
		i.timer.Reset(left)
		if ctx := i.watched; i.unwatch == nil && ctx.Done() != nil {
			period := i.period
			i.unwatch = context.AfterFunc(ctx, func() { i.haltIn(period, context.Cause(ctx)) })
		}
	}
}

func (i *instance) disarm() {
	i.mu.Lock()
	unwatch := i.unwatch
	i.armed, i.unwatch, i.watched = false, nil, nil
	i.timer.Stop()
	i.mu.Unlock()
	if unwatch != nil {
		unwatch()
	}
}

// halt makes the guest trap at the end of its fuel slice, or at once when it
// is in a host function; a guest that does not run will not be started.
func (i *instance) halt(cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.haltLocked(cause)
}

// haltIn does so unless the period is over.
func (i *instance) haltIn(period uint64, cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.armed && i.period == period {
		i.haltLocked(cause)
	}
}

func (i *instance) haltLocked(cause error) {
	if i.cause != nil {
		return
	}
	i.cause = cause
	i.stopped.Store(true)
	if i.armed {
		i.stop.Set(1)
	}
}

// interrupted says whether a caller, not the guest, is to blame for the end.
func (i *instance) interrupted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cause != nil && !errors.Is(i.cause, errTime)
}

// used gives the fuel that the call has taken of total. Both counters are
// negative after a trap for want of fuel.
func (i *instance) used(total int64) int64 {
	return min(total, total-int64(i.reserve.Get())-int64(i.fuel.Get()))
}

// charge takes fuel for work that a host function does for the guest; the
// guest notices at its next check.
func (i *instance) charge(bytes uint32) {
	i.fuel.Set(i.fuel.Get() - uint64(bytes>>8))
}

// pages gives the size of the memory in pages of 64 KiB.
func (i *instance) pages() int {
	if i.memory == nil {
		return 0
	}
	return int(i.memory.Size() >> 16)
}

func (i *instance) close() {
	if i.guest != nil {
		_ = i.guest.Close(context.Background())
	} else if i.linear != nil { // the runtime forgets it when a segment does not fit
		i.linear.Free()
	}
}
