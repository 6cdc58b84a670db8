package gowanus

import (
	"encoding/json"
	"strconv"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// InitCall asks what an entity of a type starts from. It is asked while a
// blueprint is planned, so config values are as written.
type InitCall struct {
	Type   string     `json:"type"`
	Entity InitEntity `json:"entity"`
}

// InitEntity is what is known of an entity that does not exist yet.
type InitEntity struct {
	PlanID string `json:"planId,omitempty"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type"`
	Config Values `json:"config"` // $brooklyn: expressions are texts
}

// Init is the answer, in the words of a blueprint. What the entity's own
// blueprint says goes before.
type Init struct {
	Config    map[string]any   `json:"config,omitempty"`
	Sensors   map[string]any   `json:"sensors,omitempty"` // their first values
	Children  []map[string]any `json:"children,omitempty"`
	Policies  []map[string]any `json:"policies,omitempty"`
	Enrichers []map[string]any `json:"enrichers,omitempty"`
	Tags      []any            `json:"tags,omitempty"`
}

// NetworkCall asks a network provider what to do.
type NetworkCall struct {
	Type    string          `json:"type"`
	Op      string          `json:"op"` // create, delete, attach, detach, join-host, leave-host, policy
	Config  Values          `json:"config"`
	Network *Network        `json:"network,omitempty"`
	Address string          `json:"address,omitempty"` // of attach: the one that was allocated
	Entity  *Entity         `json:"entity,omitempty"`  // of attach and detach
	Host    string          `json:"host,omitempty"`    // id of the host concerned
	Hosts   []NetworkHost   `json:"hosts"`
	State   json.RawMessage `json:"state,omitempty"`
	Token   string          `json:"token,omitempty"`
	Outputs []Output        `json:"outputs,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// Network is a network as it was declared.
type Network struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	CIDR    string `json:"cidr,omitempty"`
	Gateway string `json:"gateway,omitempty"`
	Options Values `json:"options,omitempty"`
}

// NetworkHost is a host that networks reach.
type NetworkHost struct {
	ID      string            `json:"id"`
	Address string            `json:"address"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// LocationCall asks a location type for machines.
type LocationCall struct {
	Type    string          `json:"type"`
	Op      string          `json:"op"`   // obtain, release, list
	Name    string          `json:"name"` // of the location
	Config  Values          `json:"config"`
	Demand  Values          `json:"demand,omitempty"`  // of obtain: what is asked of the machine
	Entity  *Ref            `json:"entity,omitempty"`  // of obtain and release: whom it is for
	Machine Values          `json:"machine,omitempty"` // of release: as obtain described it
	State   json.RawMessage `json:"state,omitempty"`
	Token   string          `json:"token,omitempty"`
	Outputs []Output        `json:"outputs,omitempty"`
	Now     string          `json:"now"`
	Seed    int64           `json:"seed"`
}

// ParseCall asks a format for the blueprint that a text describes.
type ParseCall struct {
	Type string `json:"type"`
	File string `json:"file,omitempty"`
	Text string `json:"text"`
}

// Parsed is the answer: a blueprint in the words of YAML blueprints, or what
// is wrong with the text.
type Parsed struct {
	Blueprint map[string]any `json:"blueprint,omitempty"`
	Errors    []TextError    `json:"errors,omitempty"`
}

// TextError is a problem at a place of a text; lines and columns begin at 1, 0
// is unknown.
type TextError struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// MigrateCall asks what a state of another version of the module is in this
// one.
type MigrateCall struct {
	Type  string          `json:"type"`
	From  string          `json:"from"` // versions of the module
	To    string          `json:"to"`
	State json.RawMessage `json:"state"`
}

// migrated is the answer.
type migrated struct {
	State json.RawMessage `json:"state,omitempty"`
}

// The operations of Host.
const (
	opSensor = 1
	opConfig = 2
	opFile   = 3
)

// HostSensor reads a sensor of an entity of the same application; nil when it
// has no value. It needs the capability sensor.
func HostSensor(entity, sensor string) (any, error) {
	return hostValue(opSensor, map[string]any{"entity": entity, "sensor": sensor})
}

// HostConfig reads a config value of an entity of the same application; nil
// when it has none yet. It needs the capability config.
func HostConfig(entity, key string) (any, error) {
	return hostValue(opConfig, map[string]any{"entity": entity, "key": key})
}

// HostFile reads a file of the bundle that the module came in.
func HostFile(name string) ([]byte, error) {
	request, err := wire.Append(nil, map[string]any{"name": name})
	if err != nil {
		return nil, refuse("internal", err.Error())
	}
	answer, err := Host(opFile, request)
	if err != nil {
		return nil, err
	}
	var file struct {
		Text   string `json:"text"`
		Base64 []byte `json:"base64"`
	}
	if err := wire.Unmarshal(answer, &file); err != nil {
		return nil, refuse("internal", "file "+name+": "+err.Error())
	}
	if file.Base64 != nil {
		return file.Base64, nil
	}
	return []byte(file.Text), nil
}

func hostValue(op int32, ask map[string]any) (any, error) {
	request, err := wire.Append(nil, ask)
	if err != nil {
		return nil, refuse("internal", err.Error())
	}
	answer, err := Host(op, request)
	if err != nil {
		return nil, err
	}
	var value struct {
		Value any `json:"value"`
	}
	if err := wire.Unmarshal(answer, &value); err != nil {
		return nil, refuse("internal", "host operation "+strconv.Itoa(int(op))+": "+err.Error())
	}
	return value.Value, nil
}
