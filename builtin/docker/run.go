package docker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/builtin/command"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// LabelStep is on the containers that the step container runs: the id of the
// workflow and the number of the step in it.
const LabelStep = "org.gowanus.step"

// runContainer is the step container: it runs one to its end and removes it.
// When the step is repeated after a crash, the container of the earlier attempt
// is adopted, so that what it does happens once.
func (p *Provider) runContainer(ctx context.Context, c *action.Call) (any, error) {
	keys, err := command.Read("container", c.Input, "image", "args", "pull_image", "location")
	if err != nil {
		return nil, err
	}
	s, pull, err := p.stepSpec(keys, c)
	if err != nil {
		return nil, err
	}
	h, own, err := p.stepHost(ctx, c)
	if err != nil {
		return nil, err
	}
	if own { // beside the entity's own container
		s.Network = networkName(c.Entity.Application)
		if err := h.bridge(ctx, p.config.Plane, c.Entity.Application); err != nil {
			return nil, err
		}
	}
	if err := s.seal(); err != nil {
		return nil, err
	}
	if err := h.provide(ctx, s.Image, pull, c); err != nil {
		return nil, err
	}
	defer block(c, fmt.Sprintf("the end of container %q on host %q", s.Name, h.id()))()
	streams := keys.Streams(c.Out, c.Err)
	ended, err := h.complete(ctx, p.config.Plane, s, c, streams)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	out, err := keys.Result(ctx, streams, ended.ExitCode)
	if err != nil && ended.OutOfMem {
		return nil, fault.New(fault.KindOf(err), "%w (it ran out of memory)", err)
	}
	return out, err
}

// pulls are the values of pull_image.
var pulls = []string{"if-not-present", "always", "never"}

// stepSpec makes the request for the container of a step, without its network
// and hash.
func (p *Provider) stepSpec(keys *command.Keys, c *action.Call) (s *spec, pull string, err error) {
	in := &input{step: "container", keys: c.Input}
	step := c.Workflow + "/" + strconv.Itoa(c.Step)
	sum := sha256.Sum256([]byte(p.config.Plane + "\x00" + step))
	s = &spec{
		Name: "gowanus-step-" + hex.EncodeToString(sum[:8]), Image: in.image(), Restart: "no", Network: "bridge",
		Labels: map[string]string{LabelPlane: p.config.Plane, LabelApplication: c.Entity.Application, LabelStep: step},
	}
	for _, name := range slices.Sorted(maps.Keys(keys.Env)) {
		s.Env = append(s.Env, name+"="+keys.Env[name])
	}
	args := in.words("args")
	switch v := c.Input["command"].(type) {
	case []any:
		s.Entrypoint, s.Command = in.words("command"), args
	default:
		text, err := keys.Text("command")
		if err != nil {
			return nil, "", err
		}
		if s.Command = args; v != nil && text != "" { // the arguments are $1, $2, …
			s.Entrypoint, s.Command = []string{"/bin/sh"}, append([]string{"-c", text, "sh"}, args...)
		}
	}
	if pull = cmp.Or(in.text("pull_image"), pulls[0]); !slices.Contains(pulls, pull) {
		in.fail("pull_image", "must be one of %s, is %q", strings.Join(pulls, ", "), pull)
	}
	return s, pull, in.err
}

// words is a list of texts and of what prints as one; a text alone is one.
func (in *input) words(key string) []string {
	list, isList := in.keys[key].([]any)
	if v := in.keys[key]; !isList && v != nil {
		list = []any{v}
	}
	var out []string
	for i, v := range list {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case nil, []any, map[string]any:
			in.fail(fmt.Sprintf("%s[%d]", key, i), "must be a string, is %v", v)
		default:
			out = append(out, fmt.Sprint(v))
		}
	}
	return out
}

// stepHost finds where a step's container runs: on a host of the location that
// is named, else on the host of the entity (own is true then), else on the only
// location there is.
func (p *Provider) stepHost(ctx context.Context, c *action.Call) (h *host, own bool, err error) {
	in := &input{step: "container", keys: c.Input}
	name := in.text("location")
	switch {
	case in.err != nil:
		return nil, false, in.err
	case name == "" && c.Lease != nil && c.Lease.Kind == Kind:
		h, err = p.host(ctx, "container", c)
		return h, true, err
	}
	p.mu.Lock()
	names := slices.Sorted(maps.Keys(p.open))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	l := p.open[name]
	p.mu.Unlock()
	switch {
	case l != nil:
		h, err = l.upHost(ctx)
		return h, false, err
	case name != "":
		return nil, false, fault.New(fault.NotFound, "container: there is no docker location %q", name)
	case len(names) == 0:
		return nil, false, fault.New(fault.Precondition, "container: there is no docker location to run it on")
	}
	return nil, false, fault.New(fault.Precondition, "container: the entity has no docker host: the key location says where to run it, as one of %s", strings.Join(names, ", "))
}

