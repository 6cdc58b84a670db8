package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

func (p *Provider) createContainer(ctx context.Context, c *action.Call) (any, error) {
	s, err := readSpec(ctx, c, p.config.Plane, p.lookup)
	if err != nil {
		return nil, err
	}
	h, err := p.host(ctx, "create-container", c)
	if err != nil {
		return nil, err
	}
	if err := h.bridge(ctx, p.config.Plane, c.Entity.Application); err != nil {
		return nil, err
	}
	id, err := h.create(ctx, s, c)
	if err != nil {
		return nil, err
	}
	if err := c.Hold(ctx, id); err != nil {
		return nil, err
	}
	return map[string]any{"id": id, "name": s.Name}, nil
}

// createAttempts bounds how often a create is tried after something that
// stood in its way was dealt with.
const createAttempts = 6

// create makes a container, or adopts the one that an equal request made.
// Nothing is asked before: it mostly is a first time.
func (h *host) create(ctx context.Context, s *spec, c *action.Call) (id string, err error) {
	release, err := h.slot(ctx, c)
	if err != nil {
		return "", err
	}
	defer release()
	what := fmt.Sprintf("create container %q", s.Name)
	wait := 20 * time.Millisecond
	for range createAttempts {
		err = h.act(ctx, "create", h.limits.Deadlines.Create, what, func(ctx context.Context, d daemon) (err error) {
			id, err = d.Create(ctx, s)
			return err
		})
		adopted := ""
		switch {
		case err == nil:
			return id, nil
		case errors.Is(err, errNoImage): // removed since it was seen here, or never looked for
			h.images.forget(s.Image)
			_, _, err = h.image(ctx, s.Image, c)
		case errors.Is(err, errNoNetwork):
			h.networks.forget(s.Network)
			err = h.bridge(ctx, s.Labels[LabelPlane], s.Labels[LabelApplication])
		case fault.KindOf(err) == fault.Conflict:
			adopted, err = h.settle(ctx, s)
		}
		if err != nil || adopted != "" {
			return adopted, err
		}
		if err := pause(ctx, wait); err != nil { // names are given back a little after removal
			return "", err
		}
		wait *= 2
	}
	return "", fault.New(fault.Unavailable, "%s on host %q: gave up after %d attempts", what, h.id(), createAttempts)
}

// settle deals with a container that has the name already: it gives the id of
// one that may be adopted, and removes one of ours that is different.
func (h *host) settle(ctx context.Context, s *spec) (adopted string, err error) {
	old, err := h.inspect(ctx, s.Name)
	if fault.KindOf(err) == fault.NotFound {
		return "", nil // it went away meanwhile
	}
	if err != nil {
		return "", err
	}
	for _, label := range [...]string{LabelPlane, LabelApplication, LabelEntity} {
		if old.Labels[label] != s.Labels[label] {
			return "", fault.New(fault.Conflict, "the name %q is taken on host %q by container %.12s: its label %s is %q, expected %q",
				s.Name, h.id(), old.ID, label, old.Labels[label], s.Labels[label])
		}
	}
	if old.Labels[LabelSpec] == s.Labels[LabelSpec] && old.Status != removing && old.Status != dead {
		return old.ID, nil
	}
	return "", h.remove(ctx, old.ID)
}

func (p *Provider) removeContainer(ctx context.Context, c *action.Call) (any, error) {
	if in := newInput("remove-container", c.Input); in.err != nil {
		return nil, in.err
	}
	return nil, p.forEach(ctx, "remove-container", c, func(h *host, id string) error { return h.remove(ctx, id) })
}

// stopGrace is how long a container may take to stop by itself.
const stopGrace = 10 * time.Second

func (p *Provider) stopContainer(ctx context.Context, c *action.Call) (any, error) {
	in := newInput("stop-container", c.Input, "timeout")
	grace := in.duration("timeout", stopGrace)
	if in.err != nil {
		return nil, in.err
	}
	return nil, p.forEach(ctx, "stop-container", c, func(h *host, id string) error { return h.stop(ctx, id, grace) })
}

// forEach does something to the container that the lease names, or, when it
// names none or one that is gone, to all that carry the entity's label: after
// a crash one may exist that was never recorded. There may be none at all.
func (p *Provider) forEach(ctx context.Context, step string, c *action.Call, do func(h *host, id string) error) error {
	h, err := p.host(ctx, step, c)
	if err != nil {
		return err
	}
	if id := c.Lease.Resource; id != "" {
		if err := do(h, id); fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	list, err := h.list(ctx, plane(p.config), LabelEntity+"="+c.Entity.ID)
	if err != nil {
		return err
	}
	for _, found := range list {
		if err := do(h, found.ID); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}

// stop asks a container to end and kills it after grace. NotFound tells that
// there is none.
func (h *host) stop(ctx context.Context, id string, grace time.Duration) error {
	return h.act(ctx, "stop", grace+h.limits.Deadlines.Stop, fmt.Sprintf("stop container %.12s", id), func(ctx context.Context, d daemon) error {
		return d.Stop(ctx, id, grace)
	})
}

// remove kills and deletes a container and waits until it is gone. NotFound
// tells that there was none.
func (h *host) remove(ctx context.Context, id string) error {
	err := h.act(ctx, "remove", h.limits.Deadlines.Remove, fmt.Sprintf("remove container %.12s", id), func(ctx context.Context, d daemon) error {
		return d.Remove(ctx, id)
	})
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	// Somebody else is removing it at this moment: see that through.
	within, cancel := context.WithTimeout(ctx, h.limits.Deadlines.Remove)
	defer cancel()
	for wait := firstDetachWait; ; wait = min(2*wait, lastDetachWait) {
		switch _, looked := h.inspect(within, id); {
		case fault.KindOf(looked) == fault.NotFound:
			return nil
		case looked != nil:
			return looked
		}
		if pause(within, wait) != nil {
			return err
		}
	}
}
