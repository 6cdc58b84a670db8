package wasm

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// hostFunction is a function that guests may import. It finds its arguments
// at the beginning of stack and leaves its result there.
type hostFunction struct {
	name      string
	signature rewrite.Signature
	run       func(i *instance, stack []uint64)
}

// addHostModule offers functions to guests. Each checks first whether the
// guest was halted, so that calling the host forever is no way to survive.
func addHostModule(ctx context.Context, r wazero.Runtime, name string, functions []hostFunction) error {
	b := r.NewHostModuleBuilder(name)
	for _, f := range functions {
		run := api.GoFunc(func(ctx context.Context, stack []uint64) {
			i := instanceOf(ctx)
			i.checkHalted()
			f.run(i, stack)
		})
		b = b.NewFunctionBuilder().WithGoFunction(run, []byte(f.signature.Params), []byte(f.signature.Results)).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// checkHalted ends a guest that was halted. What works long for a guest calls
// it again and again.
func (i *instance) checkHalted() {
	if i.stopped.Load() {
		panic(&guestError{text: "was halted"})
	}
}

func hostFunctions() []hostFunction {
	return []hostFunction{
		{"host", sig("iiiii", "I"), (*instance).hostCall},
		{"log", sig("iii", ""), (*instance).hostLog},
	}
}

// bytes gives a part of the guest's memory; a guest that names one which does
// not exist is ended.
func (i *instance) bytes(what string, at, length uint64) []byte {
	b, ok := i.memory.Read(uint32(at), uint32(length))
	if !ok {
		panic(&guestError{text: fmt.Sprintf("%s: %d bytes at %#x are outside of its memory", what, uint32(length), uint32(at))})
	}
	i.charge(uint32(length))
	return b
}

// hostCall is gowanus.host(op, ptr, len, out, cap): the length of the answer,
// which is written to out if it fits, or −1 − the number of a fault.Kind.
func (i *instance) hostCall(stack []uint64) {
	m := i.module
	out := i.bytes("gowanus.host", stack[3], stack[4])
	request := i.bytes("gowanus.host", stack[1], stack[2])
	answer, err := i.serve(int32(stack[0]), request)
	if err == nil && len(answer) > m.limits.HostBytes {
		err = fault.New(fault.Limit, "answer of %d bytes, the limit HostBytes allows %d", len(answer), m.limits.HostBytes)
	}
	if err != nil {
		if i.lines++; i.lines <= m.limits.LogLines {
			m.log.Debug("host operation refused", "op", int32(stack[0]), "error", err)
		}
		stack[0] = uint64(-1 - int64(fault.KindOf(err)))
		return
	}
	if len(answer) <= len(out) {
		copy(out, answer)
	}
	stack[0] = uint64(len(answer))
}

func (i *instance) serve(op int32, request []byte) ([]byte, error) {
	m := i.module
	if m.host == nil {
		return nil, fault.New(fault.NotFound, "host operation %d is not known", op)
	}
	if len(request) > m.limits.HostBytes {
		return nil, fault.New(fault.Limit, "request of %d bytes, the limit HostBytes allows %d", len(request), m.limits.HostBytes)
	}
	ctx, cancel := context.WithDeadline(i.ctx.Context, i.deadline)
	defer cancel()
	i.endTurn() // it may wait for another module
	return m.host(ctx, op, append([]byte(nil), request...))
}

// hostLog is gowanus.log(level, ptr, len).
func (i *instance) hostLog(stack []uint64) {
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	level := levels[min(uint32(stack[0]), uint32(len(levels)-1))]
	line := i.bytes("gowanus.log", stack[1], stack[2])
	if level == slog.LevelError {
		i.world.say(line)
		i.world.say([]byte("\n"))
	}
	i.logLine(level, line)
}

// logLine writes one line to the log, unless the call has written too many.
func (i *instance) logLine(level slog.Level, line []byte) {
	m := i.module
	if i.lines++; i.lines > m.limits.LogLines+1 {
		return
	}
	if !m.log.Enabled(i.ctx.Context, level) {
		return
	}
	ok, dropped := m.logs.take(&m.limits, time.Now())
	if !ok {
		return
	}
	if dropped > 0 {
		m.log.Warn("lines were dropped", "lines", dropped, "LogRate", m.limits.LogRate)
	}
	if i.lines > m.limits.LogLines {
		m.log.Warn("further lines of this call are dropped", "LogLines", m.limits.LogLines)
		return
	}
	m.log.Log(i.ctx.Context, level, string(line[:min(len(line), m.limits.LogBytes)]))
}
