package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/list"
	"github.com/jedib0t/go-pretty/v6/text"
)

// view shows how an application changes: on a terminal a tree that is drawn
// anew each time, elsewhere a line for each entity that came to rest.
type view struct {
	out    io.Writer
	tty    bool
	size   func() (width, height int)
	colour bool
	drawn  int               // lines on the terminal
	told   []string          // states that are worth a line
	known  map[string]string // state last told of each entity
}

// newView gives a view that tells of entities that come into one of some
// states. Others are passed through, perhaps between two looks, and what is
// printed shall not depend on that.
func (c *cli) newView(told ...string) *view {
	_, _, tty := terminal(c.stdout)
	size := func() (int, int) { // asked each time, since windows change
		width, height, _ := terminal(c.stdout)
		return width, height
	}
	v := &view{size: size, out: c.stdout, tty: tty, colour: tty && os.Getenv("NO_COLOR") == "", told: told, known: map[string]string{}}
	if c.json() { // nothing but the document is printed
		v.out, v.tty, v.colour = io.Discard, false, false
	}
	return v
}

// live tells whether the tree is drawn.
func (v *view) live() bool { return v.tty }

// show brings the view up to date; tree is nil when the application is gone,
// and last says that nothing will follow.
func (v *view) show(tree *entity, doing map[string]string, last bool) {
	switch {
	case tree == nil:
		v.end()
	case v.tty:
		v.draw(tree, doing)
	default:
		v.tell(tree, "", last)
	}
}

// end leaves the last picture on the terminal.
func (v *view) end() { v.drawn = 0 }

// tell prints a line for each entity that has come to rest, always in the
// order of the tree, children first: one that is not yet at rest holds back
// those behind it, until the end.
func (v *view) tell(e *entity, path string, last bool) (all bool) {
	path += clean(e.Name)
	for i := range e.Children {
		if !v.tell(&e.Children[i], path+"/", last) {
			return false
		}
	}
	now := state(e.ServiceState)
	if !slices.Contains(v.told, now) {
		return last || now == ""
	}
	if v.known[e.ID] != now {
		fmt.Fprintf(v.out, "%s: %s\n", path, now)
		v.known[e.ID] = now
	}
	return true
}

// note takes the states of entities as known.
func (v *view) note(e *entity) {
	for i := range e.Children {
		v.note(&e.Children[i])
	}
	v.known[e.ID] = state(e.ServiceState)
}

func (v *view) draw(tree *entity, doing map[string]string) {
	width, height := v.size()
	lines := strings.Split(v.render(tree, doing), "\n")
	if most := height - 2; len(lines) > most { // what scrolls away cannot be drawn again
		lines = append(lines[:most-1], fmt.Sprintf("… and %d more", len(lines)-most+1))
	}
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.drawn)
	}
	for _, line := range lines {
		b.WriteString(text.Trim(line, width-1))
		if v.colour {
			b.WriteString("\x1b[0m")
		}
		b.WriteString("\n")
	}
	v.drawn = len(lines)
	_, _ = io.WriteString(v.out, b.String())
}

// render gives the tree as lines.
func (v *view) render(tree *entity, doing map[string]string) string {
	w := list.NewWriter()
	w.SetStyle(list.StyleConnectedLight)
	v.add(w, tree, doing)
	return outline(w)
}

// outline gives a list that has one item at its top, without the line that
// would lead to further ones.
func outline(w list.Writer) string {
	lines := strings.Split(w.Render(), "\n")
	for i, line := range lines {
		if r := []rune(line); len(r) > 3 {
			lines[i] = string(r[3:])
		}
	}
	return strings.Join(lines, "\n")
}

func (v *view) add(w list.Writer, e *entity, doing map[string]string) {
	now := state(e.ServiceState)
	line := oneLine(e.Name)
	if now != "" {
		line += "  " + v.paint(now)
	}
	if what := doing[e.ID]; what != "" && now != "running" {
		line += "  " + oneLine(what)
	}
	w.AppendItem(line)
	if len(e.Children) > 0 {
		w.Indent()
		for i := range e.Children {
			v.add(w, &e.Children[i], doing)
		}
		w.UnIndent()
	}
}

func (v *view) paint(state string) string {
	colours := map[string]text.Color{"running": text.FgGreen, "on-fire": text.FgRed, "starting": text.FgYellow, "stopping": text.FgYellow}
	code, has := colours[state]
	if !v.colour || !has {
		return state
	}
	return code.EscapeSeq() + state + "\x1b[0m"
}
