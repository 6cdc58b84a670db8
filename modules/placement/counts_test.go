package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

func TestStrategies(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		request    gowanus.RankRequest
		containers []float64
		want       string
	}{
		{gowanus.RankRequest{Type: "depth-first"}, []float64{3, 0, 9}, "0, 0, 0"},
		{gowanus.RankRequest{Type: "breadth-first"}, []float64{3, 0, nan, 9}, "-3, 0, 0, -9"},
		{gowanus.RankRequest{Type: "max-containers"}, []float64{7, 8, nan, 9},
			"0, NaN 8 containers, max is 8, 0, NaN 9 containers, max is 8"},
		{gowanus.RankRequest{Type: "max-containers", Config: gowanus.Values{maxSize: 2}}, []float64{2, 1}, "NaN 2 containers, max is 2, 0"},
		{gowanus.RankRequest{Type: "max-containers", Config: gowanus.Values{maxSize: nil}}, []float64{7, 8}, "0, NaN 8 containers, max is 8"},
		{gowanus.RankRequest{Type: "least-containers"}, []float64{3, 0, nan, 9}, "-3, 0, 0, -9"},
		{gowanus.RankRequest{Type: "max-containers"}, nil, ""},
	} {
		got, err := gowanustest.Rank(c.request, len(c.containers), gowanustest.Column{Name: "containers", Values: c.containers})
		if err != nil {
			t.Errorf("%s: %v", c.request.Type, err)
		}
		if text := show(got); text != c.want {
			t.Errorf("%s %v: got %s, want %s", c.request.Type, c.containers, text, c.want)
		}
	}
}

func show(ranked []gowanustest.Ranked) string {
	words := make([]string, len(ranked))
	for i, r := range ranked {
		words[i] = strings.TrimSpace(fmt.Sprintf("%v %s", r.Score, r.Reason))
	}
	return strings.Join(words, ", ")
}

// TestWithoutColumns: when no host has a value, the engine sends no column.
func TestWithoutColumns(t *testing.T) {
	for _, name := range []string{"depth-first", "breadth-first", "max-containers", "lowest-cpu-usage", "lowest-memory", "label", "group", "affinity-rules", "provisioning-flags"} {
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: name}, 2)
		if err != nil || show(got) != "0, 0" {
			t.Errorf("%s: got %s, %v", name, show(got), err)
		}
	}
}

func TestRandom(t *testing.T) {
	rank := func(seed, sequence int64) string {
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: "random", Seed: seed, Sequence: sequence}, 40)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[float64]bool{}
		for _, r := range got {
			if r.Refused() || seen[r.Score] {
				t.Fatalf("seed %d: got %v", seed, got)
			}
			seen[r.Score] = true
		}
		return show(got)
	}
	if rank(7, 1) != rank(7, 1) {
		t.Error("the same placement must have the same answer")
	}
	if rank(7, 1) == rank(8, 1) || rank(7, 1) == rank(7, 2) {
		t.Error("another placement must have another answer")
	}
}

// TestRandomIsFair counts how often each of 8 hosts comes first.
func TestRandomIsFair(t *testing.T) {
	const hosts, rounds = 8, 4000
	firsts := make([]int, hosts)
	for seed := range rounds {
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: "random", Seed: int64(seed)}, hosts)
		if err != nil {
			t.Fatal(err)
		}
		best := 0
		for i := range got {
			if got[i].Score > got[best].Score {
				best = i
			}
		}
		firsts[best]++
	}
	for i, n := range firsts {
		if n < rounds/hosts*8/10 || n > rounds/hosts*12/10 {
			t.Errorf("host %d came first %d times of %d", i, n, rounds)
		}
	}
}

// TestNames: every strategy goes by its class, in the packages of all
// generations, and no two share a name.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, typ := range module().Types {
		for _, name := range append([]string{typ.Name}, typ.Aliases...) {
			if other, twice := seen[name]; twice {
				t.Errorf("%s is a name of %s and of %s", name, other, typ.Name)
			}
			seen[name] = typ.Name
		}
	}
	for name, want := range map[string]string{
		"LeastContainersPlacementStrategy":                                         "least-containers",
		"brooklyn.location.docker.strategy.CpuUsagePlacementStrategy":              "cpu-usage",
		"clocker.docker.location.strategy.host.ProvisioningFlagsPlacementStrategy": "provisioning-flags",
		"clocker.docker.location.strategy.affinity.DockerAffinityRuleStrategy":     "affinity-rules",
		"brooklyn.location.affinity.DockerAffinityRuleStrategy":                    "affinity-rules",
		"clocker.docker.location.strategy.basic.GroupPlacementStrategy":            "group",
		"clocker.docker.location.strategy.MaxCpuUsagePlacementStrategy":            "max-cpu-usage",
		"brooklyn.location.docker.strategy.LabelPlacementStrategy":                 "label",
		"clocker.docker.location.strategy.basic.HostnamePlacementStrategy":         "hostname",
		"clocker.docker.location.strategy.basic.LowestCpuUsagePlacementStrategy":   "lowest-cpu-usage",
	} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %s", name, seen[name], want)
		}
	}
}

func TestNamesOfAllGenerations(t *testing.T) {
	for _, name := range []string{
		"brooklyn.location.docker.strategy.BreadthFirstPlacementStrategy",
		"clocker.docker.location.strategy.BreadthFirstPlacementStrategy",
		"clocker.docker.location.strategy.basic.BreadthFirstPlacementStrategy",
		"BreadthFirstPlacementStrategy",
	} {
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: name}, 1, gowanustest.Column{Name: "containers", Values: []float64{5}})
		if err != nil || show(got) != "-5" {
			t.Errorf("%s: got %s, %v", name, show(got), err)
		}
	}
}
