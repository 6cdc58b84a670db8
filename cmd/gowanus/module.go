package main

import "github.com/spf13/cobra"

func (c *cli) moduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "module", Aliases: []string{"modules"}, Short: "Install WebAssembly modules, and make them"}
	cmd.AddCommand(
		c.moduleListCommand(), c.moduleShowCommand(), c.moduleInstallCommand(), c.moduleGrantCommand(),
		c.moduleResumeCommand(), c.moduleRollbackCommand(), c.moduleRemoveCommand(),
	)
	return cmd
}
