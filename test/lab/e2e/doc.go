// Package e2e tests the whole way of a blueprint on real Docker hosts: the
// built server, its REST API, and what the daemons then run.
package e2e
