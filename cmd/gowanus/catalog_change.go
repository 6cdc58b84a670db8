package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) catalogAddCommand() *cobra.Command {
	var force bool
	var grants []string
	var r registryFlags
	var t trustFlags
	cmd := &cobra.Command{
		Use: "add FILE|FOLDER|REF…", Short: "Add bundles to the catalog", Args: cobra.MinimumNArgs(1),
		Long: `Add bundles: BOM files in YAML, zip archives with a catalog.bom, or folders with one,
which are packed. FILE may be "-" for standard input, and REF is a bundle in a registry,
see gowanus module; it is verified before. A bundle is added as a whole or
not at all; one that is there already in the same form is left as it is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.eachBundle(args, func(cl *client, name string) (json.RawMessage, error) {
				b, err := c.obtained(cmd.Context(), name, &r, &t)
				if err != nil {
					return nil, err
				}
				path := "/v1/catalog/bundles?force=" + strconv.FormatBool(force) + grantQuery("&", grants)
				_, text, err := cl.do(cmd.Context(), http.MethodPost, path, b)
				return text, err
			})
		},
	}
	r.add(cmd)
	t.add(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "also in place of a different bundle of the same name and version")
	grantFlag(cmd, &grants)
	return cmd
}

// eachBundle changes the catalog once for each argument, and shows what came
// of it.
func (c *cli) eachBundle(args []string, change func(cl *client, arg string) (json.RawMessage, error)) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var answers []json.RawMessage
	for _, arg := range args {
		text, err := change(cl, arg)
		if err != nil {
			return err
		}
		answers = append(answers, text)
		if c.json() {
			continue
		}
		var answer struct {
			Message string                     `json:"message"`
			Types   map[string]json.RawMessage `json:"types"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return fail(exitFailed, "the answer is not of this API: %w", err)
		}
		c.printf("%s\n", clean(answer.Message))
		for _, id := range slices.Sorted(maps.Keys(answer.Types)) {
			c.printf("  %s\n", clean(id))
		}
	}
	if !c.json() {
		return nil
	}
	text, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	return c.indent(text)
}

// bundle reads a bundle from a file, or packs a folder.
func (c *cli) bundle(name string) (*body, error) {
	info, err := os.Stat(name)
	switch {
	case name == "-" || err == nil && !info.IsDir():
		b, err := c.blueprint(name)
		if err == nil {
			b.contentType = "application/octet-stream"
		}
		return b, err
	case err != nil:
		return nil, usageError("read the bundle: %w", err)
	}
	packed, err := pack(os.DirFS(name))
	if err != nil {
		return nil, usageError("pack folder %s: %w", name, err)
	}
	return &body{text: packed, contentType: "application/zip", file: filepath.ToSlash(name)}, nil
}

// pack gives a zip of the files in a folder, but for those whose name begins
// with a dot. The same files give the same archive, whenever they were written.
func pack(dir fs.FS) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		switch hidden := strings.HasPrefix(d.Name(), ".") && path != "."; {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden || d.IsDir():
			return nil
		}
		text, err := fs.ReadFile(dir, path)
		if err != nil {
			return err
		}
		w, err := z.Create(path)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

func (c *cli) catalogDeleteCommand() *cobra.Command {
	var bundle, force bool
	cmd := &cobra.Command{
		Use: "delete NAME:VERSION…", Aliases: []string{"rm"}, Short: "Delete types, or bundles, from the catalog", Args: cobra.MinimumNArgs(1),
		Long: "Delete types or, with --bundle, whole bundles. Applications that were made from them stay as they are.",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				if !strings.Contains(arg, ":") {
					return usageError("%s: expected NAME:VERSION", arg)
				}
			}
			return c.eachBundle(args, func(cl *client, ref string) (json.RawMessage, error) {
				if !bundle {
					return cl.deleteType(cmd.Context(), ref)
				}
				path := typePath("/v1/catalog/bundles/", ref)
				if force {
					path += "?force=true"
				}
				_, text, err := cl.do(cmd.Context(), http.MethodDelete, path, nil)
				return text, err
			})
		},
	}
	cmd.Flags().BoolVar(&bundle, "bundle", false, "delete bundles")
	cmd.Flags().BoolVar(&force, "force", false, "with --bundle: also if other types start from its types")
	return cmd
}

// deleteType deletes a type, and says so in the form in which the API tells
// of bundles.
func (c *client) deleteType(ctx context.Context, ref string) (json.RawMessage, error) {
	var t catalogType
	if err := c.get(ctx, typePath("/v1/catalog/types/", ref), &t); err != nil {
		return nil, err
	}
	list := map[string]string{"policy": "policies", "enricher": "enrichers", "location": "locations", "template": "applications"}[t.kind()]
	if err := c.call(ctx, http.MethodDelete, typePath("/v1/catalog/"+cmp.Or(list, "entities")+"/", ref), nil, nil); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"message": "type " + t.Name + ":" + t.Version + " is removed", "bundle": t.Bundle})
}
