package command

import (
	"maps"
	"slices"
	"strings"
)

// Quote writes text as one word of any POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Script gives a command as a text for the standard input of a shell on another
// machine: the variables come first, and the command cannot read what is behind
// it. Neither is to be seen in that machine's list of processes.
func (k *Keys) Script(command string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		b.WriteString("export " + name + "=" + Quote(k.Env[name]) + "\n")
	}
	b.WriteString("{\n" + command + "\n\n} </dev/null\n")
	return b.String()
}
