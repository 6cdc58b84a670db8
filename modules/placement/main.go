// Command placement is the module with the placement strategies of Clocker.
//
// As WebAssembly it answers the engine. Run natively it prints its
// description, which modules/build.sh keeps beside the module.
package main

import (
	"os"

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
	return gowanus.Module{
		Name: "placement", Version: "1.0.0",
		Types: []gowanus.Type{
			strategy("depth-first", "DepthFirstPlacementStrategy", depthFirst, gowanus.Type{
				Description: "fills one host after the other, in the order in which the location lists them",
			}),
			strategy("breadth-first", "BreadthFirstPlacementStrategy", breadthFirst, gowanus.Type{
				Description: "prefers the hosts with the fewest containers",
				Columns:     []string{"containers"},
			}),
			strategy("random", "RandomPlacementStrategy", random, gowanus.Type{
				Description: "takes any host",
			}),
			strategy("max-containers", "MaxContainersPlacementStrategy", maxContainers, gowanus.Type{
				Description: "refuses hosts that run so many containers already",
				Columns:     []string{"containers"},
				Config: []gowanus.ConfigKey{{
					Name: maxSize, Flags: []string{"maxContainers"}, Type: "integer", Default: defaultMax,
					Description: "how many containers a host may run",
				}},
			}),
		},
	}
}

// strategy completes a type with what all strategies have: a name for each
// generation of Clocker.
func strategy(name, class string, rank func(*gowanus.Hosts, *gowanus.Ranking), t gowanus.Type) gowanus.Type {
	t.Name, t.Kind, t.Rank = name, gowanus.KindStrategy, rank
	t.Aliases = []string{
		class,
		"brooklyn.location.docker.strategy." + class,
		"clocker.docker.location.strategy." + class,
		"clocker.docker.location.strategy.basic." + class,
	}
	return t
}
