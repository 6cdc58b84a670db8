// Package arch has no code: its tests keep the layers of the source tree, the
// owners of libraries and the documents about them true.
package arch
