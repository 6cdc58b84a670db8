package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	trimPeriod = 10 * time.Second
	trimBurst  = 32 << 20 // bytes made since the last time
	trimQuiet  = 8 << 20  // bytes made in one period while a server has little to do
)

// trim gives memory back to the system when a burst of work is over: the
// collector has no reason to run in an idle process, and keeps what the largest
// moment needed. Nothing tells of quiet, so it looks now and then.
func trim(ctx context.Context) {
	t := time.NewTicker(trimPeriod)
	defer t.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var before, trimmed uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		metrics.Read(sample)
		made := sample[0].Value.Uint64()
		if made-before < trimQuiet && made-trimmed > trimBurst {
			debug.FreeOSMemory()
			trimmed = made
		}
		before = made
	}
}
