package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

func (c *cli) schemaCommand() *cobra.Command {
	var catalogs []string
	var online bool
	cmd := &cobra.Command{
		Use: "schema [TYPE]", Short: "Print a JSON Schema of blueprints, or of a type's config", Args: cobra.MaximumNArgs(1),
		Long: `Print a JSON Schema of blueprints, with the config of every type, or of the config of
one type. Editors complete and check with it; for most a comment at the top of the file
is enough:

  # yaml-language-server: $schema=blueprint.schema.json

The types are those that come with the program, with --online those that were added to
the server's catalog too, and those in the files of --catalog.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, end, err := offlineEngine(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer end()
			if err := c.fill(cmd.Context(), e, online, catalogs); err != nil {
				return err
			}
			if len(args) == 0 {
				return c.schema(camp.Schema(usable(e)))
			}
			t, err := e.Type(args[0], "latest")
			if err != nil {
				var names []string
				for _, t := range e.Types() {
					names = append(append(names, t.Name), t.Aliases...)
				}
				return fail(exitNotFound, "there is no type %s%s", args[0], nearest.Hint(args[0], names))
			}
			return c.schema(camp.TypeSchema(*e.Shape(t)))
		},
	}
	cmd.Flags().StringArrayVar(&catalogs, "catalog", nil, "a BOM file, zip archive or folder with further types; may be repeated")
	cmd.Flags().BoolVar(&online, "online", false, "also the types that were added to the server's catalog")
	return cmd
}

// fill adds to a catalog what the server has, if that is wanted, and what some
// files have.
func (c *cli) fill(ctx context.Context, e *engine.Engine, online bool, files []string) error {
	if online {
		if err := c.learn(ctx, e); err != nil {
			return err
		}
	}
	for _, file := range files {
		b, err := c.bundle(file)
		if err == nil {
			_, err = e.AddBundle(ctx, engine.BundleRequest{Content: b.text, File: b.file, Force: true})
		}
		if err != nil {
			return usageError("%w", err)
		}
	}
	return nil
}

// learn adds the bundles of the server's catalog. One that cannot be added yet
// may need another one, so they are tried until that changes nothing.
func (c *cli) learn(ctx context.Context, e *engine.Engine) error {
	wanted, err := c.added(ctx)
	if err != nil {
		return err
	}
	for len(wanted) > 0 {
		var later []engine.BundleRequest
		for _, b := range wanted {
			if _, err = e.AddBundle(ctx, b); err != nil {
				later = append(later, b)
			}
		}
		if len(later) == len(wanted) {
			return fail(exitFailed, "bundle %s of the server: %w", later[len(later)-1].File, err)
		}
		wanted = later
	}
	return nil
}

// added gives the bundles of the server's catalog that did not come with it.
func (c *cli) added(ctx context.Context) (out []engine.BundleRequest, err error) {
	cl, err := c.client()
	if err != nil {
		return nil, err
	}
	var bundles []struct {
		Name       string `json:"symbolicName"`
		Version    string `json:"version"`
		Deleteable bool   `json:"deleteable"`
	}
	if err := cl.get(ctx, "/v1/catalog/bundles?versions=all", &bundles); err != nil {
		return nil, err
	}
	for _, b := range bundles {
		if !b.Deleteable {
			continue
		}
		id := b.Name + ":" + b.Version
		_, content, err := cl.do(ctx, http.MethodGet, typePath("/v1/catalog/bundles/", id)+"/download", nil)
		if err != nil {
			return nil, err
		}
		out = append(out, engine.BundleRequest{Content: content, File: id, Force: true})
	}
	return out, nil
}

// usable gives the types that run, the best version of each.
func usable(e *engine.Engine) (out []hook.Type) {
	seen := map[string]bool{}
	for _, t := range e.Types() {
		if id := t.Kind + " " + t.Name; !seen[id] && t.Unbuilt == "" {
			seen[id] = true
			out = append(out, *e.Shape(t))
		}
	}
	return out
}

func (c *cli) schema(s map[string]any) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.indent(text)
}
