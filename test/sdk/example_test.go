package sdk_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/sdk/moduletest"
	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

func example(language string) string {
	return filepath.Join("examples", "modules", language, "build", "example.wasm")
}

// TestExampleScenarios plays the same scenarios against the example module of
// each language.
func TestExampleScenarios(t *testing.T) {
	for _, language := range languages() {
		t.Run(language, func(t *testing.T) {
			load(t, example(language))
			m, err := scenario.Open(t.Context(), filepath.Join(root, example(language)), moduletest.Options{CacheDir: codeCache})
			if err != nil {
				t.Fatal(err)
			}
			moduletest.Play(t, m, filepath.Join(root, "examples", "modules", "tests", "*.yaml"))
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestExamplesAgree sends documents made at random to the examples: whatever
// one decides, all decide.
func TestExamplesAgree(t *testing.T) {
	var modules []*wasm.Module
	var names []string
	for _, language := range languages() {
		if _, err := os.Stat(filepath.Join(root, example(language))); err == nil || os.Getenv(everyBuild) != "" {
			modules, names = append(modules, load(t, example(language))), append(names, language)
		}
	}
	if len(modules) < 2 {
		t.Skip(`fewer than two examples are built; "make modules-all" builds them`)
	}
	decided := map[string]int{}
	check := func(id hook.ID, in []byte) {
		want := ask(t, modules[0], id, in)
		text, _ := json.Marshal(want)
		decided[fmt.Sprintf("%.12s", text)]++
		for i, m := range modules[1:] {
			if got := ask(t, m, id, in); !reflect.DeepEqual(got, want) {
				t.Fatalf("%v of %q:\n%s %v\n%s %v", id, in, names[0], want, names[i+1], got)
			}
		}
	}
	check(hook.Describe, nil)
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		check(hook.PolicyEvent, anyEvent(random))
		check(hook.PlacementRank, anyHosts(random))
	}
	if len(decided) < 4 {
		t.Errorf("the documents do not reach enough: %v", decided)
	}
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

// anyEvent makes a document of policy.event.
func anyEvent(random *rand.Rand) []byte {
	value := func() string { return pick(random, `null`, `false`, `true`, `"down"`, `{"a": [1.5e3]}`, `0`) }
	event := `"timer": true`
	if random.IntN(2) == 0 {
		event = `"event": {"sensor": "s", "value": ` + value() + `, "source": {"id": "x1"}}`
	}
	state := pick(random, ``, `, "state": null`, `, "state": {"cooling": true, "restarts": 3}`, `, "state": {"restarts": 41}`, `, "state": {}`, `, "state": "x"`)
	return fmt.Appendf(nil, `{"type": "org.example.Cooldown", "config": {"sensor": "s", "window": %q}, "entity": {"id": "x1", "sensors": {%q: %s}}, %s%s}`,
		pick(random, "5m", "1m 30s", "2 minutes"), pick(random, "s", "t"), value(), event, state)
}

// anyHosts makes a document of placement.rank.
func anyHosts(random *rand.Rand) []byte {
	n := pick(random, 0, 1, 5, 64, 130)
	share, containers, up := make([]float64, n), make([]float64, n), make([]bool, n)
	for i := range n {
		share[i] = pick(random, math.NaN(), 0, random.Float64(), random.Float64(), 0.8, 0.125, 1)
		containers[i] = pick(random, math.NaN(), 0, float64(random.IntN(100)))
		up[i] = random.IntN(4) > 0
	}
	all := []column{{"up", up}, {"cpu.used", share}, {"containers", containers}}
	random.Shuffle(3, func(i, j int) { all[i], all[j] = all[j], all[i] })
	limit := pick(random, "0.8", "0.5", "0", "1", "1.5", "-1", "80")
	return columns(`{"type": "org.example.Coolest", "config": {"maxCpu": `+limit+`}, "seed": 7}`, n, all[:random.IntN(4)]...)
}
