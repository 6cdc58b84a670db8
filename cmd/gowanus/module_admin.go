package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// moduleInfo is a module as the REST API tells of it.
type moduleInfo struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Digest       string            `json:"digest"`
	Shipped      bool              `json:"shipped"`
	Bundle       string            `json:"bundle"`
	State        string            `json:"state"`
	Suspended    string            `json:"suspended"`
	Types        []string          `json:"types"`
	Missing      int               `json:"missing"`
	Kinds        map[string]string `json:"kinds"`
	Capabilities []capability      `json:"capabilities"`
	Refused      int64             `json:"refused"`
	Refusals     []struct {
		Time    time.Time `json:"time"`
		Type    string    `json:"type"`
		Message string    `json:"message"`
	} `json:"refusals"`
	Stats struct {
		Calls, Failures, Fuel, BusyMillis, MemoryBytes int64
		Instances                                      int
	} `json:"stats"`
	Limits map[string]any `json:"limits"`
}

// capability is a right that a module asks for.
type capability struct {
	Kind    string `json:"kind"`
	Value   string `json:"value"`
	Reason  string `json:"reason"`
	Granted bool   `json:"granted"`
}

func (c *capability) String() string { return c.Kind + "=" + c.Value }

// modulePath gives the address of a module, NAME or NAME:VERSION.
func modulePath(ref string) string {
	name, version, _ := strings.Cut(ref, ":")
	return "/v1/modules/" + url.PathEscape(name) + "/" + url.PathEscape(cmp.Or(version, "latest"))
}

func (c *cli) moduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the modules of the server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if c.json() {
				return c.printJSON(cmd.Context(), cl, "/v1/modules")
			}
			var all []moduleInfo
			if err := cl.get(cmd.Context(), "/v1/modules", &all); err != nil {
				return err
			}
			t := c.plainTable("NAME", "VERSION", "STATE", "TYPES", "NOT GRANTED", "ORIGIN")
			for _, m := range all {
				origin := m.Digest
				switch {
				case m.Shipped:
					origin = "shipped"
				case m.Bundle != "" && m.Bundle != m.Name+":"+m.Version:
					origin = "bundle " + m.Bundle
				}
				t.AppendRow([]any{oneLine(m.Name), oneLine(m.Version), m.State, len(m.Types), m.Missing, oneLine(origin)})
			}
			t.Render()
			return nil
		},
	}
}

func (c *cli) moduleShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME[:VERSION]", Short: "Show a module: its types, what it may do, what it was refused", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if c.json() {
				return c.printJSON(cmd.Context(), cl, modulePath(args[0]))
			}
			var m moduleInfo
			if err := cl.get(cmd.Context(), modulePath(args[0]), &m); err != nil {
				return err
			}
			c.showModule(&m)
			return nil
		},
	}
}

func (c *cli) showModule(m *moduleInfo) {
	c.showTypes(m)
	c.showRest(m)
}

// showTypes prints how a module stands, and its types.
func (c *cli) showTypes(m *moduleInfo) {
	c.printf("%s %s: %s\n", oneLine(m.Name), oneLine(m.Version), m.State)
	if m.Digest != "" {
		c.printf("digest %s\n", oneLine(m.Digest))
	}
	if m.Suspended != "" {
		c.printf("suspended: %s\n", clean(m.Suspended))
	}
	c.printf("types:\n")
	for _, name := range m.Types {
		c.printf("  %s (%s)\n", oneLine(name), oneLine(m.Kinds[name]))
	}
}

func (c *cli) showRest(m *moduleInfo) {
	c.printf("capabilities:\n")
	for _, a := range m.Capabilities {
		mark := "not granted"
		if a.Granted {
			mark = "granted"
		}
		c.printf("  %s: %s; %s\n", oneLine(a.String()), mark, oneLine(a.Reason))
	}
	s := &m.Stats
	c.printf("%d calls, %d failed, %d ms in all, %d units of fuel, %d instances, at most %d KiB each\n",
		s.Calls, s.Failures, s.BusyMillis, s.Fuel, s.Instances, s.MemoryBytes>>10)
	if m.Refused > 0 {
		c.printf("refusals: %d, the newest:\n", m.Refused)
	}
	for _, r := range m.Refusals {
		c.printf("  %s %s\n", r.Time.Format(time.DateTime), oneLine(r.Message))
	}
	c.printf("limits (all with -o json): %s\n", shownLimits(m.Limits))
}

