package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
	"github.com/gowanus-project/gowanus/internal/scaffold"
)

// completes gives a command, with those below it, what shells offer for its
// arguments and flags.
func (c *cli) completes(cmd *cobra.Command) *cobra.Command {
	wasm := files("wasm")
	for _, sub := range cmd.Commands() {
		switch sub.Name() {
		case "show", "trace", "resume":
			sub.ValidArgsFunction = c.moduleNames(false, func(m *moduleInfo) string { return m.Name })
		case "grant", "rollback":
			sub.ValidArgsFunction = c.moduleNames(false, installedName)
		case "remove":
			sub.ValidArgsFunction = c.moduleNames(true, installedVersion)
		case "install", "describe", "push":
			sub.ValidArgsFunction = wasm
		case "new", "search", "list", "keygen":
			sub.ValidArgsFunction = cobra.NoFileCompletions
		}
		languages := scaffold.Languages()
		if sub.Name() == "build" {
			languages = modulebuild.Languages
		}
		for flag, words := range map[string][]string{
			"lang": languages, "kind": scaffold.Kinds("go"), "verify": {string(sign.Require), string(sign.Warn), string(sign.Off)},
		} {
			if sub.Name() == "keygen" {
				words = []string{sign.ECDSA, sign.Ed25519}
			}
			if sub.Flags().Lookup(flag) != nil {
				_ = sub.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
			}
		}
		if sub.Name() == "grant" {
			_ = sub.RegisterFlagCompletionFunc("grant", c.capabilityNames)
		}
	}
	return cmd
}

// files offers folders and the files with an ending, for the first argument.
func files(ending string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return []string{ending}, cobra.ShellCompDirectiveFilterFileExt
	}
}

func installedName(m *moduleInfo) string {
	if m.Shipped {
		return ""
	}
	return m.Name
}

func installedVersion(m *moduleInfo) string {
	if m.Shipped {
		return ""
	}
	return m.Name + ":" + m.Version
}

// moduleNames offers the modules of the server, by what name makes of them; ""
// leaves one out.
func (c *cli) moduleNames(many bool, name func(*moduleInfo) string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		cl, err := c.client()
		var all []moduleInfo
		if err == nil {
			err = cl.get(cmd.Context(), "/v1/modules", &all)
		}
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for i := range all {
			if n := name(&all[i]); n != "" && !slices.Contains(args, n) {
				names = append(names, n)
			}
		}
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}

// capabilityNames offers what the module asks for that is named already.
func (c *cli) capabilityNames(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{"all"}, cobra.ShellCompDirectiveNoFileComp
	}
	cl, err := c.client()
	var m moduleInfo
	if err == nil {
		err = cl.get(cmd.Context(), modulePath(args[0]), &m)
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	words := []string{"all"}
	for _, a := range m.Capabilities {
		words = append(words, oneLine(a.Kind+"="+a.Value)+"\t"+oneLine(a.Reason))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