// upHost gives the first host that answers.
func (l *Location) upHost(ctx context.Context) (*host, error) {
	var errs []error
	for _, h := range l.hosts {
		s := h.look(ctx, l.config.Fresh)
		if s.err == nil {
			return h, nil
		}
		errs = append(errs, s.err)
	}
	return nil, l.join("find a host", errs)
}

// provide makes sure of the image in the way that pull_image says.
func (h *host) provide(ctx context.Context, image, pull string, c *action.Call) error {
	switch pull {
	case "always":
		defer block(c, fmt.Sprintf("pulling image %s to host %q", image, h.id()))()
		h.images.forget(image)
		return h.pull(ctx, image, c.Out)
	case "never":
		_, err := h.imageID(ctx, image)
		return err
	}
	_, _, err := h.image(ctx, image, c)
	return err
}

// complete creates a container, or adopts it, sees it to its end, and removes
// it whatever happens.
func (h *host) complete(ctx context.Context, plane string, s *spec, c *action.Call, streams *command.Streams) (ended container, err error) {
	id := ""
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*h.limits.Deadlines.Remove)
		defer cancel()
		if failed := h.discard(cleanup, id, s); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	patient, done := outlive(ctx, h.limits.Deadlines.Remove)
	defer done()
	if id, err = h.create(patient, s, c); err != nil {
		return ended, err
	}
	now, err := h.inspect(ctx, id)
	if err != nil {
		return ended, err
	}
	if now.Status == created {
		if err := h.start(ctx, plane, id, c); err != nil {
			return ended, err
		}
	}
	return h.follow(ctx, id, now.over(), streams)
}

// outlive gives a context that ends some time after ctx does: a daemon goes on
// with a creation that nobody waits for, and what it makes then would be left.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { late.Stop() })
	})
	return longer, func() { stop(); cancel() }
}

// discard removes the container of a step. Its id is not known when the wait
// for its creation was given up.
func (h *host) discard(ctx context.Context, id string, s *spec) error {
	if id == "" {
		found, err := h.inspect(ctx, s.Name)
		if err != nil || found.Labels[LabelPlane] != s.Labels[LabelPlane] || found.Labels[LabelStep] != s.Labels[LabelStep] {
			return nil // why there is none was told already
		}
		id = found.ID
	}
	if err := h.remove(ctx, id); fault.KindOf(err) != fault.NotFound {
		return err
	}
	return nil
}

// followAttempts bounds how often in a row contact may be lost to a container
// that is followed.
const followAttempts = 10

// follow passes on what a container writes until it ends. An engine that follows
// the output of a container that is ending may stop before its last lines, so
// what one that is over has written is read once more.
func (h *host) follow(ctx context.Context, id string, over bool, streams *command.Streams) (container, error) {
	wait := firstDetachWait
	for lost := 0; ; wait = min(2*wait, h.limits.Backoff) {
		err := h.logs(ctx, id, streams)
		now, looked := h.inspect(ctx, id)
		switch {
		case ctx.Err() != nil:
			return now, context.Cause(ctx)
		case looked == nil && now.over() && (over && err == nil || lost >= followAttempts):
			return now, nil
		case looked == nil && now.over() && err == nil:
			over, wait = true, 0
		case fault.KindOf(looked) == fault.NotFound:
			return now, fault.New(fault.Unavailable, "container: somebody removed container %.12s on host %q while it ran", id, h.id())
		case looked == nil && err == nil:
			lost = 0
		default:
			if lost++; lost > followAttempts {
				return now, cmp.Or(looked, err)
			}
		}
		streams.Out.Again()
		streams.Err.Again()
		if err := pause(ctx, wait); err != nil {
			return now, context.Cause(ctx)
		}
	}
}

// over tells whether a container ran and ended.
func (c *container) over() bool {
	switch c.Status {
	case created, running, paused, restarting:
		return false
	}
	return true
}

// logs follows the output of a container, which may take any time.
func (h *host) logs(ctx context.Context, id string, streams *command.Streams) error {
	d, err := h.daemon()
	if err != nil {
		return err
	}
	return d.Follow(ctx, id, streams.Out, streams.Err)
}

// cleanSteps removes what steps of an application left behind when the server
// was killed and they were not repeated.
func (h *host) cleanSteps(ctx context.Context, labels ...string) error {
	list, err := h.list(ctx, labels...)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Labels[LabelStep] == "" {
			continue
		}
		if err := h.remove(ctx, c.ID); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}
