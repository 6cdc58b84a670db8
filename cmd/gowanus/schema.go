package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/hook"
)

func (c *cli) schemaCommand() *cobra.Command {
	var catalogs []string
	cmd := &cobra.Command{
		Use: "schema [TYPE]", Short: "Print a JSON Schema of blueprints, or of a type's config", Args: cobra.MaximumNArgs(1),
		Long: `Print a JSON Schema of blueprints, with the config of every type, or of the config of
one type. Editors complete and check with it; for most a comment at the top of the file
is enough:

  # yaml-language-server: $schema=blueprint.schema.json

The types are those that come with the program, and those in the files of --catalog.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, end, err := offlineEngine(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer end()
			for _, file := range catalogs {
				b, err := c.blueprint(file)
				if err == nil {
					_, err = e.AddBundle(cmd.Context(), engine.BundleRequest{Content: b.text, File: b.file, Force: true})
				}
				if err != nil {
					return usageError("%w", err)
				}
			}
			if len(args) > 0 {
				t, err := e.Type(args[0], "latest")
				if err != nil {
					return fail(exitNotFound, "there is no type %s", args[0])
				}
				return c.schema(camp.TypeSchema(*e.Shape(t)))
			}
			var types []hook.Type
			seen := map[string]bool{}
			for _, t := range e.Types() {
				if id := t.Kind + " " + t.Name; !seen[id] && t.Unbuilt == "" { // the best version comes first
					seen[id] = true
					types = append(types, *e.Shape(t))
				}
			}
			return c.schema(camp.Schema(types))
		},
	}
	cmd.Flags().StringArrayVar(&catalogs, "catalog", nil, "a BOM file or zip archive with further types; may be repeated")
	return cmd
}

func (c *cli) schema(s map[string]any) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.indent(text)
}
