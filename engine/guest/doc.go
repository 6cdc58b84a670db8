// Package guest makes the types of a loaded module look like those that are
// native: entities, policies and placement strategies.
//
// It gives the bytes that package wasm carries their meaning. Documents go in
// as the JSON of package hook, or as the columns of package placement. Answers
// are read strictly: what sdk/ABI.md does not know, what is beyond Limits, and
// steps that the module did not ask for as a capability are refused before
// anything runs. Errors name the module, the hook and the type.
package guest
