package main

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/nearest"
)

// catalogType is a type as the REST API lists it.
type catalogType struct {
	Name        string   `json:"symbolicName"`
	Version     string   `json:"version"`
	Bundle      string   `json:"containingBundle"`
	Title       string   `json:"displayName"`
	Description string   `json:"description"`
	Supertypes  []string `json:"supertypes"`
	Deprecated  bool     `json:"deprecated"`
	Disabled    bool     `json:"disabled"`
	Template    bool     `json:"template"`
	Aliases     []string `json:"aliases"`
	Plan        *struct {
		Data string `json:"data"`
	} `json:"plan"`
	Config []struct {
		Name        string   `json:"name"`
		Type        string   `json:"type"`
		Default     any      `json:"defaultValue"`
		Description string   `json:"description"`
		Constraints []string `json:"constraints"`
	} `json:"config"`
	Sensors []struct {
		Name, Type, Description string
	} `json:"sensors"`
	Effectors []struct {
		Name, Description string
	} `json:"effectors"`
}

func (t *catalogType) kind() string {
	if t.Template {
		return "template"
	}
	if len(t.Supertypes) == 0 {
		return ""
	}
	return t.Supertypes[0]
}

// marks are what users should know before they use the type.
func (t *catalogType) marks() (out []string) {
	if t.Deprecated {
		out = append(out, "deprecated")
	}
	if t.Disabled {
		out = append(out, "disabled")
	}
	return out
}

func (c *cli) catalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "catalog", Short: "Add types to the catalog, list them, show and delete them",
		Long: `The catalog has the types that blueprints name. Those of the server itself are
always there; others come with bundles: BOM files, zip archives of one, or folders.`,
	}
	cmd.AddCommand(c.catalogAddCommand(), c.catalogListCommand(), c.catalogShowCommand(), c.catalogDeleteCommand())
	return cmd
}

func (c *cli) catalogListCommand() *cobra.Command {
	var kind string
	var all bool
	kinds := []string{"entity", "application", "template", "policy", "enricher", "initializer", "strategy", "location", "bean"}
	cmd := &cobra.Command{
		Use: "list [TEXT]", Aliases: []string{"ls"}, Short: "List the types in the catalog", Args: cobra.MaximumNArgs(1),
		Long: "List the types in the catalog whose name has TEXT in it, the best version of each.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if kind != "" && !slices.Contains(kinds, kind) {
				return usageError("--kind is %q; expected %s%s", kind, strings.Join(kinds, ", "), nearest.Hint(kind, kinds))
			}
			q := url.Values{}
			if len(args) > 0 {
				q.Set("fragment", args[0])
			}
			if kind != "" {
				q.Set("supertype", kind)
			}
			if all {
				q.Set("versions", "all")
			}
			return c.catalogList(cmd.Context(), "/v1/catalog/types?"+q.Encode())
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "only "+strings.Join(kinds, ", "))
	cmd.Flags().BoolVar(&all, "all", false, "all versions")
	return cmd
}

func (c *cli) catalogList(ctx context.Context, path string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(ctx, cl, path)
	}
	var types []catalogType
	if err := cl.get(ctx, path, &types); err != nil {
		return err
	}
	t := c.plainTable("NAME", "VERSION", "KIND", "BUNDLE", "")
	for _, typ := range types {
		t.AppendRow([]any{oneLine(typ.Name), oneLine(typ.Version), typ.kind(), oneLine(typ.Bundle), strings.Join(typ.marks(), ", ")})
	}
	t.Render()
	return nil
}

// typePath gives the API's path of NAME or NAME:VERSION below a base.
func typePath(base, ref string) string {
	name, version, _ := strings.Cut(ref, ":")
	return base + url.PathEscape(name) + "/" + url.PathEscape(cmp.Or(version, "latest"))
}

func (c *cli) catalogShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME[:VERSION]", Short: "Show a type of the catalog", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			path := typePath("/v1/catalog/types/", args[0])
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			var t catalogType
			if err := cl.get(cmd.Context(), path, &t); err != nil {
				return err
			}
			c.showType(&t)
			return nil
		},
	}
}

func (c *cli) showType(t *catalogType) {
	c.printf("%s:%s\n", clean(t.Name), clean(t.Version))
	for _, line := range [][2]string{
		{"title", t.Title}, {"about", t.Description}, {"kind", t.kind()}, {"bundle", t.Bundle}, {"state", strings.Join(t.marks(), ", ")},
		{"aliases", strings.Join(t.Aliases, ", ")},
	} {
		if line[1] != "" {
			c.printf("  %-8s %s\n", line[0], oneLine(line[1]))
		}
	}
	if len(t.Config) > 0 {
		c.printf("config:\n")
		for _, k := range t.Config {
			c.printf("  %s (%s)", clean(k.Name), clean(k.Type))
			if k.Default != nil {
				c.printf(" = %s", oneLine(value(k.Default)))
			}
			if k.Description != "" {
				c.printf("  %s", oneLine(k.Description))
			}
			c.printf("\n")
		}
	}
	for _, list := range []struct {
		title string
		items [][2]string
	}{{"sensors", pairs(t.Sensors)}, {"effectors", pairsOf(t)}} {
		if len(list.items) > 0 {
			c.printf("%s:\n", list.title)
		}
		for _, item := range list.items {
			c.printf("  %s\n", strings.TrimSpace(oneLine(item[0])+"  "+oneLine(item[1])))
		}
	}
	if t.Plan != nil {
		c.printf("plan:\n")
		for line := range strings.Lines(strings.TrimRight(t.Plan.Data, "\n")) {
			c.printf("  %s\n", clean(strings.TrimRight(line, "\n")))
		}
	}
}

func pairs(sensors []struct{ Name, Type, Description string }) (out [][2]string) {
	for _, s := range sensors {
		out = append(out, [2]string{s.Name + " (" + s.Type + ")", s.Description})
	}
	return out
}

func pairsOf(t *catalogType) (out [][2]string) {
	for _, e := range t.Effectors {
		out = append(out, [2]string{e.Name, e.Description})
	}
	return out
}
