package main

import "github.com/gowanus-project/gowanus/sdk/go/gowanus"

const exclusiveKey = "docker.constraint.exclusive"

func groupType() gowanus.Type {
	return strategy("group", "basic.GroupPlacementStrategy", group, gowanus.Type{
		Description: "keeps what has one parent together, and the rest of the application away",
		Columns:     []string{"containers", "app.members", "app.siblings"},
		Config: []gowanus.ConfigKey{
			{Name: exclusiveKey, Flags: []string{"exclusive"}, Type: "boolean", Default: false, Description: "whether the first of a group wants an empty host"},
			{Name: "docker.strategy.timeout", Flags: []string{"timeout"}, Type: "duration", Default: "20m",
				Description: "of no effect: places are reserved, so that nobody waits for other placements"},
		},
	})
}

// group counts places that are reserved as well as containers that run, so
// that two of a group that start together see each other.
func group(in *gowanus.Hosts, out *gowanus.Ranking) {
	containers, members, siblings := in.Float64s("containers"), in.Float64s("app.members"), in.Float64s("app.siblings")
	for i := range siblings {
		if count(siblings[i]) > 0 {
			apart := out.Reason("entities of the same parent run on another host")
			for k := range siblings {
				if !(count(siblings[k]) > 0) {
					out.RefuseFor(k, apart)
				}
			}
			return
		}
	}
	exclusive := in.Config.Bool(exclusiveKey)
	for i := range in.Len() {
		switch {
		case members != nil && count(members[i]) > 0:
			out.Refuse(i, "runs "+number(members[i])+" of the application that have another parent")
		case exclusive && containers != nil && count(containers[i]) > 0:
			out.Refuse(i, number(containers[i])+" containers, the group wants an empty host")
		}
	}
}
