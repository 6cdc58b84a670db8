// Command go is the example module in Go. Run natively it prints its
// description.
package main

import (
	"math"
	"os"
	"strconv"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// A variable registers the module, because the engine never runs main.
var _ = gowanus.Register(gowanus.Module{
	Name: "example", Version: "1.0.0",
	Types:        []gowanus.Type{cooldown(), coolest()},
	Capabilities: gowanus.Steps("to restart what failed", "invoke-effector"),
})

func main() {
	os.Stdout.Write(append(gowanus.Call(gowanus.HookDescribe, nil), '\n'))
}

func cooldown() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Cooldown", Kind: gowanus.KindPolicy,
		Description: "restarts a failed entity at most once per window",
		Config: []gowanus.ConfigKey{
			{Name: "sensor", Type: "string", Default: "ha.entityFailed", Description: "tells of failures; cleared when the entity recovers"},
			{Name: "window", Type: "duration", Default: "5m", Description: "how long no other restart follows"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: "sensor"}},
		PolicyEvent: cool,
	}
}

// memory is what the policy remembers.
type memory struct {
	Cooling  bool `json:"cooling"`
	Restarts int  `json:"restarts"`
}

func cool(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	var m memory
	if err := c.Recall(&m); err != nil {
		return gowanus.Decision{}, &gowanus.Error{Kind: "invalid", Message: "the state is not ours", At: "state"}
	}
	switch failed := c.Entity.Sensors.Has(c.Config.String("sensor")); {
	case c.Timer && !failed:
		m.Cooling = false
		return gowanus.Decision{State: gowanus.State(m)}, nil
	case !c.Timer && (m.Cooling || c.Event.Value == nil):
		return gowanus.Decision{}, nil
	}
	return gowanus.Decision{
		Steps:     []gowanus.Step{{Step: "invoke-effector", Input: map[string]any{"effector": "restart"}}},
		State:     gowanus.State(memory{Cooling: true, Restarts: m.Restarts + 1}),
		WakeAfter: c.Config.String("window"),
	}, nil
}

func coolest() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Coolest", Kind: gowanus.KindStrategy,
		Description: "prefers the host that uses least of its processors",
		Config:      []gowanus.ConfigKey{{Name: "maxCpu", Type: "double", Default: 0.8, Description: "the share of its processors that a host may use"}},
		Columns:     []string{"up", "cpu.used", "containers"},
		Rank:        rank,
	}
}

func rank(in *gowanus.Hosts, out *gowanus.Ranking) {
	limit := in.Config.Float("maxCpu")
	if limit < 0 || limit > 1 {
		text := strconv.FormatFloat(limit, 'f', -1, 64)
		out.Fail(&gowanus.Error{Kind: "invalid", Message: "maxCpu: expected a share from 0 to 1, got " + text, At: "config.maxCpu"})
		return
	}
	up, used, containers := in.Bitmap("up"), in.Float64s("cpu.used"), in.Float64s("containers")
	for i := range in.Len() {
		share, count := limit, 0.0
		if used != nil && !math.IsNaN(used[i]) {
			share = used[i]
		}
		if containers != nil && !math.IsNaN(containers[i]) {
			count = containers[i]
		}
		switch {
		case up.Len() > 0 && !up.Has(i):
			out.Refuse(i, "is down")
		case share > limit:
			out.Refuse(i, "uses "+percent(share)+" % of its processors, at most "+percent(limit)+" % are allowed")
		default:
			out.Score(i, -(math.Floor(share*100+0.5)*1e6 + count))
		}
	}
}

// percent gives a share in whole percents.
func percent(share float64) string { return strconv.Itoa(int(math.Floor(share*100 + 0.5))) }
