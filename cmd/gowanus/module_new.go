package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/scaffold"
)

func (c *cli) moduleNewCommand() *cobra.Command {
	var o scaffold.Options
	cmd := &cobra.Command{
		Use: "new NAME [DIR]", Short: "Begin a module: a project that builds, with scenarios that pass", Args: cobra.RangeArgs(1, 2),
		Long: `Begin a module. The project in DIR, by default a new folder NAME, builds at once, and
its scenarios pass. It has the library of its language inside, so that nothing is
downloaded.

  gowanus module new --lang go --kind policy patience
  gowanus module test patience

Languages: ` + strings.Join(scaffold.Languages(), ", ") + `. Kinds: ` + strings.Join(scaffold.Kinds("go"), ", ") + `.`,
		RunE: func(_ *cobra.Command, args []string) error {
			o.Name = args[0]
			dir := filepath.Clean(args[0])
			if len(args) > 1 {
				dir = args[1]
			}
			files, err := scaffold.Write(dir, o)
			switch fault.KindOf(err) {
			case fault.Invalid, fault.Conflict:
				return usageError("%w", err)
			}
			if err != nil {
				return err
			}
			if c.json() {
				return c.printValue(map[string]any{"dir": dir, "files": files})
			}
			for _, file := range files {
				c.printf("%s\n", filepath.Join(dir, file))
			}
			c.printf("Next: gowanus module test %s\n", dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Language, "lang", "go", "the language: "+strings.Join(scaffold.Languages(), ", "))
	cmd.Flags().StringVar(&o.Kind, "kind", "entity", "what the module begins with: "+strings.Join(scaffold.Kinds("go"), ", "))
	cmd.Flags().StringVar(&o.SDK, "sdk", "", "use the library in this folder, and do not copy it")
	return cmd
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
