package wasm

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// Call asks one hook: in is its document, and the result its answer, both as
// sdk/ABI.md has them. An error answer of the module is an answer here.
//
// Errors: Limit and Timeout name the limit, Cancelled and Timeout come from
// ctx, Unavailable says that the module is closed or suspended, Internal that
// it broke the contract.
func (m *Module) Call(ctx context.Context, id hook.ID, in []byte) ([]byte, error) {
	return m.serve(ctx, &request{hook: id, in: in, size: len(in)})
}

// CallInto is Call without copies: write fills the document of the given size
// where the guest will read it, and read looks at the answer where the guest
// left it. Neither may keep its slice. When read fails, the answer broke the
// contract: the error is returned and the instance is thrown away.
func (m *Module) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	_, err := m.serve(ctx, &request{hook: id, size: size, write: write, read: read})
	return err
}

// request is what is asked of a guest.
type request struct {
	hook  hook.ID
	size  int
	in    []byte       // the document, unless write makes it
	write func([]byte) // nil for in
	read  func([]byte) error
}

func (m *Module) serve(ctx context.Context, r *request) ([]byte, error) {
	if r.size > m.limits.InputBytes {
		m.stats.refused.Add(1)
		return nil, fault.New(fault.Limit, "call %s of module %s: document of %d bytes, the limit InputBytes allows %d", r.hook, m.name, r.size, m.limits.InputBytes)
	}
	i, err := m.acquire(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.stats.refused.Add(1)
		}
		return nil, err
	}
	defer m.release(i)
	begin := time.Now()
	out, fuel, err := i.ask(ctx, r, begin)
	end := time.Now()
	took := end.Sub(begin)
	m.allowance.take(took-i.waited, end)
	m.stats.record(r.hook, took, fuel, i.pages(), err)
	m.trace.add(Call{Time: begin, Hook: r.hook, Took: took, Waited: i.waited, Fuel: fuel, In: r.size, Out: i.answered, Pages: i.pages()}, m.runtime.subject(ctx), err)
	if m.log.Enabled(ctx, slog.LevelDebug) {
		m.log.DebugContext(ctx, "module called", "hook", r.hook.String(), "duration", took, "fuel", fuel, "pages", i.pages(), "error", err)
	}
	if err == nil || !i.interrupted() {
		m.count(err)
	}
	if err != nil {
		return nil, &fault.Error{Op: "call " + r.hook.String() + " of module", Entity: m.name, Kind: fault.KindOf(err), Err: err}
	}
	return out, nil
}

// ask makes the call on the instance and gives the answer, unless r reads it,
// and the fuel that the call took.
func (i *instance) ask(ctx context.Context, r *request, now time.Time) (out []byte, fuel int64, err error) {
	limit, name := i.module.limits.call(r.hook)
	i.broken = true // until the end is reached, a panic of write or read included
	if err := i.arm(ctx, limit, now); err != nil {
		return nil, 0, err
	}
	defer i.disarm()
	i.world.reset()
	answer, err := i.exchange(r)
	i.answered = len(answer)
	i.endLines()
	fuel = i.used(limit.Fuel)
	if err = i.explain(err, limit, name); err != nil {
		return nil, fuel, err
	}
	if r.read == nil {
		out = append(out, answer...)
	} else if err := r.read(answer); err != nil {
		return nil, fuel, err
	}
	i.broken = false
	return out, fuel, nil
}

// exchange writes the document into the guest's memory, calls it, and finds
// its answer there.
func (i *instance) exchange(r *request) ([]byte, error) {
	var at uint32
	size := r.size
	if size > 0 {
		i.args[0] = uint64(uint32(size))
		if err := i.run(i.alloc); err != nil {
			return nil, err
		}
		at = uint32(i.args[0])
		buffer, ok := i.memory.Read(at, uint32(size))
		if !ok || at == 0 || at%8 != 0 {
			return nil, &guestError{text: fmt.Sprintf("gw_alloc(%d) answered %#x, which is no address of so many bytes or not a multiple of 8", size, at)}
		}
		if r.write == nil {
			copy(buffer, r.in)
		} else {
			r.write(buffer)
		}
	}
	i.args = [3]uint64{uint64(uint32(r.hook)), uint64(at), uint64(uint32(size))}
	if err := i.run(i.call); err != nil {
		return nil, err
	}
	at, length := uint32(i.args[0]>>32), uint32(i.args[0])
	if most := i.module.limits.AnswerBytes; uint64(length) > uint64(most) {
		return nil, fault.New(fault.Limit, "answer of %d bytes, the limit AnswerBytes allows %d", length, most)
	}
	answer, ok := i.memory.Read(at, length)
	if !ok {
		return nil, &guestError{text: fmt.Sprintf("answered with %d bytes at %#x, its memory has %d", length, at, i.memory.Size())}
	}
	return answer, nil
}
