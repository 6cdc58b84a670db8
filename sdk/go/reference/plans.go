package reference

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// migrate counts from the failures that version 0.x kept.
func migrate(c *gowanus.MigrateCall) (json.RawMessage, error) {
	if !strings.HasPrefix(c.From, "0.") {
		return c.State, nil
	}
	var old struct {
		Failures *int `json:"failures"`
	}
	if err := c.Recall(&old); err != nil || old.Failures == nil {
		return nil, &gowanus.Error{Kind: "invalid", Message: "the state is not one of version " + c.From, At: "state"}
	}
	return gowanus.State(memory{N: *old.Failures}), nil
}

func pair() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Pair", Kind: gowanus.KindEntity,
		Config: []gowanus.ConfigKey{{Name: "item", Type: "string", Required: true, Description: "type of both children"}},
		InitEntity: func(c *gowanus.InitCall) (gowanus.Init, error) {
			item := c.Entity.Config.String("item")
			if item == "" {
				return gowanus.Init{}, &gowanus.Error{Kind: "invalid", Message: "item is needed", At: "config.item"}
			}
			return gowanus.Init{
				Sensors:  map[string]any{"pair.size": 2},
				Children: []map[string]any{{"type": item, "id": c.Entity.PlanID + "-left"}, {"type": item, "id": c.Entity.PlanID + "-right"}},
				Policies: []map[string]any{{"type": "org.example.Restarter", "brooklyn.config": map[string]any{"window": "1m"}}},
			}, nil
		},
	}
}

func counter() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Counter", Kind: gowanus.KindEnricher,
		Events:  []gowanus.EventSpec{{Sensor: "load", Of: "members"}, {Of: "members"}},
		Related: []gowanus.RelatedSpec{{Of: "members", Sensors: []string{"load"}}},
		EnricherEvent: func(c *gowanus.PolicyCall) (gowanus.Decision, error) {
			total := 0.0
			for _, member := range c.Related {
				total += member.Sensors.Float("load")
			}
			state, err := next(c.Recall)
			return gowanus.Decision{Sensors: map[string]any{"load.total": total}, State: state}, err
		},
	}
}

func shout() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Shout", Kind: gowanus.KindStep,
		Config: []gowanus.ConfigKey{{Name: "text", Type: "string", Required: true}},
		Plan: func(c *gowanus.EffectorCall) (gowanus.Decision, error) {
			text := strings.ToUpper(c.Args.String("text"))
			return gowanus.Decision{Steps: []gowanus.Step{{Step: "log", Input: map[string]any{"message": text}}}, Result: text}, nil
		},
	}
}

func wire() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Wire", Kind: gowanus.KindNetwork,
		Network: func(c *gowanus.NetworkCall) (gowanus.Decision, error) {
			if c.Network == nil || c.Op != "create" {
				return gowanus.Decision{}, nil
			}
			var steps []gowanus.Step
			for _, h := range c.Hosts {
				steps = append(steps, gowanus.Step{Step: "log", Input: map[string]any{"message": c.Network.CIDR + " at " + h.Address}})
			}
			return gowanus.Decision{Steps: steps}, nil
		},
	}
}

func cloud() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Cloud", Kind: gowanus.KindLocation,
		Location: func(c *gowanus.LocationCall) (gowanus.Decision, error) {
			switch c.Op {
			case "obtain":
				return gowanus.Decision{Result: map[string]any{"id": c.Name + "-1", "address": c.Config.String("address")}}, nil
			case "release":
				return gowanus.Decision{Steps: []gowanus.Step{{Step: "log", Input: map[string]any{"message": "gone: " + c.Machine.String("id")}}}}, nil
			}
			return gowanus.Decision{}, &gowanus.Error{Kind: "not-found", Message: "the cloud cannot " + c.Op, At: "op"}
		},
	}
}

func lines() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Lines", Kind: gowanus.KindFormat, Formats: []string{"text/x-lines", ".lines"},
		Parse: func(c *gowanus.ParseCall) (gowanus.Parsed, error) {
			services := []any{}
			for i, line := range strings.Split(strings.TrimSuffix(c.Text, "\n"), "\n") {
				name, typ, ok := strings.Cut(line, " ")
				if !ok {
					return gowanus.Parsed{Errors: []gowanus.TextError{{Line: i + 1, Column: len(line) + 1, Message: "expected a name and a type, got " + strconv.Quote(line)}}}, nil
				}
				services = append(services, map[string]any{"name": name, "type": typ})
			}
			return gowanus.Parsed{Blueprint: map[string]any{"services": services}}, nil
		},
	}
}
