package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

func (c *cli) stopCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "stop APPLICATION[/ENTITY]", Short: "Stop an application or entity, without deleting it", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.end(cmd.Context(), args[0], wait, ending{
				doing: "stopping", done: "stopped", states: []string{"stopped", "on-fire"},
				begin: func(ctx context.Context, cl *client, e *entity) (*activity, error) {
					return cl.invoke(ctx, e, "stop", map[string]any{})
				},
			})
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "wait until it has stopped")
	return cmd
}

func (c *cli) deleteCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "delete APPLICATION", Aliases: []string{"rm"}, Short: "Stop an application and remove everything it made", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.end(cmd.Context(), args[0], wait, ending{
				doing: "being deleted", done: "deleted", states: []string{"on-fire"},
				begin: func(ctx context.Context, cl *client, e *entity) (*activity, error) {
					if e.ID != e.ApplicationID {
						return nil, usageError("%s is not an application; expected the name or id of one", clean(e.Name))
					}
					a := new(activity)
					return a, cl.call(ctx, http.MethodDelete, applicationPath(e.ID), nil, a)
				},
			})
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "wait until it is gone")
	return cmd
}

// ending is a way to end an entity.
type ending struct {
	begin       func(context.Context, *client, *entity) (*activity, error)
	doing, done string
	states      []string // worth a line on the way
}

// end begins something that ends an entity and, if wanted, waits for it.
func (c *cli) end(ctx context.Context, ref string, wait bool, way ending) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	e, err := cl.find(ctx, ref)
	if err != nil {
		return err
	}
	view := c.newView(way.states...)
	if before, err := cl.tree(ctx, e.ID); err == nil && before != nil {
		view.note(before)
	}
	a, err := way.begin(ctx, cl, e)
	if err != nil {
		return err
	}
	if wait {
		if err := c.follow(ctx, cl, view, e.ID, a.ID); err != nil {
			return err
		}
	}
	switch {
	case c.json():
		return c.printJSON(ctx, cl, activityPath(a.ID))
	case wait:
		c.printf("%s is %s\n", clean(e.Name), way.done)
	default:
		c.printf("%s is %s, activity %s\n", clean(e.Name), way.doing, a.ID)
	}
	return nil
}
