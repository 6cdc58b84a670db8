package gowanus

import "encoding/json"

// Description is the answer to HookDescribe.
type Description struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	ABI          [2]int       `json:"abi"` // lowest and highest ABI version it speaks
	Types        []Type       `json:"types"`
	Capabilities []Capability `json:"capabilities"`
}

// Type declares one type and has its handlers. A handler that is nil answers
// its hook with an error of kind "invalid".
type Type struct {
	Name        string        `json:"name"`
	Kind        string        `json:"kind"` // KindEntity, KindPolicy, …
	Aliases     []string      `json:"aliases,omitempty"`
	Prefix      string        `json:"prefix,omitempty"` // also answers to every type name that starts so: "docker:"
	Description string        `json:"description,omitempty"`
	Icon        string        `json:"icon,omitempty"`
	Config      []ConfigKey   `json:"config,omitempty"`
	Sensors     []Sensor      `json:"sensors,omitempty"`
	Effectors   []Effector    `json:"effectors,omitempty"`
	Columns     []string      `json:"columns,omitempty"`   // of a strategy: the host columns it reads; "label:{KEY}" for those that its config KEY names
	Events      []EventSpec   `json:"events,omitempty"`    // of a policy or enricher: what it listens to
	Related     []RelatedSpec `json:"related,omitempty"`   // of a policy, enricher or step: what it reads of other entities
	WakeAfter   string        `json:"wakeAfter,omitempty"` // of a policy or enricher: it is given the timer so long after it was added; "0s" at once
	Init        bool          `json:"init,omitempty"`      // set by the library: there is an InitEntity
	Formats     []string      `json:"formats,omitempty"`   // of a format: media types and file extensions that it reads

	// InitEntity says what an entity of the type starts from.
	InitEntity func(*InitCall) (Init, error) `json:"-"`
	// Effector decides what an effector of an entity does.
	Effector func(*EffectorCall) (Decision, error) `json:"-"`
	// Continue goes on after steps; when nil, Effector is called instead.
	Continue func(*EffectorCall) (Decision, error) `json:"-"`
	// PolicyEvent reacts to an event or a timer.
	PolicyEvent func(*PolicyCall) (Decision, error) `json:"-"`
	// EnricherEvent gives the sensors that follow from an event or a timer.
	EnricherEvent func(*PolicyCall) (Decision, error) `json:"-"`
	// Plan decides what a step of a workflow does: Effector is the step's type,
	// Args is its input. With a Token it is asked how to go on.
	Plan func(*EffectorCall) (Decision, error) `json:"-"`
	// Network plans for a network, Location for machines. With a Token they are
	// asked how to go on.
	Network  func(*NetworkCall) (Decision, error)  `json:"-"`
	Location func(*LocationCall) (Decision, error) `json:"-"`
	// Parse reads a text of the type's formats.
	Parse func(*ParseCall) (Parsed, error) `json:"-"`
	// Migrate brings a state of another version to this one; when nil, states
	// stay as they are.
	Migrate func(*MigrateCall) (json.RawMessage, error) `json:"-"`
	// Rank scores or refuses hosts. It is also asked about no hosts, to check
	// the config; see Ranking.Fail.
	Rank func(in *Hosts, out *Ranking) `json:"-"`
}

// ConfigKey declares one config key of a type.
type ConfigKey struct {
	Name        string   `json:"name"`
	Flags       []string `json:"flags,omitempty"` // short names accepted at the top level of a service
	Type        string   `json:"type"`            // a coercion type: string, integer, port, list, map, duration, entity …
	Default     any      `json:"default,omitempty"`
	Description string   `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Inherit     string   `json:"inherit,omitempty"` // "" is overwrite, "never" is not inherited by children
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

// Capability is a right that a module asks for. The kinds are step, http,
// image, config, sensor and secret.
type Capability struct {
	Kind   string `json:"kind"`
	Value  string `json:"value"`
	Reason string `json:"reason,omitempty"`
}

// Steps asks for the right to use step types, all for the same reason.
func Steps(reason string, names ...string) []Capability {
	list := make([]Capability, len(names))
	for i, name := range names {
		list[i] = Capability{Kind: "step", Value: name, Reason: reason}
	}
	return list
}
