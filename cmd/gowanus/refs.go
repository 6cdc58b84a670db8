package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// entityPath gives the API's path of what a reference names: an application,
// "shop", or an entity of one, "shop/web", by id or display name.
func entityPath(ref string) string {
	app, ent, found := strings.Cut(ref, "/")
	if !found {
		ent = app
	}
	return "/v1/applications/" + url.PathEscape(app) + "/entities/" + url.PathEscape(ent)
}

// applicationPath gives the API's path of an application.
func applicationPath(ref string) string { return "/v1/applications/" + url.PathEscape(ref) }

// find gives what a reference names. An application is found by its name in
// any case, so its own id is asked for first.
func (c *client) find(ctx context.Context, ref string) (*entity, error) {
	path := entityPath(ref)
	if !strings.Contains(ref, "/") {
		var app application
		if err := c.get(ctx, applicationPath(ref), &app); err != nil {
			return nil, err
		}
		path = entityPath(app.ID)
	}
	e := new(entity)
	if err := c.get(ctx, path, e); err != nil {
		return nil, err
	}
	e.ApplicationID, _ = url.PathUnescape(strings.TrimPrefix(e.Links.Application, "/v1/applications/"))
	return e, nil
}

// path gives the API's path of an entity that was found.
func (e *entity) path() string { return e.Links.Self }

// tree gives an application or entity with all below it, or nil when it is
// gone.
func (c *client) tree(ctx context.Context, id string) (*entity, error) {
	var list []entity
	err := c.get(ctx, "/v1/applications/details?includeAllApps=false&depth=-1&items="+url.QueryEscape(id), &list)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// applicationNames completes the argument of commands that take an
// application first.
func (c *cli) applicationNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cl, err := c.client()
	var apps []application
	if err == nil {
		err = cl.get(cmd.Context(), "/v1/applications", &apps)
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, a := range apps {
		names = append(names, a.Spec.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
