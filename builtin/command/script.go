package command

import (
	"maps"
	"slices"
	"strings"
)

// Quote writes text as one word of any POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// watcher ends a command when the standard input of its shell ends before it
// does: somebody gave it up, or is gone. It is nobody's child, so that a wait of
// the command does not wait for it, and it leaves alone what a command that has
// ended left behind.
const watcher = `( ( trap '' HUP TERM; while read -r line; do :; done; kill -0 $$ || exit; kill -TERM -$$ || kill -TERM $$; ` +
	`sleep 5; kill -0 $$ && kill -KILL -$$ ) <&3 3<&- >/dev/null 2>&1 & )`

// Script gives a command as a text for the standard input of a shell on another
// machine, which has to stay open until the shell ends. Neither the command nor
// its variables are to be seen in that machine's list of processes.
func (k *Keys) Script(command string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		b.WriteString("export " + name + "=" + Quote(k.Env[name]) + "\n")
	}
	return b.String() + guarded(command)
}

// guarded puts a watcher beside a command, which cannot read the input of its
// shell.
func guarded(command string) string {
	return "exec 3<&0\n{\n" + watcher + "\nexec </dev/null 3<&-\n" + command + "\n\n}\n"
}
