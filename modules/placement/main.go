// Command placement is the module with the placement strategies of Clocker,
// and with those that it promised.
//
// As WebAssembly it answers the engine. Run natively it prints its
// description, which modules/build.sh keeps beside the module.
package main

import (
	"os"
	"strconv"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// The engine never runs main of a module, so that registering is the work of a
// variable.
var _ = register()

func register() bool {
	gowanus.Register(module())
	return true
}

func main() {
	os.Stdout.Write(append(gowanus.Call(gowanus.HookDescribe, nil), '\n'))
}

func module() gowanus.Module {
	return gowanus.Module{Name: "placement", Version: "1.1.0", Types: []gowanus.Type{
		strategy("depth-first", "basic.DepthFirstPlacementStrategy", depthFirst, gowanus.Type{
			Description: "fills one host after the other, in the order in which the location lists them",
		}),
		strategy("breadth-first", "basic.BreadthFirstPlacementStrategy", fewestContainers, gowanus.Type{
			Description: "prefers the hosts with the fewest containers",
			Columns:     []string{"containers"},
		}),
		strategy("random", "basic.RandomPlacementStrategy", random, gowanus.Type{
			Description: "takes any host",
		}),
		strategy("least-containers", "basic.LeastContainersPlacementStrategy", fewestContainers, gowanus.Type{
			Description: "prefers the hosts with the fewest containers",
			Columns:     []string{"containers"},
		}),
		strategy("max-containers", "basic.MaxContainersPlacementStrategy", maxContainers, gowanus.Type{
			Description: "refuses hosts that run so many containers already",
			Columns:     []string{"containers"},
			Config: []gowanus.ConfigKey{{
				Name: maxSize, Flags: []string{"maxContainers"}, Type: "integer", Default: defaultMax,
				Description: "how many containers a host may run",
			}},
		}),
		strategy("max-cpu-usage", "basic.MaxCpuUsagePlacementStrategy", maxCPU, gowanus.Type{
			Description: "refuses hosts whose processors are so busy already",
			Columns:     []string{"cpu.used"}, Config: shareKey(maxCPUKey, defaultCPU, "share of its processors that may be in use on a host", "maxCpuUsage", "maxCpu"),
		}),
		strategy("cpu-usage", "basic.CpuUsagePlacementStrategy", cpuUsage, gowanus.Type{
			Description: "refuses hosts whose processors are so busy already, and prefers the least busy of the others",
			Columns:     []string{"cpu.used"}, Config: shareKey(maxCPUKey, defaultCPU, "share of its processors that may be in use on a host", "maxCpu", "maxCpuUsage"),
		}),
		strategy("lowest-cpu-usage", "basic.LowestCpuUsagePlacementStrategy", lowestCPU, gowanus.Type{
			Description: "prefers the hosts with the least busy processors",
			Columns:     []string{"cpu.used"},
		}),
		strategy("max-memory", "basic.MaxMemoryPlacementStrategy", maxMemory, gowanus.Type{
			Description: "refuses hosts that use so much of their memory already",
			Columns:     memoryColumns, Config: shareKey(maxMemoryKey, defaultMemory, "share of its memory that may be in use on a host", "maxMemory", "maxMemoryUsage"),
		}),
		strategy("lowest-memory", "basic.LowestMemoryPlacementStrategy", lowestMemory, gowanus.Type{
			Description: "prefers the hosts that use the least of their memory",
			Columns:     memoryColumns,
		}),
		hostnameType(), labelType(), groupType(), affinityType(), provisioningType(), geoType(),
	}}
}

// strategies is where the last generation of Clocker kept its strategies.
const strategies = "clocker.docker.location.strategy."

// strategy completes a type with what all strategies have: its short name, its
// class, and that class in the packages of all generations of Clocker. path is
// the class in the last one.
func strategy(name, path string, rank func(*gowanus.Hosts, *gowanus.Ranking), t gowanus.Type) gowanus.Type {
	t.Name, t.Kind, t.Rank = name, gowanus.KindStrategy, rank
	class := path
	for i, c := range path {
		if c == '.' {
			class = path[i+1:]
		}
	}
	t.Aliases = append(t.Aliases,
		class,
		"brooklyn.location.docker.strategy."+class,
		strategies+class,
		strategies+path,
	)
	return t
}

// element names an element of a list.
func element(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// display gives a value for a message.
func display(value any) string { return string(gowanus.State(value)) }

// number gives a number for a message.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// invalid answers that a config value cannot be used. text begins with the key.
func invalid(out *gowanus.Ranking, at, text string) {
	out.Fail(&gowanus.Error{Kind: "invalid", Message: text, At: "config." + at})
}
