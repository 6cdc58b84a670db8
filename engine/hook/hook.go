// Package hook has the documents that pass between the engine and the
// implementation of a type: what is asked, and the decision that comes back.
//
// A native type in builtin/, a WebAssembly module and a YAML type are all
// given these documents and answer with them. For modules they are the JSON
// of sdk/ABI.md, so names here never change within one ABI version.
package hook

import "encoding/json"

// ID numbers the hooks of ABI v1. The numbers are part of the wire contract.
type ID int32

const (
	Describe       ID = 0
	EntityInit     ID = 1
	EntityEffector ID = 2
	EntityContinue ID = 3
	PolicyEvent    ID = 4
	EnricherEvent  ID = 5
	PlacementRank  ID = 6
	NetworkPlan    ID = 7
	LocationPlan   ID = 8
	StepPlan       ID = 9
	BlueprintParse ID = 10
	Migrate        ID = 11
)

var names = [...]string{
	"describe", "entity.init", "entity.effector", "entity.continue", "policy.event", "enricher.event",
	"placement.rank", "network.plan", "location.plan", "step.plan", "blueprint.parse", "migrate",
}

// Count is how many hooks there are: their numbers are below it.
const Count = len(names)

// String gives the hook's name as sdk/ABI.md spells it.
func (id ID) String() string {
	if id >= 0 && int(id) < len(names) {
		return names[id]
	}
	return "unknown"
}

// Ref names an entity. As a config or sensor value inside a document it
// stands as {"$entity": ID, "planId": …, "name": …}.
type Ref struct {
	ID          string `json:"id"`
	Application string `json:"application"`
	PlanID      string `json:"planId,omitempty"`
	Name        string `json:"name"`
	Type        string `json:"type"`
}

// Entity is what an implementation sees of the entity it decides for.
type Entity struct {
	Ref
	Config  map[string]any `json:"config"`  // resolved; keys of the type under their full name
	Sensors map[string]any `json:"sensors"` // present values
}

// Location says where the entity is deployed to.
type Location struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "docker", "localhost"
}

// EffectorCall asks what an effector shall do (EntityEffector), or how to go
// on after the steps before (EntityContinue: Token and Outputs are set).
type EffectorCall struct {
	Type     string          `json:"type"`
	Entity   Entity          `json:"entity"`
	Effector string          `json:"effector"`
	Args     map[string]any  `json:"args"`
	Location *Location       `json:"location,omitempty"`
	State    json.RawMessage `json:"state,omitempty"` // as the call before returned it
	Token    string          `json:"token,omitempty"`
	Outputs  []Output        `json:"outputs,omitempty"`
	Now      string          `json:"now"` // RFC 3339, UTC
	Seed     int64           `json:"seed"`

	// Initializer is the config, resolved, of the initializer that added the
	// effector; nil for the effectors of the entity's type. Type is then that
	// of the initializer.
	Initializer map[string]any `json:"initializer,omitempty"`

	Related []Related `json:"related,omitempty"` // of a step: in the order of the type's RelatedSpecs

	// Hosts are those of the entity's location, for types that ask for them. They
	// do not stand in the document.
	Hosts []NetworkHost `json:"-"`
}

// Output is the result of one step that ran, in the order of the steps.
type Output struct {
	ID     string `json:"id,omitempty"` // the step's id, if it had one
	Step   string `json:"step"`
	Output any    `json:"output"`
}

// Step is one workflow step. In a decision either Step or Continue is set.
type Step struct {
	ID       string         `json:"id,omitempty"`
	Step     string         `json:"step,omitempty"`     // step type
	Input    map[string]any `json:"input,omitempty"`    // the step's own keys
	Timeout  string         `json:"timeout,omitempty"`  // a duration, "1m"
	Resolve  []string       `json:"resolve,omitempty"`  // keys of Input with $brooklyn: expressions, computed for the entity before the step runs
	Continue string         `json:"continue,omitempty"` // call the implementation again with this token and the outputs so far
}

// Decision is the answer: what to publish, what to do, what to remember.
type Decision struct {
	Steps     []Step          `json:"steps,omitempty"`
	Sensors   map[string]any  `json:"sensors,omitempty"` // published before the steps run; null clears
	State     json.RawMessage `json:"state,omitempty"`   // kept by the engine, handed in at the next call
	Result    any             `json:"result,omitempty"`  // the effector's result; the last decision's counts
	WakeAfter string          `json:"wakeAfter,omitempty"`
	Error     *Error          `json:"error,omitempty"`
}

// Error is how an implementation refuses.
type Error struct {
	Kind    string `json:"kind"` // a fault.Kind by name
	Message string `json:"message"`
	At      string `json:"at,omitempty"` // where in the input, if that can be said
}

// Event is something that a policy or enricher subscribed to.
type Event struct {
	Sensor string `json:"sensor"`
	Value  any    `json:"value"`
	Source Ref    `json:"source"`           // the entity that published it
	Change string `json:"change,omitempty"` // "joined" or "left": Source did, and no sensor changed
}

