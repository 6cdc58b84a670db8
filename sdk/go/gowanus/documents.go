package gowanus

import "encoding/json"

// ABIVersion is the version of the wire contract that this package speaks.
const ABIVersion = 1

// Hook numbers what the engine may ask. The numbers are part of the contract.
type Hook int32

// The hooks of ABI v1.
const (
	HookDescribe       Hook = 0
	HookEntityInit     Hook = 1
	HookEntityEffector Hook = 2
	HookEntityContinue Hook = 3
	HookPolicyEvent    Hook = 4
	HookEnricherEvent  Hook = 5
	HookPlacementRank  Hook = 6
	HookNetworkPlan    Hook = 7
	HookLocationPlan   Hook = 8
	HookStepPlan       Hook = 9
	HookBlueprintParse Hook = 10
	HookMigrate        Hook = 11
)

// The kinds of types.
const (
	KindEntity   = "entity"
	KindPolicy   = "policy"
	KindEnricher = "enricher"
	KindStrategy = "strategy"
	KindStep     = "step"
	KindNetwork  = "network"
	KindLocation = "location"
	KindFormat   = "format"
)

// Ref names an entity.
type Ref struct {
	ID          string `json:"id"`
	Application string `json:"application"`
	PlanID      string `json:"planId,omitempty"`
	Name        string `json:"name"`
	Type        string `json:"type"`
}

// Entity is what a handler sees of the entity it decides for.
type Entity struct {
	Ref
	Config  Values `json:"config"`  // resolved; keys of the type under their full name
	Sensors Values `json:"sensors"` // present values
}

// Location says where the entity is deployed to.
type Location struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "docker", "localhost"
}

// EffectorCall asks what an effector shall do, or how to go on after the steps
// before: Token and Outputs are set then.
type EffectorCall struct {
	Type     string          `json:"type"`
	Entity   Entity          `json:"entity"`
	Effector string          `json:"effector"`
	Args     Values          `json:"args"`
	Location *Location       `json:"location,omitempty"`
	State    json.RawMessage `json:"state,omitempty"` // as the decision before returned it
	Token    string          `json:"token,omitempty"`
	Outputs  []Output        `json:"outputs,omitempty"`
	Related  []Related       `json:"related,omitempty"` // of a step: in the order of the type's RelatedSpecs
	Now      string          `json:"now"`               // RFC 3339, UTC
	Seed     int64           `json:"seed"`
}

// Output gives the output of the step with the given id, or nil.
func (c *EffectorCall) Output(id string) any {
	for i := range c.Outputs {
		if c.Outputs[i].ID == id {
			return c.Outputs[i].Output
		}
	}
	return nil
}

// Output is the result of one step that ran, in the order of the steps.
type Output struct {
	ID     string `json:"id,omitempty"`
	Step   string `json:"step"`
	Output any    `json:"output"`
}

// Step is one workflow step. Either Step or Continue is set.
type Step struct {
	ID       string         `json:"id,omitempty"`
	Step     string         `json:"step,omitempty"`     // step type, or its shorthand: "wait-port 6379"
	Input    map[string]any `json:"input,omitempty"`    // the step's own keys
	Timeout  string         `json:"timeout,omitempty"`  // a duration, "1m"
	Continue string         `json:"continue,omitempty"` // call Continue with this token and the outputs so far
}

// Decision is a handler's answer: what to publish, what to do, what to
// remember.
type Decision struct {
	Steps     []Step          `json:"steps,omitempty"`
	Sensors   map[string]any  `json:"sensors,omitempty"` // published before the steps run; nil values clear
	State     json.RawMessage `json:"state,omitempty"`   // kept by the engine, handed in at the next call
	Result    any             `json:"result,omitempty"`  // the effector's result; the last decision's counts
	WakeAfter string          `json:"wakeAfter,omitempty"`
	Error     *Error          `json:"error,omitempty"`
}

// Event is something that a policy or enricher subscribed to.
type Event struct {
	Sensor string `json:"sensor"`
	Value  any    `json:"value"`
	Source Ref    `json:"source"`           // the entity that published it
	Change string `json:"change,omitempty"` // "joined" or "left": Source did, and no sensor changed
}

// Related is an entity that a policy or enricher reads besides its own.
type Related struct {
	Ref
	Of      string `json:"of"` // as the type's RelatedSpec says
	Config  Values `json:"config,omitempty"`
	Sensors Values `json:"sensors,omitempty"`
}

// PolicyCall gives a policy or enricher an event, or the timer it asked for:
// Event is then nil and Timer true.
type PolicyCall struct {
	Type    string          `json:"type"`
	Config  Values          `json:"config"`
	Entity  Entity          `json:"entity"`
	Related []Related       `json:"related,omitempty"` // in the order of the type's RelatedSpecs
	Event   *Event          `json:"event,omitempty"`
	Timer   bool            `json:"timer,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// RankRequest is the demand of a placement: which strategy is asked, for whom.
type RankRequest struct {
	Type     string `json:"type"`
	Config   Values `json:"config"` // of the strategy
	Entity   Ref    `json:"entity"`
	Demand   Values `json:"demand"`   // what the entity asked for; may be empty
	Sequence int64  `json:"sequence"` // placements in this location so far
	Now      string `json:"now"`
	Seed     int64  `json:"seed"`
}
