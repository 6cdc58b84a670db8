package main

import (
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the applications", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if c.json() {
				return c.printJSON(cmd.Context(), cl, "/v1/applications")
			}
			var apps []application
			if err := cl.get(cmd.Context(), "/v1/applications", &apps); err != nil {
				return err
			}
			if len(apps) == 0 {
				c.printf("no applications\n")
				return nil
			}
			t := c.plainTable("NAME", "ID", "STATUS", "LOCATION")
			for _, a := range apps {
				t.AppendRow([]any{oneLine(a.Spec.Name), a.ID, strings.ToLower(a.Status), strings.Join(a.Spec.Locations, ", ")})
			}
			t.Render()
			return nil
		},
	}
}
