package main

import (
	"strings"
	"testing"
)

// branch makes an entity whose id is its name.
func branch(name, state string, children ...entity) entity {
	return entity{ID: name, Name: name, ServiceState: state, Children: children}
}

func TestTell(t *testing.T) {
	var out strings.Builder
	v := &view{out: &out, told: []string{"running", "on-fire"}, known: map[string]string{}}
	for _, look := range []struct {
		tree entity
		last bool
		want string
	}{
		{branch("app", "STARTING", branch("a", "STARTING"), branch("b", "RUNNING")), false, ""},
		{branch("app", "STARTING", branch("a", "RUNNING"), branch("b", "RUNNING")), false, "app/a: running\napp/b: running\n"},
		{branch("app", "STARTING", branch("a", "RUNNING"), branch("b", "RUNNING"), branch("plain", ""), branch("c", "RUNNING")), false, "app/c: running\n"},
		{branch("app", "ON_FIRE", branch("a", "ON_FIRE"), branch("b", "STOPPED"), branch("c", "RUNNING")), true, "app/a: on-fire\napp: on-fire\n"},
	} {
		out.Reset()
		v.show(&look.tree, nil, look.last)
		if out.String() != look.want {
			t.Errorf("got %q, want %q", out.String(), look.want)
		}
	}
	out.Reset()
	v.show(nil, nil, true)
	if out.Len() > 0 {
		t.Errorf("an application that is gone is told as %q", out.String())
	}
}

func TestNote(t *testing.T) {
	var out strings.Builder
	v := &view{out: &out, told: []string{"stopped"}, known: map[string]string{}}
	before := branch("app", "RUNNING", branch("a", "STOPPED"), branch("b", "RUNNING"))
	v.note(&before)
	after := branch("app", "STOPPED", branch("a", "STOPPED"), branch("b", "STOPPED"))
	v.show(&after, nil, true)
	if want := "app/b: stopped\napp: stopped\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestDraw(t *testing.T) {
	var out strings.Builder
	v := &view{out: &out, tty: true, colour: true, size: func() (int, int) { return 30, 24 }, known: map[string]string{}}
	tree := branch("shop", "STARTING", branch("db\x1b[2J", "STARTING"), branch("web", "RUNNING", branch("plain", "")))
	v.show(&tree, map[string]string{"db\x1b[2J": "pulling\nthe image of a database", "web": "ended"}, false)
	want := "shop  \x1b[33mstarting\x1b[0m\x1b[0m\n" +
		"├─ db[2J  \x1b[33mstarting\x1b[0m  pulling t\x1b[0m\n" +
		"└─ web  \x1b[32mrunning\x1b[0m\x1b[0m\n" +
		"   └─ plain\x1b[0m\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	v.colour = false
	one := branch("shop", "RUNNING")
	v.show(&one, nil, true)
	if want := "\x1b[4A\x1b[Jshop  running\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestDrawFitsTerminal(t *testing.T) {
	var out strings.Builder
	v := &view{out: &out, tty: true, size: func() (int, int) { return 80, 6 }, known: map[string]string{}}
	tree := branch("app", "RUNNING")
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		tree.Children = append(tree.Children, branch(name, "RUNNING"))
	}
	v.show(&tree, nil, false)
	if want := "app  running\n├─ a  running\n├─ b  running\n… and 3 more\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
