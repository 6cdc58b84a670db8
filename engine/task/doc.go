// Package task keeps the tree of activities: what runs, what ran, for whom,
// with which output, and what it waits for.
//
// It is the only place of the engine that starts goroutines, so that each has
// a name and an owner, a panic in it becomes a failed task, and Close can wait
// for all of them.
//
// Tasks are written to the store when they are submitted and when they end. A
// task that the server's shutdown interrupted is not ended: after the next
// start it is either reopened, by whoever can go on with it, or settled as
// failed.
package task
