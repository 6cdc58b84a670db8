package main

import (
	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/oci/ship"
)

func (c *cli) moduleSearchCommand() *cobra.Command {
	var r registryFlags
	var most int
	cmd := &cobra.Command{
		Use: "search REPOSITORY", Short: "List the modules and bundles in a repository of a registry", Args: cobra.ExactArgs(1),
		Long: `List the versions in a repository, the newest first, with what they say of themselves.
Nothing is fetched but the manifests, and nothing is verified.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if most < 1 {
				return usageError("--most is %d; expected 1 or more", most)
			}
			list, more, err := ship.List(cmd.Context(), args[0], most, r.options())
			if err != nil {
				return registryError(err)
			}
			if c.json() {
				return c.printValue(map[string]any{"versions": append([]ship.Listed{}, list...), "more": more})
			}
			c.listed(list)
			if more {
				c.printf("There are more; see --most.\n")
			}
			return nil
		},
	}
	r.add(cmd)
	cmd.Flags().IntVar(&most, "most", 20, "most versions to list")
	return cmd
}

// listed prints versions, each with what it has and asks for, unless that is as of
// the one above.
func (c *cli) listed(list []ship.Listed) {
	var above ship.Listed
	for _, l := range list {
		c.printf("%s  %s %s  %s\n", oneLine(l.Tag), l.Kind, oneLine(l.Name), l.Digest)
		same := l.Types == above.Types && l.Capabilities == above.Capabilities
		for _, line := range [][2]string{{"has", l.Types}, {"asks", l.Capabilities}} {
			if line[1] != "" && !same {
				c.printf("  %-5s %s\n", line[0], oneLine(line[1]))
			}
		}
		above = l
	}
}
