package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// networkName is the bridge network of an application on each host.
func networkName(application string) string { return "gowanus-" + strings.ToLower(application) }

// bridge makes sure that the host has the network of an application. Several
// creators, here or in other processes, may come at the same time.
func (h *host) bridge(ctx context.Context, plane, application string) error {
	name := networkName(application)
	_, _, err := h.networks.get(ctx, name, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, h.makeBridge(ctx, name, plane, application)
	})
	return err
}

func (h *host) makeBridge(ctx context.Context, name, plane, application string) error {
	n, err := h.network(ctx, name)
	if errors.Is(err, errNoNetwork) {
		err = h.act(ctx, "network.create", h.limits.Deadlines.Create, "create network "+name, func(ctx context.Context, d daemon) error {
			return d.CreateNetwork(ctx, name, map[string]string{LabelPlane: plane, LabelApplication: application})
		})
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
		n, err = h.network(ctx, name) // somebody was faster
	}
	if err != nil {
		return err
	}
	if n.Labels[LabelPlane] != plane || n.Labels[LabelApplication] != application {
		return fault.New(fault.Conflict, "network %s on host %q belongs to something else: its labels are %v", name, h.id(), n.Labels)
	}
	return nil
}

func (h *host) network(ctx context.Context, name string) (network, error) {
	return ask(ctx, h, h.limits.Deadlines.Inspect, "inspect network "+name, func(ctx context.Context, d daemon) (network, error) {
		return d.Network(ctx, name)
	})
}

// Waits between two attempts to remove a network that is in use.
const (
	firstDetachWait = 50 * time.Millisecond
	lastDetachWait  = time.Second
)

// clean removes the networks with the labels.
func (h *host) clean(ctx context.Context, labels ...string) error {
	list, err := ask(ctx, h, h.limits.Deadlines.Inspect, "list networks", func(ctx context.Context, d daemon) ([]network, error) {
		return d.Networks(ctx, labels...)
	})
	if err != nil {
		return err
	}
	for _, n := range list {
		h.networks.forget(n.Name)
		if err := h.removeNetwork(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) removeNetwork(ctx context.Context, n network) error {
	for wait := firstDetachWait; ; wait = min(2*wait, lastDetachWait) {
		err := h.act(ctx, "network.remove", h.limits.Deadlines.Remove, "remove network "+n.Name, func(ctx context.Context, d daemon) error {
			return d.RemoveNetwork(ctx, n.ID)
		})
		switch fault.KindOf(err) {
		case fault.NotFound:
			return nil
		case fault.Precondition: // a container is still being taken away
		default:
			return err
		}
		if gone := pause(ctx, wait); gone != nil {
			return fault.As(fmt.Errorf("%w; gave up: %w", err, gone), fault.KindOf(gone))
		}
	}
}
