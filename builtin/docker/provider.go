package docker

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Kind is the location kind that this package provides.
const Kind = "docker"

// Config sets a provider up. Zero fields take their defaults.
type Config struct {
	Plane string       // names this server on everything it makes; required
	Log   *slog.Logger // default: slog.Default()

	Parallel int // creates and starts at a time per host; default 4

	Deadlines Deadlines
	Settle    time.Duration // how long a started container must stay up to count as started; default 100 ms
	Probe     time.Duration // between two probes of a watched host; default 10 s
	Misses    int           // probes in a row that may fail before a host's event stream is opened anew; default 3
	Fresh     time.Duration // how old what Hosts tells may be; default 15 s
	Backoff   time.Duration // longest wait before a lost host is tried again; default 5 s
	LogLines  int           // lines of a crashed container's output in the error; default 20

	// Getenv looks up environment variables; default os.Getenv.
	Getenv func(string) string
}

// Deadlines bound single calls to an engine, so that one that hangs holds
// nobody up. Zero fields take their defaults.
type Deadlines struct {
	Info    time.Duration // default 5 s
	Inspect time.Duration // reads of images, containers, networks, logs; default 15 s
	Create  time.Duration // of a container or network; default 30 s
	Start   time.Duration // default 30 s
	Stop    time.Duration // on top of the time the container is given; default 20 s
	Remove  time.Duration // of a container or network; default 30 s
	Pull    time.Duration // default 30 min
}

func or[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c *Config) defaults() {
	or(&c.Log, slog.Default())
	or(&c.Parallel, 4)
	or(&c.Settle, 100*time.Millisecond)
	or(&c.Probe, 10*time.Second)
	or(&c.Misses, 3)
	or(&c.Fresh, 15*time.Second)
	or(&c.Backoff, 5*time.Second)
	or(&c.LogLines, 20)
	or(&c.Deadlines.Info, 5*time.Second)
	or(&c.Deadlines.Inspect, 15*time.Second)
	or(&c.Deadlines.Create, 30*time.Second)
	or(&c.Deadlines.Start, 30*time.Second)
	or(&c.Deadlines.Stop, 20*time.Second)
	or(&c.Deadlines.Remove, 30*time.Second)
	or(&c.Deadlines.Pull, 30*time.Minute)
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
}

// Provider makes docker locations and runs the steps that act on them.
type Provider struct {
	config Config
	dial   func(h hostConfig, idle int) (daemon, error)
	lookup lookup

	mu   sync.Mutex
	open map[string]*Location // by name
}

// New makes a provider. It connects to nothing.
func New(c Config) *Provider {
	c.defaults()
	find := func(ctx context.Context, name string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	}
	return &Provider{config: c, dial: connect, lookup: find, open: map[string]*Location{}}
}

// Kind is "docker".
func (p *Provider) Kind() string { return Kind }

// Open checks a definition (see the package comment for its forms) and gives
// its location, which replaces an open one of the same name. It reads the TLS
// files but does not connect. What is wrong with the definition is an Invalid
// fault that names the location and the key.
func (p *Provider) Open(d location.Definition) (location.Location, error) {
	if p.config.Plane == "" {
		return nil, fault.New(fault.Internal, "location %q: the docker provider has no plane name", d.Name)
	}
	configs, err := readDefinition(d, p.config.Getenv)
	if err != nil {
		return nil, err
	}
	l := &Location{name: d.Name, config: p.config, provider: p}
	for _, c := range configs {
		l.hosts = append(l.hosts, newHost(d.Name, c, p.config, p.dial))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[d.Name] = l
	return l, nil
}

func (p *Provider) closed(l *Location) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[l.name] == l {
		delete(p.open, l.name)
	}
}

// host finds the host that an entity's lease names.
func (p *Provider) host(ctx context.Context, step string, c *action.Call) (*host, error) {
	switch {
	case c.Lease == nil:
		return nil, fault.New(fault.Precondition, "%s: the entity holds no host: obtain-host comes first", step)
	case c.Lease.Kind != Kind:
		return nil, fault.New(fault.Precondition, "%s: the entity's host is of kind %q, expected %q", step, c.Lease.Kind, Kind)
	}
	p.mu.Lock()
	l := p.open[c.Lease.Location]
	p.mu.Unlock()
	if l == nil {
		return nil, fault.New(fault.NotFound, "%s: location %q is not defined any more", step, c.Lease.Location)
	}
	return l.host(ctx, c.Lease.Host)
}

// Actions gives the workflow steps of this package.
func (p *Provider) Actions() []action.Action {
	return []action.Action{
		{Name: "pull-image", Doc: "Fetches an image to the entity's host unless it is there.", Run: p.pullImage},
		{Name: "create-container", Doc: "Creates the entity's container, adopting the one of an earlier attempt.", Run: p.createContainer},
		{Name: "start-container", Doc: "Starts the entity's container and waits until it runs.", Run: p.startContainer},
		{Name: "stop-container", Doc: "Stops the entity's container, if there is one.", Run: p.stopContainer},
		{Name: "container", Doc: "runs a container to its end and removes it; the output has stdout, stderr and exit_code", Run: p.runContainer},
		{Name: "remove-container", Doc: "Removes the entity's container, if there is one.", Run: p.removeContainer},
	}
}
