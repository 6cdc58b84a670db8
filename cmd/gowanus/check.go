package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func (c *cli) checkCommand() *cobra.Command {
	var config string
	var online, offline bool
	cmd := &cobra.Command{
		Use: "check FILE…", Short: "Find the errors of blueprints and catalogs", Args: cobra.MinimumNArgs(1),
		Long: `Find everything that is wrong with blueprints and with bundles for the catalog
(BOM files and zip archives), without deploying or installing them. FILE may be "-"
for standard input. The types of a bundle are known to the files after it.

The program checks by itself. It knows its own types; of locations those in the
file of --config, and without one it only warns of names that it does not know.
With --online the server is asked, for its types and locations.

Each problem is one line, FILE:LINE:COLUMN: MESSAGE; -o json gives a list.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			k := &checking{cli: c, known: config != ""}
			if !online {
				e, end, err := offlineEngine(cmd.Context(), config)
				if err != nil {
					return err
				}
				defer end()
				if err := e.CheckLocations(cmd.Context()); err != nil {
					return err
				}
				k.engine = e
			}
			for _, file := range args {
				if err := k.file(cmd.Context(), file); err != nil {
					return err
				}
			}
			return k.report(len(args))
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "ask the server")
	cmd.Flags().BoolVar(&offline, "offline", false, "")
	_ = cmd.Flags().MarkHidden("offline") // it was the other way round once
	cmd.Flags().StringVar(&config, "config", "", "the configuration file of the server that the blueprints are for")
	return cmd
}

// checking collects the problems of some files.
type checking struct {
	cli      *cli
	engine   *engine.Engine // nil asks the server
	known    bool           // all locations are
	problems []problem
}

// problem is one of them, in the form of -o json.
type problem struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"` // error or warning
	Message  string `json:"message"`
}

func (k *checking) file(ctx context.Context, name string) error {
	b, err := k.cli.blueprint(name)
	if err != nil {
		return err
	}
	if k.engine == nil {
		return k.ask(ctx, b)
	}
	if isBundle(b.text) {
		// Later files may use its types, and it may replace what is known.
		added, err := k.engine.AddBundle(ctx, engine.BundleRequest{Content: b.text, File: b.file, Force: true, GrantAll: true})
		k.add(b.file, "error", err)
		if added != nil {
			for _, w := range added.Warnings {
				k.add(b.file, "warning", w)
			}
		}
		return nil
	}
	report, err := k.engine.Check(ctx, engine.Request{Text: b.text, File: b.file, Lenient: !k.known})
	k.add(b.file, "error", err)
	for _, w := range report.Warnings {
		k.add(b.file, "warning", w)
	}
	return nil
}

// ask has the server check a blueprint.
func (k *checking) ask(ctx context.Context, b *body) error {
	if isBundle(b.text) {
		return usageError("%s is meant for the catalog, where the server only checks what it adds; leave out --online", b.file)
	}
	cl, err := k.cli.client()
	if err != nil {
		return err
	}
	cl.warn = func(text string) { k.problems = append(k.problems, warned(b.file, text)) }
	err = cl.call(ctx, http.MethodPost, "/v1/applications?check=true", b, nil)
	var wrong *wrongText
	if !errors.As(err, &wrong) {
		return err
	}
	for _, p := range wrong.problems {
		p.Severity = "error"
		k.problems = append(k.problems, p)
	}
	return nil
}

// place is what a problem's text begins with when it has one.
var place = regexp.MustCompile(`^(.*?):(\d+):(\d+): `)

// warned makes a problem of a warning in the server's words.
func warned(file, text string) problem {
	p := problem{File: file, Severity: "warning", Message: text}
	if at := place.FindStringSubmatch(text); at != nil {
		p.File, p.Message = at[1], text[len(at[0]):]
		p.Line, _ = strconv.Atoi(at[2])
		p.Column, _ = strconv.Atoi(at[3])
	}
	return p
}

// isBundle tells whether a file is meant for the catalog.
func isBundle(text []byte) bool {
	if bytes.HasPrefix(text, []byte("PK\x03\x04")) || module.Is(text) {
		return true
	}
	root, err := yamlpos.Parse("", text, yamlpos.Limits{})
	return err == nil && root.Get("brooklyn.catalog") != nil
}

// add takes the problems that an error consists of.
func (k *checking) add(file, severity string, err error) {
	if err == nil {
		return
	}
	list := yamlpos.Problems(err)
	if len(list) == 0 {
		k.problems = append(k.problems, problem{File: file, Severity: severity, Message: err.Error()})
	}
	for _, e := range list {
		p := problem{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Col, Severity: severity, Message: e.Msg}
		if p.File == "" {
			p.File = file
		}
		k.problems = append(k.problems, p)
	}
}

// report prints the problems and fails if there is an error.
func (k *checking) report(files int) error {
	slices.SortStableFunc(k.problems, func(a, b problem) int {
		if a.File != b.File {
			return 0 // files stay in the order in which they were named
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	k.problems = slices.Compact(k.problems) // one text may lead to a problem at several entities
	failed := 0
	for _, p := range k.problems {
		if p.Severity == "error" {
			failed++
		}
	}
	if k.cli.json() {
		if k.problems == nil {
			k.problems = []problem{}
		}
		text, err := json.Marshal(k.problems)
		if err == nil {
			err = k.cli.indent(text)
		}
		if err != nil {
			return err
		}
	} else {
		for _, p := range k.problems {
			at := yamlpos.Pos{File: p.File, Line: p.Line, Col: p.Column}
			if p.Severity == "warning" {
				p.Message = "warning: " + p.Message
			}
			k.cli.printf("%s: %s\n", at, clean(p.Message))
		}
	}
	switch {
	case failed > 0:
		return usageError("%s", plural(failed, "error"))
	case !k.cli.json():
		k.cli.printf("%s: no errors\n", plural(files, "file"))
	}
	return nil
}

// offlineEngine gives an engine that forgets everything.
func offlineEngine(ctx context.Context, config string) (*engine.Engine, func(), error) {
	set, err := readSettings(config)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "gowanus-check-")
	if err != nil {
		return nil, nil, err
	}
	p, err := wire(ctx, store.NewMemory(), wiring{dir: dir, cache: userCache(), plane: "check", log: slog.New(slog.DiscardHandler)}, set)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p.engine, func() {
		_ = p.close(context.WithoutCancel(ctx))
		_ = os.RemoveAll(dir)
	}, nil
}

// userCache gives a folder of the user's own for the compiled code of modules,
// which types ask about their config; "" when there can be none.
func userCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "gowanus", "code")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}
