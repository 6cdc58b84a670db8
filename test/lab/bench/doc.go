// Package bench measures deployments on a real Docker host of the lab. It has
// only benchmarks, behind the build tag lab:
//
//	go test -tags lab -run '^$' -bench . -benchtime 3x ./test/lab/bench
//
// BenchmarkRawDeploy50 is the floor: what the engine itself takes for 50
// containers when nothing but its client library stands before it.
package bench
