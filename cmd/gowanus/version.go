package main

import (
	"encoding/json"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if c.json() {
				text, err := json.Marshal(map[string]string{"version": version, "commit": commit, "go": runtime.Version()})
				if err != nil {
					return err
				}
				return c.indent(text)
			}
			c.printf("gowanus %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
