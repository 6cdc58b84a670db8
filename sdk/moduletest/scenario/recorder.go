package scenario

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/internal/coerce"
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
	impure      []difference // that were found since they were looked at last
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
	typ := typeOf(id, document)
	prime := r.fresh != nil && r.profile[spot{typ: typ, hook: id.String()}] == nil // the instance was not used before
	var answer []byte
	var err error
	for again := true; again; {
		before, begin := r.used.Stats(), time.Now()
		answer, err = r.used.Call(ctx, id, document)
		if again = prime && !exhausted(err); !again {
			r.profile.add(typ, id, time.Since(begin), before, r.used.Stats())
		}
		prime = false
	}
	if r.fresh != nil && !exhausted(err) {
		again, aerr := r.fresh.Call(ctx, id, document)
		if d := differ(answer, again, err, aerr); d.what != "" {
			d.what = id.String() + " is impure: " + d.what
			r.impure = append(r.impure, d)
		}
	}
	if err != nil {
		return err
	}
	return read(answer)
}

// exhausted tells whether a call ended by a limit: the same once more would take
// as long and end so, too.
func exhausted(err error) bool {
	kind := fault.KindOf(err)
	return err != nil && (kind == fault.Limit || kind == fault.Timeout)
}

// difference is one between the answers of two instances.
type difference struct{ what, diff string }

// differ says how the answers of an instance that was used before and of a new
// one differ; nothing if they do not.
func differ(used, fresh []byte, usedErr, freshErr error) (d difference) {
	switch {
	case usedErr != nil && freshErr != nil:
	case usedErr != nil:
		d.what = "an instance that was used before failed (" + usedErr.Error() + "), a new one did not"
	case freshErr != nil:
		d.what = "a new instance failed (" + freshErr.Error() + "), one that was used before did not"
	case bytes.Equal(used, fresh):
	default:
		var a, b any
		if coerce.Decode(used, &a) != nil || coerce.Decode(fresh, &b) != nil { // not JSON
			d.what = "an instance that was used before ranks otherwise than a new one"
		} else if a, b = coerce.Plain(a), coerce.Plain(b); !same(a, b) {
			d.what, d.diff = "an instance that was used before answers otherwise than a new one", diff(b, a, "new", "used")
		}
	}
	return d
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