// Related is an entity that a policy or enricher reads besides its own, with
// what its type's RelatedSpec names.
type Related struct {
	Ref
	Of      string         `json:"of"` // as the RelatedSpec says
	Config  map[string]any `json:"config,omitempty"`
	Sensors map[string]any `json:"sensors,omitempty"`
}

// PolicyCall gives a policy an event, or the timer it asked for (Event is
// then absent and Timer true).
type PolicyCall struct {
	Type    string          `json:"type"`
	Config  map[string]any  `json:"config"`
	Entity  Entity          `json:"entity"`
	Related []Related       `json:"related,omitempty"` // in the order of the type's RelatedSpecs
	Event   *Event          `json:"event,omitempty"`
	Timer   bool            `json:"timer,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// InitCall asks what an entity of a type starts from (EntityInit). It is asked
// when a blueprint is planned, so config values are as written.
type InitCall struct {
	Type   string     `json:"type"`
	Entity InitEntity `json:"entity"`
}

// InitEntity is what is known of an entity that does not exist yet.
type InitEntity struct {
	PlanID string         `json:"planId,omitempty"`
	Name   string         `json:"name,omitempty"`
	Type   string         `json:"type"`
	Config map[string]any `json:"config"` // keys of the type under their full name; $brooklyn: expressions are texts
}

// Init is the answer: what a catalog item of the type would say, in the words
// of a blueprint. The entity's own blueprint counts more.
type Init struct {
	Config    map[string]any   `json:"config,omitempty"`
	Sensors   map[string]any   `json:"sensors,omitempty"` // their first values
	Children  []map[string]any `json:"children,omitempty"`
	Policies  []map[string]any `json:"policies,omitempty"`
	Enrichers []map[string]any `json:"enrichers,omitempty"`
	Tags      []any            `json:"tags,omitempty"`
	Error     *Error           `json:"error,omitempty"`
}

// NetworkCall asks a network provider what to do (NetworkPlan).
type NetworkCall struct {
	Type    string          `json:"type"`
	Op      string          `json:"op"` // create, delete, attach, detach, join-host, leave-host, policy
	Config  map[string]any  `json:"config"`
	Network *Network        `json:"network,omitempty"`
	Address string          `json:"address,omitempty"` // of attach: the one that was allocated
	Entity  *Entity         `json:"entity,omitempty"`  // of attach and detach
	Host    string          `json:"host,omitempty"`    // id of the host concerned, of attach, detach, join-host and leave-host
	Hosts   []NetworkHost   `json:"hosts"`
	State   json.RawMessage `json:"state,omitempty"`
	Token   string          `json:"token,omitempty"`
	Outputs []Output        `json:"outputs,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// Network is a network as it was declared.
type Network struct {
	ID      string         `json:"id"`
	Name    string         `json:"name,omitempty"`
	CIDR    string         `json:"cidr,omitempty"`
	Gateway string         `json:"gateway,omitempty"`
	Options map[string]any `json:"options,omitempty"`
}

// NetworkHost is a host that networks reach.
type NetworkHost struct {
	ID      string            `json:"id"`
	Address string            `json:"address"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// LocationCall asks a location type for machines (LocationPlan).
type LocationCall struct {
	Type    string          `json:"type"`
	Op      string          `json:"op"`   // obtain, release, list
	Name    string          `json:"name"` // of the location
	Config  map[string]any  `json:"config"`
	Demand  map[string]any  `json:"demand,omitempty"`  // of obtain: what is asked of the machine
	Entity  *Ref            `json:"entity,omitempty"`  // of obtain and release: whom it is for
	Machine map[string]any  `json:"machine,omitempty"` // of release: as obtain described it
	State   json.RawMessage `json:"state,omitempty"`
	Token   string          `json:"token,omitempty"`
	Outputs []Output        `json:"outputs,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// ParseCall asks a format for the blueprint that a text describes
// (BlueprintParse).
type ParseCall struct {
	Type string `json:"type"`
	File string `json:"file,omitempty"`
	Text string `json:"text"`
}

// Parsed is the answer: a blueprint, or what is wrong with the text.
type Parsed struct {
	Blueprint map[string]any `json:"blueprint,omitempty"` // in CAMP's words
	Errors    []TextError    `json:"errors,omitempty"`
	Error     *Error         `json:"error,omitempty"`
}

// TextError is a problem at a place of a text; lines and columns begin at 1, 0
// is unknown.
type TextError struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// MigrateCall brings a state of another version of the module to this one
// (Migrate).
type MigrateCall struct {
	Type  string          `json:"type"`
	From  string          `json:"from"` // versions of the module
	To    string          `json:"to"`
	State json.RawMessage `json:"state"`
}

// Migrated is the answer.
type Migrated struct {
	State json.RawMessage `json:"state,omitempty"`
	Error *Error          `json:"error,omitempty"`
}

// Description is what a module says of itself.
type Description struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	ABI          [2]int       `json:"abi"` // lowest and highest ABI version it speaks
	Types        []Type       `json:"types"`
	Capabilities []Capability `json:"capabilities"`
}

// Type is a registered type as its implementation describes it.
type Type struct {
	Name        string        `json:"name"`
	Kind        string        `json:"kind"` // entity, policy, enricher, strategy, step, network, location, format
	Aliases     []string      `json:"aliases,omitempty"`
	Prefix      string        `json:"prefix,omitempty"` // also answers to every type name that starts so: "docker:"
	Description string        `json:"description,omitempty"`
	Icon        string        `json:"icon,omitempty"`
	Config      []ConfigKey   `json:"config,omitempty"`
	Sensors     []Sensor      `json:"sensors,omitempty"`
	Effectors   []Effector    `json:"effectors,omitempty"`
	Columns     []string      `json:"columns,omitempty"`   // of a strategy: the host columns it reads
	Events      []EventSpec   `json:"events,omitempty"`    // of a policy or enricher: what it listens to
	Related     []RelatedSpec `json:"related,omitempty"`   // of a policy, enricher or step: what it reads of other entities
	WakeAfter   string        `json:"wakeAfter,omitempty"` // of a policy or enricher: it is given the timer so long after it was added; "0s" at once
	Init        bool          `json:"init,omitempty"`      // of an entity: entity.init is asked
	Formats     []string      `json:"formats,omitempty"`   // of a format: media types and file extensions (".tosca") that it reads
}

// ConfigKey declares one config key of a type.
type ConfigKey struct {
	Name        string   `json:"name"`
	Flags       []string `json:"flags,omitempty"` // short names accepted at the top level of a service
	Type        string   `json:"type"`            // a coercion type: string, integer, port, list, map, duration, entity …
	Default     any      `json:"default,omitempty"`
	Description string   `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Inherit     string   `json:"inherit,omitempty"`     // from an entity to those below it: overwrite (""), deep_merge, never, not_reinherited
	InheritType string   `json:"inheritType,omitempty"` // from a type to those that start from it: overwrite (""), deep_merge
	Label       string   `json:"label,omitempty"`       // for people; "" is Name
	Unpinned    bool     `json:"unpinned,omitempty"`    // user interfaces need not show it at once
	Constraints []any    `json:"constraints,omitempty"` // what else than Required the value must satisfy, as a blueprint writes it
}

// Sensor declares one sensor of a type.
type Sensor struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
}

// Effector declares one effector of a type.
type Effector struct {
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	ReturnType  string      `json:"returnType,omitempty"`
	Parameters  []Parameter `json:"parameters,omitempty"`
}

// Parameter declares one argument of an effector.
type Parameter struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	Default     any    `json:"default,omitempty"`
}

// EventSpec names a sensor that a policy or enricher listens to: by name, or
// by the config key that holds the name. With Of "members" or "children" and
// no sensor it is told who joins and who leaves.
type EventSpec struct {
	Sensor     string `json:"sensor,omitempty"`
	SensorFrom string `json:"sensorFrom,omitempty"`
	Of         string `json:"of,omitempty"` // see RelatedSpec; "" is its own entity
}

// RelatedSpec names what a policy, enricher or step reads of other entities.
type RelatedSpec struct {
	// Of says which: "members" of its entity, which is a group, "children" of
	// it, or "config:KEY", the entity, or the list of them, that the config key
	// KEY holds. For a step that is a key of its input.
	Of      string   `json:"of"`
	Sensors []string `json:"sensors,omitempty"` // a name, or "config:KEY" for the name, or names, that the key holds
	Config  []string `json:"config,omitempty"`  // likewise
}

// Capability is a right that a module asks for, and that an operator grants.
// Value may have the wildcard * but for kind step.
type Capability struct {
	Kind   string `json:"kind"`  // one of CapabilityKinds
	Value  string `json:"value"` // what of that kind
	Reason string `json:"reason,omitempty"`
}

// The kinds of capabilities.
const (
	CapStep   = "step"   // a step type in a decision
	CapHTTP   = "http"   // the host, or host:port, that a step http asks
	CapImage  = "image"  // the image of a container that a step makes
	CapConfig = "config" // a config key read of other entities
	CapSensor = "sensor" // a sensor read of other entities
	CapSecret = "secret" // a config key whose value is secret, to be seen in the clear
)

// CapabilityKinds are all kinds of capabilities.
var CapabilityKinds = []string{CapStep, CapHTTP, CapImage, CapConfig, CapSensor, CapSecret}

// Powerful tells whether a step runs what it is given, so that whoever may use
// it may use every step.
func Powerful(step string) bool {
	switch step {
	case "workflow", "add-entity", "create-child", "add-children", "add-members", "add-from-spec", "add-per-location", "deploy-application", "add-policy", "apply-initializer":
		return true
	}
	return false
}
