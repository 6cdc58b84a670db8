package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status [APPLICATION[/ENTITY]]", Short: "Show how the server, or an entity, fares", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			switch {
			case err != nil:
				return err
			case len(args) == 0 && c.json():
				return c.printJSON(cmd.Context(), cl, "/v1/server/up/extended")
			case len(args) == 0:
				return c.serverStatus(cmd.Context(), cl)
			}
			return c.entityStatus(cmd.Context(), cl, args[0])
		},
	}
}

func (c *cli) serverStatus(ctx context.Context, cl *client) error {
	var v struct{ Version string }
	var up struct {
		Healthy, ShuttingDown bool
		HA                    struct{ PlaneID string }
		Store                 struct{ Reason, LastError string }
	}
	var apps []application
	for path, to := range map[string]any{"/v1/server/version": &v, "/v1/server/up/extended": &up, "/v1/applications": &apps} {
		if err := cl.get(ctx, path, to); err != nil {
			return err
		}
	}
	health := "healthy"
	switch {
	case up.ShuttingDown:
		health = "stopping"
	case !up.Healthy:
		health = "not healthy: the store takes no writes: " + up.Store.Reason
	}
	c.printf("server:       %s\nversion:      %s\nplane:        %s\nhealth:       %s\napplications: %d\n", cl.base, v.Version, up.HA.PlaneID, health, len(apps))
	return nil
}

// entityStatus shows an entity and its sensors, without secrets.
func (c *cli) entityStatus(ctx context.Context, cl *client, ref string) error {
	e, err := cl.find(ctx, ref)
	if err != nil {
		return err
	}
	path := e.path() + "/sensors/current-state?suppressSecrets=true"
	if c.json() {
		return c.printJSON(ctx, cl, path)
	}
	var sensors map[string]any
	if err := cl.get(ctx, path, &sensors); err != nil {
		return err
	}
	c.printf("%s (%s), a %s\n", clean(e.Name), e.ID, clean(e.Type))
	if s, has := sensors["service.state"].(string); has {
		c.printf("state: %s, up: %v\n", state(s), sensors["service.isUp"] == true)
	}
	for _, name := range []string{"service.problems", "service.notUp.indicators"} {
		problems, _ := sensors[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(problems)) {
			c.printf("problem: %s: %s\n", clean(key), value(problems[key]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sensors)) {
		if !strings.HasPrefix(name, "service.") {
			c.printf("  %s = %s\n", clean(name), indented(value(sensors[name])))
		}
	}
	return nil
}

// indented keeps the lines of a long value apart from the next one.
func indented(text string) string {
	return strings.ReplaceAll(text, "\n", "\n      ")
}
