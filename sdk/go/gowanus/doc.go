// Package gowanus is for writing modules in Go: types of entities, policies
// and placement strategies that the Gowanus engine runs as WebAssembly.
//
// A module decides and the engine acts. Each handler is a pure function: it is
// given a document and answers with a Decision, which holds sensors to publish
// and workflow steps to run. Nothing may be kept in variables between two
// calls, because the engine runs many instances of a module and throws them
// away at will; what must last goes into Decision.State.
//
// A program registers its module while its variables are initialized, since
// main never runs:
//
//	var _ = gowanus.Register(gowanus.Module{
//		Name: "greeter", Version: "1.0.0",
//		Types: []gowanus.Type{{
//			Name: "greeter", Kind: gowanus.KindEntity,
//			Effectors: []gowanus.Effector{{Name: "greet"}},
//			Effector:  greet,
//		}},
//	})
//
//	func greet(c *gowanus.EffectorCall) (gowanus.Decision, error) {
//		return gowanus.Decision{Result: "hello " + c.Entity.Name}, nil
//	}
//
//	func main() {}
//
// It is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o greeter.wasm .
//
// The same handlers run in ordinary tests: Call takes a hook's document and
// gives its answer without WebAssembly, and package gowanustest has the rest.
// Package reference is a small module to copy from.
// The wire format is described in sdk/ABI.md.
package gowanus
