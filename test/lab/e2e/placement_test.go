//go:build lab

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/test/lab"
)

// TestPlacement places by what real engines tell of themselves. The hosts are
// lh1 in rack a and lh2 in rack b.
func TestPlacement(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	file := lab.ConfigFile(l, "two-hosts")
	location := file["locations"].(map[string]any)["two-hosts"].(map[string]any)
	hosts := location["hosts"].([]any)[:2]
	for i, rack := range []string{"a", "b"} {
		hosts[i].(map[string]any)["labels"] = map[string]any{"rack": rack}
	}
	location["hosts"], location["affinity.rules"] = hosts, []any{"NOT NAME outcast"}
	s := lab.Serve(t, lab.Config{File: file})
	t.Cleanup(func() { l.Wipe(t) })

	blueprint := func(name, command, config string) string {
		return fmt.Sprintf("location: two-hosts\nname: %s\nservices:\n- type: docker:%s\n  name: %s\n  brooklyn.config:\n"+
			"    docker.image.commands: [%s]\n    %s\n", name, lab.Sleeper, name, command, config)
	}
	place := func(name, command, config string) (host string) {
		t.Helper()
		app := running(t, s, blueprint(name, command, config))
		address := sensor(t, s, app, children(t, s, app)[name], "host.address")
		for _, h := range l.Hosts {
			if h.Address == address {
				return h.Name
			}
		}
		t.Fatalf("%s is on %v", name, address)
		return ""
	}
	for _, c := range []struct{ name, command, config, want string }{
		{"hog", "hold, 96", "docker.container.strategies: [{type: label, labels: [rack=a]}]", "lh1"},
		{"burner", "burn, 1", "docker.container.strategies: [{type: label, labels: ['!docker.none', rack!=a]}]", "lh2"},
		{"little", "", "docker.container.strategies: [lowest-memory]", "lh2"},
		{"roomy", "", `docker.container.strategies: [{type: expression, filter: 'memory.used < 50000000 and label.rack != "c"'}]`, "lh2"},
		{"cool", "", "docker.container.strategies: [lowest-cpu-usage]", "lh1"},
		{"limited", "", "docker.container.strategies: [{type: max-cpu-usage, maxCpu: 0.2}]", "lh1"},
		{"guest", "", "affinity.rules: [ANY NAME burner, NOT EMPTY]", "lh2"},
		{"loner", "", "affinity.rules: [NOT NAME burner]", "lh1"},
		{"named", "", `docker.container.strategies: [{type: hostname, hostname: "lh[2-9]"}]`, "lh2"},
		{"counted", "", "docker.container.strategies: [breadth-first, {type: expression, filter: 'any(entities, .name == \"hog\")'}]", "lh1"},
	} {
		if got := place(c.name, c.command, c.config); got != c.want {
			t.Errorf("%s is on %s, want %s", c.name, got, c.want)
		}
	}

	a := deploy(t, s, blueprint("nowhere", "", "docker.container.strategies: [{type: label, labels: [rack=c]}]"))
	done := ended(t, s, a.ID)
	const want = "no host for nowhere among the 2 of two-hosts: 1× its label rack is a, expected c (lh1); 1× its label rack is b, expected c (lh2)"
	if text := fmt.Sprint(done.Result, done.Details); !done.IsError || !strings.Contains(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
}