// shownLimits gives the limits that authors and operators ask for.
func shownLimits(limits map[string]any) string {
	var out []string
	for _, name := range []string{"Event", "Rank", "Plan"} {
		call, _ := limits[name].(map[string]any)
		took, _ := call["Time"].(float64)
		fuel, _ := call["Fuel"].(float64)
		out = append(out, fmt.Sprintf("%s %s and %.0f fuel", name, time.Duration(took), fuel))
	}
	for _, name := range []string{"Instances", "TotalPages", "Failures", "InputBytes", "AnswerBytes", "LogLines"} {
		out = append(out, name+" "+value(limits[name]))
	}
	return strings.Join(out, ", ")
}

// changeModule asks the server to change a module and shows what became of it.
func (c *cli) changeModule(ctx context.Context, method, path string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	_, text, err := cl.do(ctx, method, path, nil)
	if err != nil {
		return err
	}
	if c.json() {
		return c.indent(text)
	}
	var m moduleInfo
	if err := json.Unmarshal(text, &m); err != nil {
		return fail(exitFailed, "the answer is not of this API: %w", err)
	}
	c.showModule(&m)
	return nil
}

func (c *cli) moduleGrantCommand() *cobra.Command {
	var grants []string
	var add bool
	cmd := &cobra.Command{
		Use: "grant NAME[:VERSION] [--grant KIND=VALUE…]", Short: "Say what a module may do, instead of what it might before", Args: cobra.ExactArgs(1),
		Long: `Say what an installed module may do. What is not named is taken away;
without --grant it may do nothing any more. With --add it keeps what it has.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if add {
				had, err := c.granted(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				grants = append(grants, had...)
			}
			return c.changeModule(cmd.Context(), http.MethodPost, modulePath(args[0])+"/grants"+grantQuery("?", grants))
		},
	}
	grantFlag(cmd, &grants)
	cmd.Flags().BoolVar(&add, "add", false, "and what it might do before")
	return cmd
}

// granted gives what a module was granted, as --grant names it.
func (c *cli) granted(ctx context.Context, ref string) (out []string, err error) {
	cl, err := c.client()
	if err != nil {
		return nil, err
	}
	var m moduleInfo
	err = cl.get(ctx, modulePath(ref), &m)
	for _, a := range m.Capabilities {
		if a.Granted {
			out = append(out, a.Kind+"="+a.Value)
		}
	}
	return out, err
}

func grantFlag(cmd *cobra.Command, grants *[]string) {
	cmd.Flags().StringArrayVar(grants, "grant", nil, "a capability, KIND=VALUE, or all that the module asks for: all")
}

// grantQuery gives the parameters of a request that grants.
func grantQuery(before string, grants []string) string {
	if len(grants) == 0 {
		return ""
	}
	return before + url.Values{"grant": grants}.Encode()
}

func (c *cli) moduleResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resume NAME[:VERSION]", Short: "Let a suspended module be called again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.changeModule(cmd.Context(), http.MethodPost, modulePath(args[0])+"/resume")
		},
	}
}

func (c *cli) moduleRollbackCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rollback NAME", Short: "Go back to the version of a module before the present one", Args: cobra.ExactArgs(1),
		Long: `Take the newest version of a module out of the catalog. What runs goes on with the
version before, with the states that it left.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.changeModule(cmd.Context(), http.MethodPost, "/v1/modules/"+url.PathEscape(args[0])+"/rollback")
		},
	}
}

func (c *cli) moduleRemoveCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "remove NAME:VERSION…", Aliases: []string{"rm"}, Short: "Remove modules from the server", Args: cobra.MinimumNArgs(1),
		Long: `Remove modules that were installed by themselves; one that came in a bundle goes with
that (gowanus catalog delete --bundle). A module that something uses, and that has no
other version, is kept unless --force says so.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if i := slices.IndexFunc(args, func(a string) bool { return !strings.Contains(a, ":") }); i >= 0 {
				return usageError("%s: expected NAME:VERSION", args[i])
			}
			return c.eachBundle(args, func(cl *client, ref string) (json.RawMessage, error) {
				path := typePath("/v1/catalog/bundles/", ref)
				if force {
					path += "?force=true"
				}
				_, text, err := cl.do(cmd.Context(), http.MethodDelete, path, nil)
				return text, err
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also when something uses it")
	return cmd
}
