// Package step reads workflows: their definitions, the steps in them with
// their shorthand, and what can be known to be wrong before anything runs.
//
// A step is written in one line, or as a map:
//
//	steps:
//	- let integer n = 3
//	- step: set-sensor boolean ready = true
//	  condition: {target: "${n}", greater-than: 2}
//	- type: workflow
//	  target: 1..${n}
//	  steps: [log round ${target}]
//
// The package is pure: what a step does is up to whoever runs it.
package step
