package docker

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

func (p *Provider) pullImage(ctx context.Context, c *action.Call) (any, error) {
	in := newInput("pull-image", c.Input, "image")
	ref := in.image()
	if in.err != nil {
		return nil, in.err
	}
	h, err := p.host(ctx, "pull-image", c)
	if err != nil {
		return nil, err
	}
	id, pulled, err := h.image(ctx, ref, c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": id, "pulled": pulled}, nil
}

// image makes sure that the host has an image. pulled tells that this very
// call fetched it.
func (h *host) image(ctx context.Context, ref string, c *action.Call) (id string, pulled bool, err error) {
	id, _, err = h.images.get(ctx, ref, func(ctx context.Context) (string, error) {
		id, err := h.imageID(ctx, ref)
		if !errors.Is(err, errNoImage) {
			return id, err
		}
		done := block(c, fmt.Sprintf("pulling image %s to host %q", ref, h.id()))
		defer done()
		if err := h.pull(ctx, ref, c.Out); err != nil {
			return "", err
		}
		pulled = true
		return h.imageID(ctx, ref)
	})
	return id, pulled, err
}

func (h *host) imageID(ctx context.Context, ref string) (string, error) {
	return ask(ctx, h, h.limits.Deadlines.Inspect, "look for image "+ref, func(ctx context.Context, d daemon) (string, error) {
		return d.ImageID(ctx, ref)
	})
}

func (h *host) pull(ctx context.Context, ref string, out io.Writer) error {
	progress := func(line string) {
		if out != nil {
			fmt.Fprintln(out, line) // a stream that is gone must not fail the pull
		}
	}
	err := h.act(ctx, "pull", h.limits.Deadlines.Pull, "pull image "+ref, func(ctx context.Context, d daemon) error {
		return d.Pull(ctx, ref, progress)
	})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Forbidden: // registries hide what one may not read
		return fault.New(fault.NotFound, "no such image %s on host %q nor in its registry: %w", ref, h.id(), err)
	}
	return err
}
