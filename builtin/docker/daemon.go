package docker

import (
	"context"
	"errors"
	"io"
	"time"
)

// Labels on everything that is made here.
const (
	LabelPlane       = "org.gowanus.plane"
	LabelApplication = "org.gowanus.application"
	LabelEntity      = "org.gowanus.entity"
	LabelSpec        = "org.gowanus.spec" // hash of the request that made a container
)

// What a daemon lacks; other failures are told apart by their fault.Kind.
var (
	errNoImage   = errors.New("no such image")
	errNoNetwork = errors.New("no such network")
)

// daemon is all that this package asks of a Docker engine. Only client.go,
// its implementation, knows the client library. Errors have a fault.Kind;
// one that means an absent image or network also is errNoImage or errNoNetwork.
type daemon interface {
	// Info says what the engine's machine is like.
	Info(ctx context.Context) (info, error)
	// Stats says what the containers that run use, ours and others. One that
	// ends meanwhile is left out.
	Stats(ctx context.Context) (stats, error)

	// ImageID gives the id of an image that the engine has, else errNoImage.
	ImageID(ctx context.Context, ref string) (string, error)
	// Pull fetches an image; progress is told what users should see.
	Pull(ctx context.Context, ref string, progress func(line string)) error

	Create(ctx context.Context, s *spec) (id string, err error)
	Inspect(ctx context.Context, idOrName string) (container, error)
	Start(ctx context.Context, id string) error                      // fine when it runs
	Stop(ctx context.Context, id string, grace time.Duration) error  // fine when it does not run; SIGKILL after grace
	Remove(ctx context.Context, id string) error                     // kills it first, takes its anonymous volumes along
	List(ctx context.Context, labels ...string) ([]container, error) // those with all of the "key=value" labels, running or not; no addresses
	Log(ctx context.Context, id string, lines int) (string, error)   // the last lines of its output
	// Follow passes on all output of a container, and what comes, until it
	// ends or contact is lost.
	Follow(ctx context.Context, id string, out, err io.Writer) error

	Network(ctx context.Context, name string) (network, error)
	Networks(ctx context.Context, labels ...string) ([]network, error)
	CreateNetwork(ctx context.Context, name string, labels map[string]string) error
	RemoveNetwork(ctx context.Context, id string) error // Precondition while something is attached

	// Events streams what happens to labelled containers from a moment of the
	// engine's own clock on. The error channel ends the stream.
	Events(ctx context.Context, since string, labels ...string) (<-chan event, <-chan error)

	Close() error
}

// info is what an engine says of its machine.
type info struct {
	Name    string
	CPUs    int
	Memory  int64 // bytes
	Version string
	Labels  map[string]string
	Time    string // the engine's clock, for Events
}

// stats is what containers use, and have used up.
type stats struct {
	CPU    map[string]spent // by container
	Memory int64            // bytes of all containers, without caches that can be dropped
}

// spent is processor time, in a unit that is the same for both.
type spent struct {
	Used   uint64 // by the container
	System uint64 // that passed on all processors together, idle or not; 0: not known
}

// container is one container as its engine sees it.
type container struct {
	ID        string
	Name      string
	Hostname  string
	Labels    map[string]string
	Status    status
	ExitCode  int
	OutOfMem  bool
	Addresses map[string]string   // network name → IP address
	Ports     map[string][]string // "6379" (tcp) or "53/udp" → host ports
}

// status is a container's state in the engine's words.
type status string

const (
	created    status = "created"
	running    status = "running"
	paused     status = "paused"
	restarting status = "restarting"
	removing   status = "removing"
	dead       status = "dead"
)

// network is one network as its engine sees it.
type network struct {
	ID     string
	Name   string
	Labels map[string]string
}

// event is something that happened to a container.
type event struct {
	Action   string // "start", "die", "oom", "pause", "unpause", "destroy"
	ID       string // container id
	Labels   map[string]string
	ExitCode string // of "die"
}
