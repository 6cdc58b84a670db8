package wasm

import (
	"context"
	"fmt"
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
	var out []byte
	err := m.CallInto(ctx, id, len(in),
		func(buffer []byte) { copy(buffer, in) },
		func(answer []byte) error {
			out = append([]byte(nil), answer...)
			return nil
		})
	return out, err
}

// CallInto is Call without copies: write fills the document of the given size
// where the guest will read it, and read looks at the answer where the guest
// left it. Neither may keep its slice. When read fails, the answer broke the
// contract: the error is returned and the instance is thrown away.
func (m *Module) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	if size > m.limits.InputBytes {
		return fault.New(fault.Limit, "call %s of module %s: document of %d bytes, the limit InputBytes allows %d", id, m.name, size, m.limits.InputBytes)
	}
	i, err := m.acquire(ctx)
	if err != nil {
		return err
	}
	defer m.release(i)
	begin := time.Now()
	fuel, err := i.ask(ctx, id, size, write, read)
	m.stats.record(time.Since(begin), fuel, i.pages(), err)
	if err == nil || !i.interrupted() {
		m.count(err)
	}
	if err != nil {
		return &fault.Error{Op: "call " + id.String() + " of module", Entity: m.name, Kind: fault.KindOf(err), Err: err}
	}
	return nil
}

// ask makes the call on the instance and gives the fuel that it took.
func (i *instance) ask(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) (int64, error) {
	limit, name := i.module.limits.call(id)
	disarm, err := i.arm(ctx, limit)
	if err != nil {
		i.broken = true
		return 0, err
	}
	defer disarm()
	i.broken = true // until the end is reached, a panic of write or read included
	i.world.reset()
	answer, err := i.exchange(id, size, write)
	fuel := i.used(limit.Fuel)
	if err = i.explain(err, limit, name); err != nil {
		return fuel, err
	}
	if err := read(answer); err != nil {
		return fuel, err
	}
	i.broken = false
	return fuel, nil
}

// exchange writes the document into the guest's memory, calls it, and finds
// its answer there.
func (i *instance) exchange(id hook.ID, size int, write func([]byte)) ([]byte, error) {
	var at uint32
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
		write(buffer)
	}
	i.args = [3]uint64{uint64(uint32(id)), uint64(at), uint64(uint32(size))}
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
