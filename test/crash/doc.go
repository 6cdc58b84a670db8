// Package crash kills real servers, at every point before and after something
// that acts and at random moments, and looks at what the next one makes of it.
// The entities are processes, so it needs no Docker.
package crash
