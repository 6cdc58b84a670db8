package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gowanus-project/gowanus/internal/nearest"
)

const about = `Gowanus deploys, manages and heals composite applications from blueprints.

"gowanus serve" runs a server; the other commands talk to one. They find it by
--server, else GOWANUS_SERVER, else at ` + defaultServer + `, and use
the password in --password-file, else GOWANUS_ADMIN_PASSWORD, else the file
that a server of this machine and user keeps in its data directory.

An application or entity is named by id or display name: "shop", "shop/web".

Exit status:
  0  done
  1  the operation failed
  2  wrong usage, or a blueprint with errors
  3  the server cannot be reached
  4  there is no such application, entity, effector or activity
  5  the server refused the password, or the action
  6  it conflicts with what is there, such as an id in use
  130  interrupted`

// cli is what all commands share.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	remote         remote
	output         string
	began          bool // the command line was understood
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return c.finish(ctx, cmd, err)
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use: "gowanus", Short: "Deploy, manage and heal applications from blueprints", Long: about, Version: version,
		SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			c.began = true
			return c.checkOutput()
		},
	}
	root.SetFlagErrorFunc(suggestFlag)
	c.remote.flags(root.PersistentFlags())
	root.PersistentFlags().StringVarP(&c.output, "output", "o", "text", "form of the output: text or json")
	root.AddCommand(
		c.serveCommand(), c.checkCommand(), c.deployCommand(), c.listCommand(), c.treeCommand(), c.statusCommand(),
		c.invokeCommand(), c.workflowCommand(), c.explainCommand(), c.catalogCommand(), c.moduleCommand(), c.schemaCommand(), c.activityCommand(), c.stopCommand(), c.deleteCommand(), c.versionCommand(),
	)
	return root
}

func (c *cli) checkOutput() error {
	if c.output != "text" && c.output != "json" {
		return usageError("--output is %q; expected text or json", c.output)
	}
	return nil
}

// finish reports an error and gives the exit status.
func (c *cli) finish(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	var f *failure
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(c.stderr, "gowanus: interrupted")
		return exitInterrupted
	case errors.As(err, &f):
		fmt.Fprintln(c.stderr, "gowanus:", clean(err.Error()))
		return f.code
	case !c.began:
		fmt.Fprintf(c.stderr, "gowanus: %s\nUsage: %s\nSee: %s --help\n", clean(strings.TrimSpace(err.Error())), cmd.UseLine(), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintln(c.stderr, "gowanus:", clean(err.Error()))
	return exitFailed
}

// suggestFlag adds to the error for an unknown flag what may have been meant.
func suggestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest.Word(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
