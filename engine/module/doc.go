// Package module keeps the modules of a server: their files by content, what
// they say of themselves, and what they may read of the running entities.
//
// A Module is there as soon as its description is: its file is read, checked
// and compiled at the first call, so that a module that nobody uses costs
// nothing.
package module
