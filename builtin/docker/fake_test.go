package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
)

// fake is an engine in memory that obeys, unless a test put errors in its way.
type fake struct {
	mu         sync.Mutex
	calls      []string
	fail       map[string][]error // method → what its next calls answer; nil entries let one pass
	hang       map[string]bool    // methods that do not answer until ctx ends
	name       string
	images     map[string]string
	registry   map[string]string // what Pull finds
	containers map[string]*container
	networks   map[string]*network
	specs      map[string]*spec
	crash      map[string]int // container name → exit code right after start
	log        string
	follow     func(ctx context.Context, c *container, out, errors io.Writer) error // nil: the log, then the container ends
	attached   int                                                                  // attempts to remove a network that find it in use
	listening  []*subscription
	serial     int
	busy, most int // creates and starts under way
	gate       chan struct{}
	stats      stats
	labels     map[string]string // of the engine, beside zone and disk
}

type subscription struct {
	events chan event
	failed chan error
}

func newFake(name string) *fake {
	return &fake{
		name: name, fail: map[string][]error{}, hang: map[string]bool{},
		images: map[string]string{"redis:3": "sha256:redis"}, registry: map[string]string{},
		containers: map[string]*container{}, networks: map[string]*network{}, specs: map[string]*spec{}, crash: map[string]int{},
	}
}

func (f *fake) enter(ctx context.Context, method string, args ...any) error {
	f.mu.Lock()
	f.calls = append(f.calls, strings.TrimSpace(method+" "+strings.TrimSuffix(fmt.Sprintln(args...), "\n")))
	var err error
	if queue := f.fail[method]; len(queue) > 0 {
		err, f.fail[method] = queue[0], queue[1:]
	}
	hang := f.hang[method]
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// called gives the calls since the last time, and forgets them.
func (f *fake) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fake) Info(ctx context.Context) (info, error) {
	if err := f.enter(ctx, "Info"); err != nil {
		return info{}, err
	}
	labels := map[string]string{"zone": "engine", "disk": "ssd"}
	maps.Copy(labels, f.labels)
	return info{Name: f.name, CPUs: 2, Memory: 1 << 30, Version: "20.10.24", Labels: labels, Time: "now"}, nil
}

