package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/list"
	"github.com/spf13/cobra"
)

func (c *cli) activityCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "activity", Aliases: []string{"activities"}, Short: "Look at what is and was being done"}
	cmd.AddCommand(c.activityListCommand(), c.activityShowCommand(), c.activityStreamsCommand(), c.activityCancelCommand())
	return cmd
}

func (c *cli) activityListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list APPLICATION[/ENTITY]", Short: "List the activities of an entity, the most recent first", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			e, err := cl.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := fmt.Sprintf("%s/activities?limit=%d", e.path(), limit)
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			return c.listActivities(cmd.Context(), cl, path)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "most activities to list")
	return cmd
}

func (c *cli) listActivities(ctx context.Context, cl *client, path string) error {
	var all []activity
	if err := cl.get(ctx, path, &all); err != nil {
		return err
	}
	t := c.plainTable("ID", "NAME", "STATUS", "BEGAN", "TOOK")
	for _, a := range all {
		t.AppendRow([]any{a.ID, oneLine(a.Name), strings.ToLower(a.Status), began(&a), took(&a)})
	}
	t.Render()
	return nil
}

func (c *cli) activityShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show an activity and its parts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if c.json() {
				return c.printJSON(cmd.Context(), cl, activityPath(args[0])+"?suppressSecrets=true")
			}
			return c.showActivity(cmd.Context(), cl, args[0])
		},
	}
}

func (c *cli) showActivity(ctx context.Context, cl *client, id string) error {
	var a activity
	if err := cl.get(ctx, activityPath(id)+"?suppressSecrets=true", &a); err != nil {
		return err
	}
	all, err := cl.below(ctx, id)
	if err != nil {
		return err
	}
	parts := map[string][]*activity{}
	for i := range all {
		parts[all[i].parent()] = append(parts[all[i].parent()], &all[i])
	}
	w := list.NewWriter()
	w.SetStyle(list.StyleConnectedLight)
	appendActivity(w, &a, parts)
	c.printf("%s\n", outline(w))
	switch {
	case a.IsError:
		c.printf("error: %s\n", value(a.Result))
	case a.Result != nil:
		c.printf("result: %s\n", value(a.Result))
	case a.Ended == 0 && a.Blocking != "":
		c.printf("waits: %s\n", clean(a.Blocking))
	}
	if names := slices.Sorted(maps.Keys(a.Streams)); len(names) > 0 {
		c.printf("streams: %s\n", strings.Join(names, ", "))
	}
	return nil
}

func appendActivity(w list.Writer, a *activity, parts map[string][]*activity) {
	line := oneLine(a.Name)
	if a.EntityName != "" {
		line += " of " + oneLine(a.EntityName)
	}
	line += ": " + strings.ToLower(a.Status)
	if a.Ended != 0 {
		line += " after " + took(a)
	}
	if a.Ended == 0 && a.Blocking != "" {
		line += ", " + oneLine(a.Blocking)
	}
	w.AppendItem(line + "  [" + a.ID + "]")
	w.Indent()
	for _, p := range parts[a.ID] {
		appendActivity(w, p, parts)
	}
	w.UnIndent()
}

func (c *cli) activityStreamsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "streams ID [NAME]", Short: "Print what an activity has printed", Args: cobra.RangeArgs(1, 2),
		Long: "Print one stream of an activity (stdin, stdout, stderr, env), or all of them with headings.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return c.printStream(cmd.Context(), cl, args[0], args[1])
			}
			var a activity
			if err := cl.get(cmd.Context(), activityPath(args[0]), &a); err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(a.Streams)) {
				c.printf("==> %s <==\n", name)
				if err := c.printStream(cmd.Context(), cl, args[0], name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (c *cli) printStream(ctx context.Context, cl *client, id, name string) error {
	path := activityPath(id) + "/stream/" + url.PathEscape(name) + "?suppressSecrets=true"
	_, text, err := cl.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if _, _, tty := terminal(c.stdout); tty {
		text = []byte(clean(string(text)))
	}
	_, err = c.stdout.Write(text)
	return err
}

func (c *cli) activityCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "Ask an activity to stop", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			return c.cancelActivity(cmd.Context(), cl, args[0], "activity "+args[0])
		},
	}
}

// cancelActivity asks an activity to stop; what is how users call it.
func (c *cli) cancelActivity(ctx context.Context, cl *client, id, what string) error {
	var asked bool
	if err := cl.call(ctx, http.MethodPost, activityPath(id)+"/cancel", nil, &asked); err != nil {
		return err
	}
	if !asked {
		return fail(exitConflict, "%s has ended already", what)
	}
	if c.json() {
		return c.printJSON(ctx, cl, activityPath(id))
	}
	c.printf("%s was asked to stop\n", what)
	return nil
}

func began(a *activity) string {
	if a.Started == 0 {
		return "-"
	}
	return stamp(a.Started).Format(time.DateTime)
}

// took gives how long an activity ran, "" while it does.
func took(a *activity) string {
	if a.Ended == 0 || a.Started == 0 {
		return ""
	}
	return stamp(a.Ended).Sub(stamp(a.Started)).String()
}
