package process

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Config says where and how processes are kept. Dir and Plane are needed.
type Config struct {
	Dir   string       // run directories, logs and records of the processes
	Plane string       // names this server's deployments; in the environment of each process
	Log   *slog.Logger // nil: slog.Default()

	StopTimeout time.Duration // between SIGTERM and SIGKILL; 0 is 10 s
	Settle      time.Duration // a launch command that fails within it fails its start; 0 is 200 ms
	LogBytes    int64         // a log file that grew beyond it is moved aside, once; 0 is 10 MiB
	LogCheck    time.Duration // how often log files are looked at; 0 is 1 min
}

// Provider makes localhost locations and the steps that run processes there.
// All of them share one set of processes.
type Provider struct {
	dir, plane  string
	log         *slog.Logger
	stopTimeout time.Duration
	settle      time.Duration
	logBytes    int64
	logCheck    time.Duration

	followers sync.WaitGroup

	mu       sync.Mutex      // guards what follows, and the order of observations
	ctx      context.Context // of the followers; nil while closed
	cancel   context.CancelFunc
	open     int // locations
	entities map[string]*tracked
	watchers map[*watcher]bool
	commands map[string]bool // runs of commands that this server waits for
}

// New gives a provider; nothing is touched before a location is opened or a
// step runs. Its goroutines end when its last location is closed; the
// processes go on.
func New(c Config) *Provider {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Provider{
		dir: c.Dir, plane: c.Plane, log: c.Log,
		stopTimeout: or(c.StopTimeout, 10*time.Second),
		settle:      or(c.Settle, 200*time.Millisecond),
		logBytes:    or(c.LogBytes, 10<<20),
		logCheck:    or(c.LogCheck, time.Minute),
		entities:    map[string]*tracked{},
		watchers:    map[*watcher]bool{},
		commands:    map[string]bool{},
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Kind is the word that location definitions use.
func (p *Provider) Kind() string { return kind }

const kind = "localhost"

// Open gives the location on this machine. The only config key is "address",
// under which others reach it; it is 127.0.0.1 otherwise.
func (p *Provider) Open(d location.Definition) (location.Location, error) {
	l := &local{provider: p, address: "127.0.0.1"}
	if v, ok := d.Config["address"]; ok {
		if l.address, ok = v.(string); !ok || l.address == "" {
			return nil, fault.New(fault.Invalid, "location %s: address is %v, expected a name or an IP address", d.Name, v)
		}
	}
	if err := p.load(); err != nil {
		return nil, fault.Wrap(err, "open location", d.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
	return l, nil
}

// Actions gives the steps of this provider.
func (p *Provider) Actions() []action.Action {
	return []action.Action{
		{Name: "run-command", Doc: "Runs a shell command on this machine and waits for its end.", Run: p.runCommand},
		{Name: "start-process", Doc: "Starts a process on this machine, or adopts the one that runs.", Run: p.startProcess},
		{Name: "check-process", Doc: "Fails unless the entity's process runs.", Run: p.checkProcess},
		{Name: "stop-process", Doc: "Stops the entity's process and everything that it started.", Run: p.stopProcess},
	}
}

// Close ends the goroutines that follow processes. The processes go on, and
// are adopted when the provider, or that of the next server, is used again.
func (p *Provider) Close() error {
	p.mu.Lock()
	if p.cancel != nil {
		p.cancel()
	}
	p.ctx, p.cancel = nil, nil
	p.mu.Unlock()
	p.followers.Wait()
	return nil
}

// load reads the records that are there and adopts what lives, unless that is
// done already. An error is tried again by the next call.
func (p *Provider) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx != nil {
		return nil
	}
	if err := supported(); err != nil {
		return fault.New(fault.Unavailable, "processes need Linux 5.3 or newer: %w", err)
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	dirs, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	entities := map[string]*tracked{}
	for _, d := range dirs {
		if strings.HasPrefix(d.Name(), removedPrefix) { // its removal was cut short
			if err := os.RemoveAll(filepath.Join(p.dir, d.Name())); err != nil {
				return err
			}
			continue
		}
		t := newTracked(d.Name(), filepath.Join(p.dir, d.Name()))
		t.rec, err = readRecord(t.dir)
		if errors.Is(err, os.ErrNotExist) {
			continue // not a run directory, or one that was being made
		} else if err != nil {
			return err
		}
		entities[t.entity] = t
	}
	p.entities = entities
	p.ctx, p.cancel = context.WithCancel(context.Background()) // a life of its own, ended by Close
	for _, t := range entities {
		if err := p.adopt(t); err != nil {
			p.cancel()
			p.ctx, p.cancel = nil, nil
			return fault.Wrap(err, "adopt process of", t.entity)
		}
	}
	return nil
}

// local is this machine as a location.
type local struct {
	provider *Provider
	address  string
	closed   bool // guarded by Provider.mu
}

// Hosts gives the one machine.
func (l *local) Hosts(context.Context) ([]location.Host, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, fault.As(err, fault.Unavailable)
	}
	return []location.Host{{
		ID: kind, Address: l.address, Name: name, Up: true,
		CPUs: float64(runtime.NumCPU()), Memory: machineMemory(),
	}}, nil
}

// Present gives the resource of each entity that was started and not stopped.
// Whether it still runs, and if not, why, is what Watch tells first.
func (l *local) Present(context.Context) (map[string]string, error) {
	present := map[string]string{}
	for _, t := range l.provider.all() {
		if s := t.process(); s != nil {
			present[t.entity] = s.ident.String()
		}
	}
	return present, nil
}

// Close closes the provider when this was its last open location.
func (l *local) Close() error {
	p := l.provider
	p.mu.Lock()
	if !l.closed {
		l.closed = true
		p.open--
	}
	last := p.open == 0
	p.mu.Unlock()
	if last {
		return p.Close()
	}
	return nil
}

// Interfaces that the engine finds by assertion.
var _ location.Location = (*local)(nil)
