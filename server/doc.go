// Package server is the HTTP interface: Apache Brooklyn's REST API /v1 in
// front of the engine, with authentication, limits and an access log.
//
// A handler reads the request, calls one method of Engine and writes the
// answer; what the answers look like is in the *_dto.go files, one resource
// each. Every error becomes {"message", "error"} in errors.go.
package server
