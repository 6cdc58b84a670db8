package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) invokeCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "invoke APPLICATION[/ENTITY] EFFECTOR [NAME=VALUE | NAME:=JSON]...", Short: "Call an effector of an entity",
		Args: cobra.MinimumNArgs(2), ValidArgsFunction: c.applicationNames,
		Long: `Call an effector and print its result. Arguments are text after "=", JSON after ":=":

  gowanus invoke shop/cache resize desiredSize:=3

Interrupting the command does not cancel the effector; "gowanus activity cancel" does.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := arguments(args[2:])
			if err != nil {
				return err
			}
			return c.invoke(cmd.Context(), args[0], args[1], values, wait)
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", true, "wait for the result")
	return cmd
}

func arguments(args []string) (map[string]any, error) {
	out := map[string]any{}
	for _, arg := range args {
		name, text, found := strings.Cut(arg, "=")
		if !found || name == "" || name == ":" {
			return nil, usageError("argument %q: expected NAME=VALUE or NAME:=JSON", arg)
		}
		if plain, isJSON := strings.CutSuffix(name, ":"); isJSON {
			if !json.Valid([]byte(text)) {
				return nil, usageError("argument %q: what follows := is not JSON; for text use =", arg)
			}
			out[plain] = json.RawMessage(text)
			continue
		}
		out[name] = text
	}
	return out, nil
}

// call invokes an effector and gives its activity, which may have ended.
func (c *client) invoke(ctx context.Context, e *entity, effector string, args map[string]any) (*activity, error) {
	text, err := json.Marshal(args)
	if err != nil {
		return nil, usageError("arguments: %w", err)
	}
	a := new(activity)
	path := e.path() + "/effectors/" + url.PathEscape(effector) + "?timeout=0"
	return a, c.call(ctx, http.MethodPost, path, &body{text: text, contentType: "application/json"}, a)
}

func (c *cli) invoke(ctx context.Context, ref, effector string, args map[string]any, wait bool) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	e, err := cl.find(ctx, ref)
	if err != nil {
		return err
	}
	a, err := cl.invoke(ctx, e, effector, args)
	if err != nil {
		return err
	}
	return c.result(ctx, cl, a, wait, effector+" of "+clean(e.Name))
}

// result waits for an activity, if wanted, and prints what it gave; what is how
// users call it.
func (c *cli) result(ctx context.Context, cl *client, a *activity, wait bool, what string) error {
	var err error
	if wait {
		if a, err = cl.await(ctx, a.ID); err == nil {
			err = cl.outcome(ctx, a)
		}
	}
	switch {
	case err != nil:
		return err
	case c.json():
		return c.printJSON(ctx, cl, activityPath(a.ID))
	case !wait:
		c.printf("%s has begun, activity %s\n", what, a.ID)
	case a.Result != nil:
		c.printf("%s\n", value(a.Result))
	}
	return nil
}
