package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

func (p *Provider) startContainer(ctx context.Context, c *action.Call) (any, error) {
	if in := newInput("start-container", c.Input); in.err != nil {
		return nil, in.err
	}
	h, err := p.host(ctx, "start-container", c)
	if err != nil {
		return nil, err
	}
	id := c.Lease.Resource
	if id == "" {
		return nil, fault.New(fault.Precondition, "start-container: the entity has no container: create-container comes first")
	}
	if err := h.start(ctx, p.config.Plane, id, c); err != nil {
		return nil, err
	}
	// A container whose command cannot work mostly ends within this time.
	if err := pause(ctx, h.limits.Settle); err != nil {
		return nil, err
	}
	now, err := h.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	if failed := now.Status != running && now.Status != paused && now.ExitCode != 0; failed {
		return nil, h.crashed(ctx, now, c)
	}
	return h.startOutput(now, networkName(c.Entity.Application)), nil
}

func (h *host) start(ctx context.Context, plane, id string, c *action.Call) error {
	release, err := h.slot(ctx, c)
	if err != nil {
		return err
	}
	defer release()
	once := func() error {
		return h.act(ctx, "start", h.limits.Deadlines.Start, fmt.Sprintf("start container %.12s", id), func(ctx context.Context, d daemon) error {
			return d.Start(ctx, id)
		})
	}
	err = once()
	if errors.Is(err, errNoNetwork) { // somebody removed it since the container was created
		h.networks.forget(networkName(c.Entity.Application))
		if err = h.bridge(ctx, plane, c.Entity.Application); err == nil {
			err = once()
		}
	}
	return err
}

// crashed makes the error for a container that ended with a failure.
func (h *host) crashed(ctx context.Context, now container, c *action.Call) error {
	tail, err := ask(ctx, h, h.limits.Deadlines.Inspect, "read the log", func(ctx context.Context, d daemon) (string, error) {
		return d.Log(ctx, now.ID, h.limits.LogLines)
	})
	if tail = strings.TrimSpace(tail); tail == "" {
		tail = "(it wrote nothing)"
	}
	if err != nil {
		tail = err.Error()
	}
	if c.Err != nil {
		fmt.Fprintln(c.Err, tail)
	}
	return fault.New(fault.OnFire, "container %q on host %q %s right after it was started; the end of its output:\n%s",
		now.Name, h.id(), exited(now.ExitCode, now.OutOfMem), tail)
}

// exited says for users how a container ended.
func exited(code int, outOfMemory bool) string {
	if outOfMemory {
		return fmt.Sprintf("ran out of memory and exited with code %d", code)
	}
	return fmt.Sprintf("exited with code %d", code)
}

// startOutput tells how a container can be reached.
func (h *host) startOutput(c container, own string) map[string]any {
	addresses := []any{}
	for _, network := range slices.Sorted(maps.Keys(c.Addresses)) {
		if network == own {
			addresses = slices.Insert(addresses, 0, any(c.Addresses[network]))
		} else {
			addresses = append(addresses, c.Addresses[network])
		}
	}
	ports := map[string]any{}
	for p, bound := range c.Ports {
		if hostPort := lowest(bound); hostPort != 0 {
			ports[p] = map[string]any{"hostPort": hostPort, "hostAddress": h.config.address}
		}
	}
	return map[string]any{
		"id": c.ID, "name": c.Name, "hostname": c.Hostname,
		"addresses": addresses, "subnetAddress": c.Addresses[own],
		"hostAddress": h.config.address, "ports": ports,
	}
}

// lowest gives the same one of several host ports each time; engines list a
// port once more for IPv6.
func lowest(ports []string) int {
	best := 0
	for _, s := range ports {
		if n, err := strconv.Atoi(s); err == nil && n > 0 && (best == 0 || n < best) {
			best = n
		}
	}
	return best
}