func (f *fake) Stats(ctx context.Context) (stats, error) {
	if err := f.enter(ctx, "Stats"); err != nil {
		return stats{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats, nil
}

func (f *fake) ImageID(ctx context.Context, ref string) (string, error) {
	if err := f.enter(ctx, "ImageID", ref); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, ok := f.images[ref]; ok {
		return id, nil
	}
	return "", fault.As(errNoImage, fault.NotFound)
}

func (f *fake) Pull(ctx context.Context, ref string, progress func(string)) error {
	if err := f.enter(ctx, "Pull", ref); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id, ok := f.registry[ref]
	if !ok {
		return fault.New(fault.NotFound, "manifest for %s not found", ref)
	}
	progress("pulled")
	f.images[ref] = id
	return nil
}

func (f *fake) Create(ctx context.Context, s *spec) (string, error) {
	defer f.work()()
	if err := f.enter(ctx, "Create", s.Name); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.images[s.Image]; !ok {
		return "", fault.As(errNoImage, fault.NotFound)
	}
	if f.find(s.Name) != nil {
		return "", fault.New(fault.Conflict, "name in use")
	}
	f.serial++
	c := &container{
		ID: fmt.Sprintf("c%d", f.serial), Name: s.Name, Hostname: s.Hostname, Labels: s.Labels, Status: created,
		Addresses: map[string]string{s.Network: fmt.Sprintf("172.18.0.%d", f.serial+1), "other": "10.0.0.1"}, Ports: map[string][]string{},
	}
	for i, p := range s.Ports {
		if p.Host == 0 {
			p.Host = 32768 + i
		}
		c.Ports[fmt.Sprint(p.Container)] = []string{fmt.Sprint(p.Host), fmt.Sprint(p.Host)}
	}
	f.containers[c.ID], f.specs[c.ID] = c, s
	return c.ID, nil
}

// work counts how many creates and starts are under way.
func (f *fake) work() (done func()) {
	f.mu.Lock()
	f.busy++
	f.most = max(f.most, f.busy)
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return func() { f.change(func() { f.busy-- }) }
}

func (f *fake) find(idOrName string) *container {
	for _, c := range f.containers {
		if c.ID == idOrName || c.Name == idOrName {
			return c
		}
	}
	return nil
}

// on runs do with a container, or fails when there is none.
func (f *fake) on(ctx context.Context, method, id string, do func(*container)) error {
	if err := f.enter(ctx, method, id); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.find(id)
	if c == nil {
		return fault.New(fault.NotFound, "no such container: %s", id)
	}
	do(c)
	return nil
}

func (f *fake) Inspect(ctx context.Context, id string) (found container, err error) {
	err = f.on(ctx, "Inspect", id, func(c *container) { found = *c })
	return found, err
}

func (f *fake) Start(ctx context.Context, id string) error {
	defer f.work()()
	return f.on(ctx, "Start", id, func(c *container) {
		c.Status = running
		if code, crashes := f.crash[c.Name]; crashes {
			c.Status, c.ExitCode = "exited", code
		}
	})
}

func (f *fake) Stop(ctx context.Context, id string, grace time.Duration) error {
	return f.on(ctx, "Stop", id, func(c *container) { c.Status = "exited" })
}

func (f *fake) Remove(ctx context.Context, id string) error {
	return f.on(ctx, "Remove", id, func(c *container) { delete(f.containers, c.ID) })
}

func carries(have map[string]string, want []string) bool {
	for _, l := range want {
		k, v, _ := strings.Cut(l, "=")
		if have[k] != v {
			return false
		}
	}
	return true
}

func (f *fake) List(ctx context.Context, labels ...string) ([]container, error) {
	if err := f.enter(ctx, "List", labels); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []container
	for _, c := range f.containers {
		if carries(c.Labels, labels) {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b container) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func (f *fake) Log(ctx context.Context, id string, lines int) (string, error) {
	return f.log, f.enter(ctx, "Log", id, lines)
}

func (f *fake) Follow(ctx context.Context, id string, out, errors io.Writer) error {
	if err := f.enter(ctx, "Follow", id); err != nil {
		return err
	}
	f.mu.Lock()
	c, follow := f.find(id), f.follow
	f.mu.Unlock()
	if follow == nil {
		fmt.Fprint(out, f.log)
		f.change(func() { c.Status = "exited" })
		return nil
	}
	return follow(ctx, c, out, errors)
}

func (f *fake) Network(ctx context.Context, name string) (network, error) {
	if err := f.enter(ctx, "Network", name); err != nil {
		return network{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.networks[name]; n != nil {
		return *n, nil
	}
	return network{}, fault.As(errNoNetwork, fault.NotFound)
}

func (f *fake) Networks(ctx context.Context, labels ...string) ([]network, error) {
	if err := f.enter(ctx, "Networks", labels); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []network
	for _, n := range f.networks {
		if carries(n.Labels, labels) {
			list = append(list, *n)
		}
	}
	return list, nil
}

func (f *fake) CreateNetwork(ctx context.Context, name string, labels map[string]string) error {
	if err := f.enter(ctx, "CreateNetwork", name); err != nil {
		return err
	}
	f.change(func() { f.networks[name] = &network{ID: "n-" + name, Name: name, Labels: labels} })
	return nil
}

func (f *fake) RemoveNetwork(ctx context.Context, id string) error {
	if err := f.enter(ctx, "RemoveNetwork", id); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.attached > 0 {
		f.attached--
		return fault.New(fault.Precondition, "%s has active endpoints", id)
	}
	delete(f.networks, strings.TrimPrefix(id, "n-"))
	return nil
}

func (f *fake) Events(ctx context.Context, since string, labels ...string) (<-chan event, <-chan error) {
	s := &subscription{events: make(chan event), failed: make(chan error, 1)}
	if err := f.enter(ctx, "Events", since, labels); err != nil {
		s.failed <- err
		return s.events, s.failed
	}
	f.change(func() { f.listening = append(f.listening, s) })
	return s.events, s.failed
}

// streams counts the event streams that were opened.
func (f *fake) streams() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.listening)
}

// emit sends an event to the latest subscriber.
func (f *fake) emit(e event) {
	f.mu.Lock()
	s := f.listening[len(f.listening)-1]
	f.mu.Unlock()
	s.events <- e
}

// cut ends the latest subscriber's stream.
func (f *fake) cut() {
	f.mu.Lock()
	s := f.listening[len(f.listening)-1]
	f.mu.Unlock()
	s.failed <- fault.As(io.EOF, fault.Unavailable)
}

func (f *fake) Close() error { return f.enter(context.Background(), "Close") }

// bench is a provider with one open location, "cloud", of fakes.
type bench struct {
	*Provider
	location *Location
	fakes    []*fake
	log      *bytes.Buffer
}

// setup opens the location "cloud" with a host lh1, lh2, … per fake.
func setup(t *testing.T, c Config, fakes ...*fake) *bench {
	t.Helper()
	log := &bytes.Buffer{}
	c.Plane, c.Log = "p1", slog.New(slog.NewTextHandler(log, nil))
	p := New(c)
	var hosts []any
	for i := range fakes {
		hosts = append(hosts, map[string]any{"name": fmt.Sprintf("lh%d", i+1), "host": fmt.Sprintf("tcp://10.77.0.%d:2376", 11+i), "labels": map[string]any{"zone": "a"}})
	}
	p.dial = func(h hostConfig, _ int) (daemon, error) {
		var n int
		if _, err := fmt.Sscanf(h.url, "tcp://10.77.0.%d:2376", &n); err != nil {
			return nil, err
		}
		return fakes[n-11], nil
	}
	l, err := p.Open(location.Definition{Name: "cloud", Kind: Kind, Config: map[string]any{"hosts": hosts}})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Provider: p, location: l.(*Location), fakes: fakes, log: log}
}

// call is a step run of the entity e1 of the application App1 on host lh1.
func call(input map[string]any) *action.Call {
	c := &action.Call{
		Entity: hook.Ref{ID: "e1", Application: "App1", PlanID: "redis", Name: "Redis", Type: "docker:redis:3"},
		Input:  input,
		Lease:  &location.Lease{Entity: "e1", Application: "App1", Location: "cloud", Kind: Kind, Host: "lh1"},
		Out:    &bytes.Buffer{}, Err: &bytes.Buffer{},
	}
	c.Hold = func(_ context.Context, resource string) error { c.Lease.Resource = resource; return nil }
	return c
}

// run runs a step by name.
func (b *bench) run(ctx context.Context, step string, c *action.Call) (any, error) {
	for _, a := range b.Actions() {
		if a.Name == step {
			return a.Run(ctx, c)
		}
	}
	return nil, fmt.Errorf("no step %q", step)
}

func (b *bench) mustRun(t *testing.T, step string, c *action.Call) any {
	t.Helper()
	out, err := b.run(t.Context(), step, c)
	if err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	return out
}

// wantErr checks an error's kind and whole text.
func wantErr(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s: %s", kind, text)
	}
	if err.Error() != text || fault.KindOf(err) != kind {
		t.Errorf("got  %s: %s\nwant %s: %s", fault.KindOf(err), err, kind, text)
	}
}

// wantCalls checks what an engine was asked since the last time.
func wantCalls(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if got := f.called(); !slices.Equal(got, want) {
		t.Errorf("calls:\n got %q\nwant %q", got, want)
	}
}
