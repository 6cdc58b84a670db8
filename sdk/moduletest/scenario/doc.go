// Package scenario plays scenarios, written in YAML, against a module: what it
// is asked, and which decisions are expected. It simulates what the engine
// would do around the module: entities, a clock, hosts, the outputs of steps,
// and what is remembered between calls. Nothing outside is touched.
//
// A Suite is a file of scenarios, read with positions for all that is wrong
// with it. A Module is a module under test; its Play gives a Result for each
// scenario, and it counts which of its hooks were asked and what that took.
// Each call is made twice, on an instance that was used before and on a new
// one: a module whose answers differ is no pure function of its documents.
package scenario
