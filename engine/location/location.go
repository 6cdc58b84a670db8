// Package location defines the places that entities run on: definitions,
// hosts, leases, and what a provider of such places must do.
package location

import (
	"context"
	"time"
)

// Definition is a named place as the operator configured it.
type Definition struct {
	Name   string         `json:"name"` // "my-docker-cloud"
	Kind   string         `json:"kind"` // names the provider: "docker", "localhost"
	Config map[string]any `json:"config,omitempty"`
}

// Host is one machine of a location that can run things.
type Host struct {
	ID      string            `json:"id"`      // stable within the location: "lh1"
	Address string            `json:"address"` // reachable from other hosts; an IP or a name
	Name    string            `json:"name"`    // its host name
	Up      bool              `json:"up"`
	CPUs    float64           `json:"cpus"`
	Memory  int64             `json:"memory"` // bytes
	Labels  map[string]string `json:"labels,omitempty"`
	Usage   *Usage            `json:"usage,omitempty"` // nil when it is not known

	// Revision tells states of the host apart: while it is the same and not 0,
	// nothing else here has changed, and the maps and pointers are the same.
	Revision uint64 `json:"-"`
}

// Usage is how busy a host is.
type Usage struct {
	CPU    float64 `json:"cpu"`    // share of all processors, 0 to 1
	Memory int64   `json:"memory"` // bytes in use
}

// Lease says that an entity holds a place on a host. It exists, durably,
// before anything is created there, so that placement counts it.
type Lease struct {
	Entity      string         `json:"entity"`
	Application string         `json:"application"`
	Location    string         `json:"location"`
	Kind        string         `json:"kind"`
	Host        string         `json:"host"`
	Address     string         `json:"address"`
	Resource    string         `json:"resource,omitempty"` // the outside thing: container id, process id
	Memory      int64          `json:"memory,omitempty"`   // bytes that are reserved with the place
	CPUs        float64        `json:"cpus,omitempty"`     // processors, likewise
	Machine     map[string]any `json:"machine,omitempty"`  // as the module that obtained it described it
	Since       time.Time      `json:"since"`
}

// Provider makes the locations of one kind.
type Provider interface {
	// Kind is the word that definitions use.
	Kind() string
	// Open checks a definition and gives its location. It must not need the
	// outside to answer: a host that is down is reported by Hosts.
	Open(d Definition) (Location, error)
}

// Location is an open place. Its methods may be called at the same time.
type Location interface {
	// Hosts gives the machines as last seen; it may connect at the first call.
	Hosts(ctx context.Context) ([]Host, error)
	// Watch reports every change to things that carry the plane's name, and
	// the state of all of them at the start and after each loss of contact.
	// It returns when ctx ends.
	Watch(ctx context.Context, o Observer) error
	// Clean removes what belongs to an application as a whole (its networks).
	// It is called after its entities stopped, and may be repeated.
	Clean(ctx context.Context, application string) error
	Close() error
}

// Measurer is a Location that can tell how busy its hosts are.
type Measurer interface {
	// Measured is Hosts with Usage filled in, as far as it can be known. It
	// asks the machines for more than Hosts does, and may take a second.
	Measured(ctx context.Context) ([]Host, error)
}

// Observer is told what happens outside. Observe returns fast.
type Observer interface{ Observe(Observation) }

// Observation is what a location saw of one entity's thing.
type Observation struct {
	Entity   string         // from the thing's label
	Resource string         // container id, process id
	Up       bool           // it runs
	Reason   string         // why not, for users: "exited with code 137"
	Sensors  map[string]any // values to publish along; nil values clear
}
