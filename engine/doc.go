// Package engine deploys, runs and heals applications: it puts the tree of
// entities, the types, the workflows and the locations together behind one
// API, which the server and the command line use.
//
// The way of one blueprint: Check and Deploy (plan.go, deploy.go) turn a text
// into entities and a stored start; Invoke (invoke.go) runs an effector, whose
// implementation decides (decide.go) on steps, which act (act.go, place.go)
// and publish sensors; policies (policy.go) and what locations observe
// (observe.go) go on from there.
package engine
