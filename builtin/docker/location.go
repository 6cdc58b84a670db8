package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Labels that Hosts adds to those of the configuration and of the engine.
const (
	LabelVersion = "docker.version"     // the engine's version
	LabelReason  = "org.gowanus.reason" // why a host is not up
)

// Location is a set of Docker engines that are used as one place.
type Location struct {
	name     string
	config   Config
	provider *Provider
	hosts    []*host
}

var (
	_ location.Location = (*Location)(nil)
	_ location.Measurer = (*Location)(nil)
)

// each runs do for every host at the same time and waits for all of them.
func (l *Location) each(do func(i int, h *host)) {
	var wg sync.WaitGroup
	for i, h := range l.hosts {
		wg.Go(func() { do(i, h) })
	}
	wg.Wait()
}

// Hosts gives the machines in the order of the definition. What it tells is
// at most Config.Fresh old; engines that have to be asked are asked at the
// same time. One that does not answer is not up, with LabelReason set.
func (l *Location) Hosts(ctx context.Context) ([]location.Host, error) {
	return l.hostsBy(ctx, func(h *host) { h.look(ctx, l.config.Fresh) }, func(h *host) bool { return h.fresh(l.config.Fresh) })
}

// hostsBy gives the machines after those that are not ready did what makes
// them so.
func (l *Location) hostsBy(ctx context.Context, do func(*host), ready func(*host) bool) ([]location.Host, error) {
	var wg sync.WaitGroup
	unnamed := false
	for _, h := range l.hosts {
		unnamed = unnamed || h.config.name == ""
		if !ready(h) { // a goroutine for each of thousands would take longer than the rest
			wg.Go(func() { do(h) })
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	hosts := make([]location.Host, len(l.hosts))
	for i, h := range l.hosts {
		hosts[i] = h.public()
	}
	if unnamed {
		l.tellApart(hosts)
	}
	return hosts, nil
}

// tellApart puts those out of use that call themselves like one before.
func (l *Location) tellApart(hosts []location.Host) {
	seen := make(map[string]bool, len(hosts))
	for i := range hosts {
		h := &hosts[i]
		if seen[h.ID] {
			h.Labels = maps.Clone(h.Labels) // it is the host's own
			h.Labels[LabelReason] = fmt.Sprintf("another host of the location calls itself %q too: give them names", h.ID)
			h.ID, h.Up, h.Revision = l.hosts[i].config.url, false, 0
		}
		seen[h.ID] = true
	}
}

// public gives the public form of what is known. It is made anew only when
// that changed.
func (h *host) public() location.Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.described.Revision != 0 && !h.changed {
		return h.described
	}
	h.changed = false
	made := h.describe(h.seen)
	made.Revision = h.described.Revision
	if made.Revision == 0 || !reflect.DeepEqual(made, h.described) {
		made.Revision++
		h.described = made
	}
	return h.described
}

// describe makes the public form of a sighting. The lock is held.
func (h *host) describe(s sighting) location.Host {
	labels := map[string]string{}
	maps.Copy(labels, s.info.Labels)
	maps.Copy(labels, h.config.labels)
	for k, v := range labels {
		if v == "" { // placement takes no value for no label
			labels[k] = "true"
		}
	}
	if s.info.Version != "" {
		labels[LabelVersion] = s.info.Version
	}
	if s.err != nil {
		labels[LabelReason] = s.err.Error()
	}
	return location.Host{
		ID: h.ownID(), Address: h.config.address, Name: s.info.Name, Up: s.err == nil && h.asked,
		CPUs: float64(s.info.CPUs), Memory: s.info.Memory, Labels: labels, Usage: h.usage,
	}
}

// host finds a host by its id. Engines without a configured name may have to
// be asked for theirs.
func (l *Location) host(ctx context.Context, id string) (*host, error) {
	for _, h := range l.hosts {
		if h.id() == id {
			return h, nil
		}
	}
	silent := false
	for _, h := range l.hosts {
		if h.config.name != "" {
			continue
		}
		s := h.look(ctx, l.config.Fresh)
		if h.id() == id {
			return h, nil
		}
		silent = silent || s.err != nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if silent {
		return nil, fault.New(fault.Unavailable, "location %q: host %q is not among those that answer", l.name, id)
	}
	return nil, fault.New(fault.NotFound, "location %q has no host %q", l.name, id)
}

// Present gives the containers that carry the plane's name, running or not,
// as entity → container id. An error means that hosts did not answer: then
// what is on them is missing from the map and nothing follows from that.
func (l *Location) Present(ctx context.Context) (map[string]string, error) {
	lists, errs := make([][]container, len(l.hosts)), make([]error, len(l.hosts))
	l.each(func(i int, h *host) { lists[i], errs[i] = h.list(ctx, plane(l.config)) })
	present := map[string]string{}
	for _, c := range slices.Concat(lists...) {
		// An entity has two only when it moved while its old host was away.
		if e := c.Labels[LabelEntity]; e != "" && (present[e] == "" || c.Status == running) {
			present[e] = c.ID
		}
	}
	return present, l.join("list containers", errs)
}

// join makes one fault of what failed on some hosts.
func (l *Location) join(op string, errs []error) error {
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	return &fault.Error{Op: op + " of location", Entity: l.name, Kind: fault.KindOf(err), Err: err}
}

func plane(c Config) string { return LabelPlane + "=" + c.Plane }

func (h *host) list(ctx context.Context, labels ...string) ([]container, error) {
	return ask(ctx, h, h.limits.Deadlines.Inspect, "list containers", func(ctx context.Context, d daemon) ([]container, error) {
		return d.List(ctx, labels...)
	})
}

// Clean removes the networks of an application from all hosts, and containers
// that its steps left behind. While others are still attached to a network it
// waits, at most until ctx ends.
func (l *Location) Clean(ctx context.Context, application string) error {
	errs := make([]error, len(l.hosts))
	labels := []string{plane(l.config), LabelApplication + "=" + application}
	l.each(func(i int, h *host) {
		if errs[i] = h.cleanSteps(ctx, labels...); errs[i] == nil {
			errs[i] = h.clean(ctx, labels...)
		}
	})
	return l.join("remove networks", errs)
}

// Close ends all connections. The containers stay as they are.
func (l *Location) Close() error {
	l.provider.closed(l)
	var errs []error
	for _, h := range l.hosts {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
