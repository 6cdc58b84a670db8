package main

import (
	"context"
	"net/url"

	"github.com/spf13/cobra"
)

func (c *cli) treeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "tree [APPLICATION[/ENTITY]]", Short: "Show the entities of applications", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			path := "/v1/applications/fetch"
			if len(args) == 1 {
				e, err := cl.find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				path = "/v1/applications/details?includeAllApps=false&depth=-1&items=" + url.QueryEscape(e.ID)
			}
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			return c.printTree(cmd.Context(), cl, path)
		},
	}
}

func (c *cli) printTree(ctx context.Context, cl *client, path string) error {
	var list []entity
	if err := cl.get(ctx, path, &list); err != nil {
		return err
	}
	v := c.newView()
	for i := range list {
		c.printf("%s\n", v.render(&list[i], nil))
	}
	if len(list) == 0 {
		c.printf("no applications\n")
	}
	return nil
}
