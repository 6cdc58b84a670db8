package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

// playing is one run of "gowanus module test".
type playing struct {
	cli         *cli
	file        string // of the module
	suites      []*scenario.Suite
	only        *regexp.Regexp // names of scenarios; nil takes all
	quiet       bool
	verbose     bool
	minCoverage float64
}

func (c *cli) moduleTestCommand() *cobra.Command {
	p := &playing{cli: c}
	var only string
	cmd := &cobra.Command{
		Use: "test [FILE.wasm|DIR] [SCENARIO…]", Short: "Play scenarios against a module, without a server",
		Long: `Play scenarios against a module: YAML files that say what the module is asked and what it
shall decide, with simulated entities, hosts and time. DIR, by default this folder, is built
first, as by "gowanus module build", but leaves no file. The scenarios are the files and folders SCENARIO, by
default the folder tests beside the module. A scenario file in the place of the module names
it by itself, in "module".

Each call is made twice, on an instance that was used before and on a new one: a module
that answers otherwise is no pure function of its documents, which is an error.

Shown is also which hooks of which types were asked, as far as the module's description
tells of them, and what the calls took. Fuel is the measure that limits go by.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if only != "" {
				var err error
				if p.only, err = regexp.Compile(only); err != nil {
					return usageError("--run: %w", err)
				}
			}
			if p.minCoverage < 0 || p.minCoverage > 100 {
				return usageError("--min-coverage is %g; expected a percentage from 0 to 100", p.minCoverage)
			}
			scratch, err := os.MkdirTemp("", "gowanus-test-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(scratch)
			if err := p.find(cmd.Context(), args, filepath.Join(scratch, "module.wasm")); err != nil {
				return err
			}
			return p.play(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&only, "run", "", "play only the scenarios whose name matches this regular expression")
	cmd.Flags().Float64Var(&p.minCoverage, "min-coverage", 0, "fail when fewer `PERCENT` of the hooks were asked")
	cmd.Flags().BoolVarP(&p.quiet, "quiet", "q", false, "show only what fails, and the sum")
	cmd.Flags().BoolVarP(&p.verbose, "verbose", "v", false, "show what the module logs")
	return cmd
}

// find builds the module into a file, if that is to be done, and reads the
// scenarios.
func (p *playing) find(ctx context.Context, args []string, output string) error {
	target := "."
	if len(args) > 0 {
		target, args = args[0], args[1:]
	}
	info, err := os.Stat(target)
	if err != nil {
		return usageError("%w", err)
	}
	beside := target
	switch extension := filepath.Ext(target); {
	case info.IsDir():
		log := io.Discard
		if p.verbose {
			log = p.cli.stderr
		}
		built, err := p.cli.buildModule(ctx, target, modulebuild.Options{Output: output}, log)
		if err != nil {
			return err
		}
		p.file = built.File
		p.cli.refusals(ctx, built.Description)
	case extension == ".yaml" || extension == ".yml":
		args = append([]string{target}, args...)
	default:
		p.file, beside = target, filepath.Dir(target)
	}
	if len(args) == 0 {
		folder := filepath.Join(beside, "tests")
		if _, err := os.Stat(folder); err != nil {
			return usageError("there are no scenarios: expected them in the folder %s, or behind the module", folder)
		}
		args = []string{folder}
	}
	for _, name := range args {
		if err := p.read(name); err != nil {
			return err
		}
	}
	if p.file == "" {
		if p.file = p.suites[0].ModuleFile(); p.file == "" {
			return usageError("%s names no module; give one before it, or write it behind the key module", target)
		}
	}
	return nil
}

// read reads a file of scenarios, or those in a folder.
func (p *playing) read(name string) error {
	files := []string{name}
	if info, err := os.Stat(name); err != nil {
		return usageError("scenarios: %w", err)
	} else if info.IsDir() {
		files = nil
		for _, extension := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(name, extension))
			if err != nil {
				return usageError("scenarios: %w", err)
			}
			files = append(files, found...)
		}
		if len(files) == 0 {
			return usageError("the folder %s has no scenarios: expected files *.yaml", name)
		}
	}
	for _, file := range files {
		s, err := scenario.Read(file)
		if err != nil {
			return usageError("%w", err)
		}
		p.suites = append(p.suites, s)
	}
	return nil
}

// play plays all scenarios and tells what came of them.
func (p *playing) play(ctx context.Context) error {
	o := scenario.Options{}
	if p.verbose {
		o.Log = slog.New(slog.NewTextHandler(p.cli.stderr, nil))
	}
	m, err := scenario.Open(ctx, p.file, o)
	if err != nil {
		return fail(exitFailed, "%w", err)
	}
	defer m.Close()
	var results []*scenario.Result
	begin := time.Now()
	failed := 0
	for _, suite := range p.suites {
		for _, s := range suite.Scenarios {
			if p.only != nil && !p.only.MatchString(s.Name) {
				continue
			}
			r, err := m.Play(ctx, s)
			if err != nil {
				return err
			}
			if !r.Passed() {
				failed++
			}
			if !p.cli.json() && (!p.quiet || !r.Passed()) {
				p.cli.printf("%s\n", clean(r.String()))
			}
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return usageError("no scenario has a name that matches --run")
	}
	covered, percent := m.Coverage()
	if p.cli.json() {
		if err := p.document(m, results, covered, percent); err != nil {
			return err
		}
	} else {
		p.summary(m, covered, percent, fmt.Sprintf("%s, %d failed, in %s", plural(len(results), "scenario"), failed, time.Since(begin).Round(time.Millisecond)))
	}
	switch {
	case failed > 0:
		return fail(exitFailed, "%s of %d failed", plural(failed, "scenario"), len(results))
	case percent < p.minCoverage:
		return fail(exitFailed, "coverage is %.0f%%, --min-coverage asks for %g%%", percent, p.minCoverage)
	}
	return nil
}

// summary prints the tables.
func (p *playing) summary(m *scenario.Module, covered []scenario.Covered, percent float64, sum string) {
	c := p.cli
	if !p.quiet {
		c.printf("\n")
		t := c.plainTable("TYPE", "HOOK", "", "CALLS")
		for _, place := range covered {
			calls := fmt.Sprint(place.Calls)
			if place.Calls == 0 {
				calls = "none"
			}
			t.AppendRow([]any{oneLine(place.Type), place.Hook, oneLine(place.Branch), calls})
		}
		t.Render()
		c.printf("\n")
		t = c.plainTable("TYPE", "HOOK", "CALLS", "FUEL", "LAST", "TIME", "LONGEST", "MEMORY")
		for _, one := range m.Profile() {
			t.AppendRow([]any{
				oneLine(one.Type), one.Hook, one.Calls, one.Fuel, one.LastFuel,
				one.Time.Round(time.Microsecond), one.Longest.Round(time.Microsecond), size(one.Memory),
			})
		}
		t.Render()
		c.printf("\n")
	}
	c.printf("%s; coverage %.0f%%\n", sum, percent)
}

// document prints everything as JSON.
func (p *playing) document(m *scenario.Module, results []*scenario.Result, covered []scenario.Covered, percent float64) error {
	type problem struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Call     string `json:"call,omitempty"`
		Path     string `json:"path,omitempty"`
		Message  string `json:"message,omitempty"`
		Expected string `json:"expected,omitempty"`
		Got      string `json:"got,omitempty"`
		Diff     string `json:"diff,omitempty"`
	}
	type played struct {
		Name     string    `json:"name"`
		File     string    `json:"file"`
		Line     int       `json:"line"`
		Passed   bool      `json:"passed"`
		Calls    int       `json:"calls"`
		Problems []problem `json:"problems"`
	}
	all := []played{}
	for _, r := range results {
		one := played{Name: r.Name, File: r.At.File, Line: r.At.Line, Passed: r.Passed(), Calls: r.Calls, Problems: []problem{}}
		for _, x := range r.Problems {
			one.Problems = append(one.Problems, problem{
				File: x.At.File, Line: x.At.Line, Column: x.At.Col, Call: x.Call, Path: x.Path,
				Message: x.Message, Expected: x.Expected, Got: x.Got, Diff: x.Diff,
			})
		}
		all = append(all, one)
	}
	return p.cli.printValue(map[string]any{
		"module":    map[string]string{"name": m.Description.Name, "version": m.Description.Version},
		"scenarios": all,
		"coverage":  map[string]any{"percent": percent, "places": covered},
		"profile":   m.Profile(),
	})
}
