// Package reference is the module that the vectors in sdk/vectors talk to. It
// has one type of each kind, and each is as small as it can be; their rules
// stand in sdk/vectors/README.md.
package reference

import (
	"encoding/json"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// Module gives the module, to be registered.
func Module() gowanus.Module {
	return gowanus.Module{
		Name: "reference", Version: "1.0.0",
		Capabilities: []gowanus.Capability{
			{Kind: "step", Value: "obtain-host", Reason: "places the greeter"},
			{Kind: "step", Value: "invoke-effector", Reason: "restarts what failed"},
			{Kind: "step", Value: "log", Reason: "tells what is done"},
			{Kind: "step", Value: "add-entity", Reason: "makes pairs"},
			{Kind: "step", Value: "add-policy", Reason: "watches pairs"},
			{Kind: "step", Value: "deploy-application", Reason: "reads blueprints"},
			{Kind: "sensor", Value: "load", Reason: "adds up the load of members"},
		},
		Types: []gowanus.Type{greeter(), restarter(), emptiest(), pair(), counter(), shout(), wire(), cloud(), lines()},
	}
}

func greeter() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Greeter", Kind: gowanus.KindEntity, Aliases: []string{"greeter"}, Prefix: "greet:",
		Description: "says hello",
		Config:      []gowanus.ConfigKey{{Name: "greeting.text", Flags: []string{"text"}, Type: "string", Default: "hello", Description: "what to say"}},
		Sensors:     []gowanus.Sensor{{Name: "greeting", Type: "string"}},
		Effectors: []gowanus.Effector{{Name: "start", ReturnType: "string",
			Parameters: []gowanus.Parameter{{Name: "loud", Type: "boolean", Default: false}}}},
		Effector: start,
		Continue: placed,
	}
}

// memory is the state of the greeter and of the restarter.
type memory struct {
	N int `json:"n"`
}

// next gives the state with one more; recall reads it.
func next(recall func(any) error) (json.RawMessage, error) {
	var m memory
	if err := recall(&m); err != nil {
		return nil, &gowanus.Error{Kind: "invalid", Message: "the state is not ours", At: "state"}
	}
	m.N++
	return gowanus.State(m), nil
}

func start(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	if c.Effector != "start" {
		return gowanus.Decision{}, &gowanus.Error{Kind: "not-found", Message: `the greeter has no effector "` + c.Effector + `"`, At: "effector"}
	}
	state, err := next(c.Recall)
	if err != nil {
		return gowanus.Decision{}, err
	}
	text := c.Entity.Config.String("greeting.text") + " " + c.Entity.Name
	if c.Args.Bool("loud") {
		text = strings.ToUpper(text) + "!"
	}
	return gowanus.Decision{
		Sensors: map[string]any{"greeting": text},
		Steps:   []gowanus.Step{{ID: "host", Step: "obtain-host", Timeout: "5m"}, {Continue: "placed"}},
		State:   state,
	}, nil
}

func placed(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	state, err := next(c.Recall)
	if err != nil {
		return gowanus.Decision{}, err
	}
	output, _ := c.Output("host").(map[string]any)
	return gowanus.Decision{State: state, Result: "at " + gowanus.Values(output).String("host")}, nil
}

func restarter() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Restarter", Kind: gowanus.KindPolicy,
		Config: []gowanus.ConfigKey{
			{Name: "also", Type: "string", Description: "a sensor that tells of failures as well"},
			{Name: "window", Type: "duration", Description: "how long a failure is remembered"},
		},
		Events:      []gowanus.EventSpec{{Sensor: "service.isUp"}, {SensorFrom: "also"}},
		PolicyEvent: restart,
		Migrate:     migrate,
	}
}

func restart(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	if c.Timer {
		return gowanus.Decision{State: gowanus.State(memory{})}, nil
	}
	if up, _ := c.Event.Value.(bool); up {
		return gowanus.Decision{}, nil
	}
	state, err := next(c.Recall)
	if err != nil {
		return gowanus.Decision{}, err
	}
	return gowanus.Decision{
		Steps:     []gowanus.Step{{Step: "invoke-effector", Input: map[string]any{"effector": "restart", "entity": gowanus.EntityValue(c.Event.Source.ID)}}},
		State:     state,
		WakeAfter: c.Config.String("window"),
	}, nil
}

func emptiest() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Emptiest", Kind: gowanus.KindStrategy,
		Columns: []string{"containers", "up", "label:rack"},
		Rank:    rank,
	}
}

func rank(in *gowanus.Hosts, out *gowanus.Ranking) {
	containers, up, rack := in.Float64s("containers"), in.Bitmap("up"), in.Strings("label:rack")
	avoid := in.Config.String("avoid")
	if strings.Contains(avoid, " ") {
		out.Fail(&gowanus.Error{Kind: "invalid", Message: "avoid: a rack has no blank in its name", At: "config.avoid"})
		return
	}
	for i := range in.Len() {
		switch {
		case up.Len() > 0 && !up.Has(i):
			out.Refuse(i, "is down")
		case avoid != "" && rack.At(i) == avoid:
			out.Refuse(i, "stands in rack "+avoid)
		case containers != nil:
			out.Score(i, -containers[i])
		}
	}
}
