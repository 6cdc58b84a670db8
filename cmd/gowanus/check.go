package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

func (c *cli) checkCommand() *cobra.Command {
	var config string
	var offline bool
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Find the errors of a blueprint", Args: cobra.ExactArgs(1),
		Long: `Find everything that is wrong with a blueprint, without deploying it. FILE may be
"-" for standard input.

The server is asked, since it knows its types and locations. With --offline the
program checks by itself, for the locations in the file of --config.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := c.blueprint(args[0])
			if err != nil {
				return err
			}
			if offline {
				err = checkOffline(cmd.Context(), b, config)
			} else {
				err = c.checkOnline(cmd.Context(), b)
			}
			if err == nil && !c.json() {
				c.printf("%s: no errors\n", b.file)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "check without a server")
	cmd.Flags().StringVar(&config, "config", "", "with --offline: the configuration file of the server that the blueprint is for")
	return cmd
}

func (c *cli) checkOnline(ctx context.Context, b *body) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	return cl.call(ctx, http.MethodPost, "/v1/applications?check=true", b, nil)
}

// checkOffline asks an engine of its own, which forgets everything.
func checkOffline(ctx context.Context, b *body, config string) error {
	set, err := readSettings(config)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gowanus-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := wire(ctx, store.NewMemory(), wiring{dir: dir, plane: "check", log: slog.New(slog.DiscardHandler)}, set)
	if err != nil {
		return err
	}
	defer p.close(context.WithoutCancel(ctx))
	if _, err := p.engine.Check(ctx, engine.Request{Text: b.text, File: b.file}); err != nil {
		return usageError("Error in blueprint: %w", err)
	}
	return nil
}
