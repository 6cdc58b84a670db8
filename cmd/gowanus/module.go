package main

import "github.com/spf13/cobra"

func (c *cli) moduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "module", Aliases: []string{"modules"}, Short: "Install WebAssembly modules, make and share them",
		Long: `Install WebAssembly modules in a server, make them, and share them, and bundles for
the catalog, through OCI registries: any that takes container images. There REF is
REGISTRY/PATH, or oci:FOLDER or oci-archive:FILE for a layout on disk, with nothing
after it (the newest release), :TAG, @sha256:DIGEST, or @CONSTRAINT like @^1.2,
@~1.2.3 or "@>=1 <3".`,
	}
	cmd.AddCommand(
		c.moduleNewCommand(), c.moduleBuildCommand(), c.moduleTestCommand(), c.moduleDescribeCommand(),
		c.moduleListCommand(), c.moduleShowCommand(), c.moduleTraceCommand(), c.moduleInstallCommand(), c.moduleGrantCommand(),
		c.moduleResumeCommand(), c.moduleRollbackCommand(), c.moduleRemoveCommand(),
		c.modulePushCommand(), c.modulePullCommand(), c.moduleCopyCommand(), c.moduleSearchCommand(), c.moduleSBOMCommand(),
		c.moduleSignCommand(), c.moduleVerifyCommand(), c.moduleKeygenCommand(),
	)
	return c.completes(cmd)
}
