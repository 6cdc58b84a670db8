package scenario

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// neverSuspended is how many failures in a row a module under test may have:
// scenarios may be about failures.
const neverSuspended = 1 << 30

// recorder makes each call of a module twice and keeps what it took. It
// implements guest.Caller.
type recorder struct {
	used, fresh *wasm.Module // fresh is nil when calls are made once
	world       *world       // of the scenario that is being played
	profile     profile
	impure      []string // what differed since it was looked at last
}

// record loads a module into one runtime for the instances that are used again,
// and into another one for new ones.
func record(used, fresh *wasm.Runtime, name string, bin []byte, o Options) (_ *recorder, err error) {
	rec := &recorder{profile: profile{}}
	serve := func(ctx context.Context, op int32, request []byte) ([]byte, error) {
		if rec.world == nil {
			return nil, fault.New(fault.NotFound, "this scenario has no entities and files")
		}
		return rec.world.serve(ctx, op, request)
	}
	limits := o.Limits
	limits.Failures, limits.Instances = neverSuspended, 1
	if rec.used, err = used.Load(name, bin, wasm.LoadOptions{Host: serve, Limits: &limits}); err != nil {
		return nil, err
	}
	if !o.Once {
		limits.HighWaterPages = -1 // below any memory, so that no instance is used again
		rec.fresh, err = fresh.Load(name, bin, wasm.LoadOptions{Host: serve, Limits: &limits})
	}
	return rec, err
}

// CallInto makes the call on an instance that was used before, and once more
// on a new one. The first answer counts.
func (r *recorder) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	document := make([]byte, size)
	write(document)
	if err := r.used.Prepare(ctx); err != nil { // so that compiling is not counted
		return err
	}
	before := r.used.Stats()
	begin := time.Now()
	answer, err := r.used.Call(ctx, id, document)
	r.profile.add(typeOf(id, document), id, time.Since(begin), before, r.used.Stats())
	if r.fresh != nil {
		again, aerr := r.fresh.Call(ctx, id, document)
		if difference := differ(answer, again, err, aerr); difference != "" {
			r.impure = append(r.impure, id.String()+" is impure: "+difference)
		}
	}
	if err != nil {
		return err
	}
	return read(answer)
}

// differ says how the answers of an instance that was used before and of a new
// one differ, "" if they do not.
func differ(used, fresh []byte, usedErr, freshErr error) string {
	switch {
	case usedErr != nil && freshErr != nil:
		return ""
	case usedErr != nil:
		return "an instance that was used before failed (" + usedErr.Error() + "), a new one did not"
	case freshErr != nil:
		return "a new instance failed (" + freshErr.Error() + "), one that was used before did not"
	case bytes.Equal(used, fresh):
		return ""
	}
	var a, b any
	if json.Unmarshal(used, &a) == nil && json.Unmarshal(fresh, &b) == nil {
		if reflect.DeepEqual(a, b) {
			return ""
		}
		return "an instance that was used before answers otherwise than a new one:\n" + diff(b, a, "new", "used")
	}
	return "an instance that was used before ranks otherwise than a new one"
}

// typeOf finds the type that a document is about.
func typeOf(id hook.ID, document []byte) string {
	if id == hook.PlacementRank && len(document) >= 24 {
		from := uint64(binary.LittleEndian.Uint32(document[16:]))
		to := from + uint64(binary.LittleEndian.Uint32(document[20:]))
		if to <= uint64(len(document)) {
			document = document[from:to]
		}
	}
	var d struct{ Type string }
	_ = json.Unmarshal(document, &d) // describe has no document
	return d.Type
}
