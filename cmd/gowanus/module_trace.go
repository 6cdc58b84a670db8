package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// moduleCall is one call of a module, as the server tells it.
type moduleCall struct {
	Time                                          time.Time
	Hook, Type, Entity, Error                     string
	Micros, WaitedMicros, Fuel, InBytes, OutBytes int64
}

func (c *cli) moduleTraceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "trace NAME[:VERSION]", Short: "Show the last calls of a module: what it was asked, for whom, what that took, how it ended", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			path := modulePath(args[0]) + "/trace"
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			var calls []moduleCall
			if err := cl.get(cmd.Context(), path, &calls); err != nil {
				return err
			}
			t := c.plainTable("TIME", "HOOK", "TYPE", "ENTITY", "TOOK", "FUEL", "IN", "OUT", "ERROR")
			for _, call := range calls {
				took := (time.Duration(call.Micros) * time.Microsecond).String()
				if call.WaitedMicros > 0 {
					took += fmt.Sprintf(" (waited %s)", time.Duration(call.WaitedMicros)*time.Microsecond)
				}
				t.AppendRow([]any{
					call.Time.Local().Format("15:04:05.000"), oneLine(call.Hook), oneLine(call.Type), oneLine(call.Entity), took,
					call.Fuel, call.InBytes, call.OutBytes, oneLine(call.Error),
				})
			}
			t.Render()
			return nil
		},
	}
}
