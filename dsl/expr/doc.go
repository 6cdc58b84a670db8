// Package expr compiles the $brooklyn: expressions of blueprints to programs
// and runs them for an entity.
//
// An expression stands in a YAML document as text that starts with $brooklyn:
// or as a map with one such key:
//
//	url: $brooklyn:component("db").attributeWhenReady("datastore.url")
//	text:
//	  $brooklyn:formatString: ["%s:%d", $brooklyn:config("host"), 80]
//
// Compile reads a whole document value; lists and maps may hold expressions
// anywhere. Brooklyn's grammar is a dialect of expr-lang's: prefixes inside an
// expression are optional, a bare word as an argument is text, and whatever
// expr-lang can compute may be written around it:
//
//	workers: $brooklyn:config("cores") * 2
//
// The values of workflows are templates: their texts may also hold ${…}, an
// expression whose words are names that a Names knows, and the value of a let
// step computes with its words:
//
//	message: ${person.name} is ${workflow.step.ask.output ?? "unknown"}
//	let x = ${x} * 2 + 1 ?? 0
//
// The package is pure. What an expression asks about the world goes through a
// Scope, which the engine implements. What an expression may cost is bounded
// by Limits: it cannot exhaust memory, and it ends with its context.
package expr
