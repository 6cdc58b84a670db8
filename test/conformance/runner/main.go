// Command runner runs blueprint conformance cases against a server that speaks
// the Brooklyn REST API (/v1), and compares the failures with those that are
// known.
//
//	runner -server bin/gowanus             start a server for the run
//	runner -url http://127.0.0.1:8081      use one that runs; the password is in $GOWANUS_ADMIN_PASSWORD
//
// It ends with 1 when a case fails that is not known to, or when one passes
// that is: its line then has to go. -update removes such lines.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"
)

// options are the command line.
type options struct {
	url, user, password string
	server              string
	cases, known        string
	area                string
	only                *regexp.Regexp
	jobs                int
	patience            time.Duration
	verbose, update     bool
}

func main() {
	o, err := parseFlags(os.Args[1:])
	if err != nil {
		os.Exit(2) // flag has told why
	}
	ok, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("runner", flag.ContinueOnError)
	f.StringVar(&o.url, "url", "http://127.0.0.1:8081", "base `URL` of a server that runs")
	f.StringVar(&o.user, "user", "admin", "user name")
	f.StringVar(&o.server, "server", "", "start this `program` instead, on a free port with a data directory of its own")
	f.StringVar(&o.cases, "cases", "test/conformance/cases", "`folder` of the cases")
	f.StringVar(&o.known, "known", "test/conformance/known-failures.txt", "`file` with the names of cases that are known to fail")
	f.StringVar(&o.area, "area", "", "only this `area`")
	f.Func("run", "only cases whose name matches this `regexp`", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	f.IntVar(&o.jobs, "j", 8, "cases that run at once; those that change the catalog run one at a time")
	f.DurationVar(&o.patience, "patience", 2*time.Second, "longest wait of a case that is known to fail; 0 waits as for the others")
	f.BoolVar(&o.verbose, "v", false, "also print cases that pass")
	f.BoolVar(&o.update, "update", false, "remove the names of cases that pass from the known failures; write them all when there is no such file")
	err := f.Parse(args)
	o.password = os.Getenv("GOWANUS_ADMIN_PASSWORD")
	return o, err
}

// run runs the cases and tells whether the outcome is as expected.
func run(o options) (bool, error) {
	cases, err := load(o.cases, o.area, o.only)
	if err != nil {
		return false, err
	}
	known, err := readKnown(o.known)
	if err != nil {
		return false, err
	}
	if o.server != "" {
		s, err := startServer(o.server)
		if err != nil {
			return false, err
		}
		defer s.stop()
		o.url, o.password = s.url, s.password
	}
	results := runAll(o, cases, known)
	v := judge(results, known)
	v.print(os.Stdout, o.verbose)
	if !o.update {
		return v.ok(), nil
	}
	if err := known.update(o.known, v); err != nil {
		return false, err
	}
	return len(v.failed) == 0 || known.absent, nil
}

// result is how one case ended; err is nil when it passed.
type result struct {
	c    *Case
	err  error
	took time.Duration
}

// runAll runs the cases, o.jobs of them at a time.
func runAll(o options, cases []*Case, known *knownFailures) []result {
	results := make([]result, len(cases))
	var catalog sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(o.jobs, 1))
	for i, c := range cases {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if usesCatalog(c) {
				catalog.Lock()
				defer catalog.Unlock()
			}
			start := time.Now()
			client := newClient(o.url, o.user, o.password)
			if known.names[c.Name] && !o.update {
				client.patience = o.patience
			}
			results[i] = result{c, runCase(client, c), time.Since(start)}
		})
	}
	wg.Wait()
	return results
}
