package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
)

func (c *cli) moduleBuildCommand() *cobra.Command {
	var o modulebuild.Options
	cmd := &cobra.Command{
		Use: "build [DIR|FILE.wasm]", Short: "Compile a module and check it against the contract", Args: cobra.MaximumNArgs(1),
		Long: `Compile the module in DIR, by default this folder, with the toolchain of its language,
which the files tell: go.mod, Cargo.toml, asconfig.json, or C files. The module is checked
as a server would, and carries its own description, so that it can be listed without being
run. It is written to DIR/NAME.wasm, NAME being what it calls itself. A FILE.wasm that
something else compiled is checked and described in its place.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			m, err := c.buildModule(cmd.Context(), dir, o, c.stderr)
			if err != nil {
				return err
			}
			warnings := c.refusals(cmd.Context(), m.Description)
			if c.json() {
				return c.printValue(map[string]any{
					"file": m.File, "language": m.Language, "size": m.Size, "description": m.Description, "warnings": warnings,
				})
			}
			c.printf("%s: %s\n", m.File, strings.TrimPrefix(m.Language+", "+size(int64(m.Size)), ", "))
			c.showDescription(m.Description)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Language, "lang", "", "the language, where the files do not tell it: "+strings.Join(modulebuild.Languages, ", "))
	cmd.Flags().StringVar(&o.Output, "out", "", "the file to write")
	return cmd
}

// buildModule builds a module; what its toolchain says goes to log.
func (c *cli) buildModule(ctx context.Context, dir string, o modulebuild.Options, log io.Writer) (*modulebuild.Result, error) {
	o.Log = log
	o.Slow = func(what string) {
		fmt.Fprintf(c.stderr, "gowanus: %s is at work; the first time may take a minute\n", what)
	}
	m, err := modulebuild.Build(ctx, dir, o)
	switch {
	case err == nil:
		return m, nil
	case fault.KindOf(err) == fault.NotFound, fault.KindOf(err) == fault.Invalid && m == nil && o.Language != "":
		return nil, usageError("%w", err)
	}
	return nil, err
}

// refusals tells for which reasons a server of this version would not install
// what a module describes; they are warnings, because others might. They are
// printed, too.
func (c *cli) refusals(ctx context.Context, d *hook.Description) []string {
	warnings := []string{}
	text, err := json.Marshal(d)
	if err != nil {
		return warnings
	}
	e, end, err := offlineEngine(ctx, "")
	if err != nil {
		return warnings
	}
	defer end()
	if err := e.CheckModule(text); err != nil {
		warnings = append(warnings, err.Error())
		fmt.Fprintf(c.stderr, "gowanus: warning: a server of this version would refuse it: %s\n", clean(err.Error()))
	}
	return warnings
}

// showDescription prints what a module says of itself.
func (c *cli) showDescription(d *hook.Description) {
	c.printf("%s %s, ABI %d to %d\n", oneLine(d.Name), oneLine(d.Version), d.ABI[0], d.ABI[1])
	if len(d.Types) > 0 {
		t := c.plainTable("TYPE", "KIND", "")
		for i := range d.Types {
			t.AppendRow([]any{oneLine(d.Types[i].Name), oneLine(d.Types[i].Kind), oneLine(d.Types[i].Description)})
		}
		t.Render()
	}
	if len(d.Capabilities) > 0 {
		t := c.plainTable("ASKS FOR", "", "REASON")
		for _, a := range d.Capabilities {
			t.AppendRow([]any{oneLine(a.Kind), oneLine(a.Value), oneLine(a.Reason + warning(a))})
		}
		t.Render()
	}
}
