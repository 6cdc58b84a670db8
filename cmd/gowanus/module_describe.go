package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func (c *cli) moduleDescribeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "describe FILE.wasm", Short: "Show what a module says of itself", Args: cobra.ExactArgs(1),
		Long: `Show what a module says of itself, without a server: from the file, where "gowanus module
build" wrote it, else by asking the module. Besides text and json, --output may be yaml.`,
		PersistentPreRunE: func(*cobra.Command, []string) error { // instead of the root's
			c.began = true
			if c.output == "yaml" {
				return nil
			}
			return c.checkOutput()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := descriptionOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			switch c.output {
			case "json":
				return c.indent(text)
			case "yaml":
				node, err := yamlpos.Parse(args[0], text, yamlpos.Limits{}) // JSON is YAML
				if err != nil {
					return err
				}
				c.printf("%s", yamlpos.Format(node))
				return nil
			}
			d := new(hook.Description)
			if err := json.Unmarshal(text, d); err != nil {
				return fail(exitFailed, "%s: its description cannot be read: %w", args[0], err)
			}
			c.showDescription(d)
			return nil
		},
	}
	return cmd
}

// descriptionOf gives the description that a module carries, or answers with.
func descriptionOf(ctx context.Context, file string) ([]byte, error) {
	bin, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("%w", err)
	}
	text, err := section.Get(bin, section.Describe)
	if err == nil && text == nil {
		if _, bin, err = modulebuild.Finish(ctx, bin); err == nil {
			text, err = section.Get(bin, section.Describe)
		}
	}
	if err != nil {
		return nil, fail(exitFailed, "%s: %w", file, err)
	}
	return text, nil
}
