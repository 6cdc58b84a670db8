package wasm

import (
	"runtime"
	"time"

	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// turnTime is how long a guest runs until it is a long one. Long ones take turns:
// Config.LongCalls of them run for as long, while the others wait in a queue. So
// they leave a processor to the rest of the process, which neither waits behind
// them for the 10 ms that Go gives each goroutine, nor hears of the network only
// when all of them have paused.
const turnTime = 500 * time.Microsecond

// takeTurn says whether the guest is at the end of a fuel slice. If it has run for
// long it waits for its next turn.
func (i *instance) takeTurn() bool {
	if i.turn == nil || i.turn.Get() != rewrite.TurnTaken {
		return false
	}
	now := time.Now()
	if now.Sub(i.turned) < turnTime {
		return true
	}
	i.endTurn()
	runtime.Gosched() // whoever waits for this processor
	i.module.runtime.long <- struct{}{}
	i.long, i.turned = true, time.Now()
	i.waited += i.turned.Sub(now)
	return true
}

// endTurn lets the next long one run.
func (i *instance) endTurn() {
	if i.long {
		<-i.module.runtime.long
		i.long = false
	}
}
