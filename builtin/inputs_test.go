package builtin

import (
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/stepinput"
)

// A decision is held to what its steps take, so each step has to say it.
func TestEachStepSaysWhatItTakes(t *testing.T) {
	for _, a := range All(Config{Plane: "test", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}).Actions {
		if _, ok := stepinput.Keys(a.Name); !ok {
			t.Errorf("step %s is missing in package stepinput", a.Name)
		}
	}
}

var quoted = regexp.MustCompile("`([A-Za-z_-]+)`")

// What the contract with modules names as an input of a step is one.
func TestInputsOfTheContract(t *testing.T) {
	text, err := os.ReadFile("../sdk/ABI.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Steps\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		rows++
		var known []string
		for _, step := range quoted.FindAllStringSubmatch(cells[1], -1) {
			keys, ok := stepinput.Keys(step[1])
			if !ok {
				t.Errorf("ABI.md names the step %s, which package stepinput does not have", step[1])
			}
			for _, k := range keys {
				known = append(known, k.Name)
			}
		}
		for _, word := range quoted.FindAllStringSubmatch(cells[2], -1) {
			if word[1] != "reachable" && !slices.Contains(known, word[1]) { // an output
				t.Errorf("%s: ABI.md names the input %s, which package stepinput does not have", cells[1], word[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows of steps in ABI.md", rows)
	}
}
