package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// knownFailures are the names of cases that are known to fail. The list only
// ever shrinks.
type knownFailures struct {
	comments []string
	names    map[string]bool
	absent   bool // there is no such file yet
}

// readKnown reads a list: one name a line, # starts a comment.
func readKnown(path string) (*knownFailures, error) {
	k := &knownFailures{names: map[string]bool{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k.absent = true
		return k, nil
	} else if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case strings.HasPrefix(line, "#"):
			k.comments = append(k.comments, line)
		default:
			k.names[line] = true
		}
	}
	return k, nil
}

// update rewrites the list after a run.
func (k *knownFailures) update(path string, v verdict) error {
	names := maps.Clone(k.names)
	for _, r := range v.fixed {
		delete(names, r.c.Name)
	}
	comments := k.comments
	if k.absent {
		comments = []string{"# Cases that fail. Names are only ever removed: make conformance says when."}
		for _, r := range v.failed {
			names[r.c.Name] = true
		}
	}
	lines := append(slices.Clone(comments), slices.Sorted(maps.Keys(names))...)
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// verdict sorts the results by what they mean.
type verdict struct {
	passed  []result
	failed  []result // and not known to
	skipped []result // failed as known
	fixed   []result // passed, though known to fail
}

func judge(results []result, known *knownFailures) verdict {
	var v verdict
	for _, r := range results {
		isKnown := known.names[r.c.Name]
		switch {
		case r.err == nil && isKnown:
			v.fixed = append(v.fixed, r)
			v.passed = append(v.passed, r)
		case r.err == nil:
			v.passed = append(v.passed, r)
		case isKnown:
			v.skipped = append(v.skipped, r)
		default:
			v.failed = append(v.failed, r)
		}
	}
	return v
}

// ok tells whether everything is as the list says.
func (v verdict) ok() bool { return len(v.failed) == 0 && len(v.fixed) == 0 }

// print writes a line for each failure, a table of the areas, and the sum.
func (v verdict) print(w io.Writer, verbose bool) {
	if verbose {
		for _, r := range v.passed {
			fmt.Fprintf(w, "ok    %s (%s)\n", r.c.Name, r.took.Round(time.Millisecond))
		}
		for _, r := range v.skipped {
			fmt.Fprintf(w, "known %s (%s): %s\n", r.c.Name, r.took.Round(time.Millisecond), oneLine(r.err.Error()))
		}
	}
	for _, r := range v.failed {
		fmt.Fprintf(w, "FAIL  %s (%s): %s\n", r.c.Name, r.took.Round(time.Millisecond), oneLine(r.err.Error()))
	}
	for _, r := range v.fixed {
		fmt.Fprintf(w, "FIXED %s: it passes now; remove its line from the known failures, or run with -update\n", r.c.Name)
	}
	all, good := map[string]int{}, map[string]int{}
	for _, list := range [][]result{v.passed, v.failed, v.skipped} {
		for _, r := range list {
			all[r.c.area()]++
			if r.err == nil {
				good[r.c.area()]++
			}
		}
	}
	for _, area := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w, "%-20s %4d of %4d\n", area, good[area], all[area])
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped (known failures)\n", len(v.passed), len(v.failed), len(v.skipped))
}

// maxLine is how much of an error is printed.
const maxLine = 400

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxLine {
		s = s[:maxLine] + "…"
	}
	return s
}
