package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// Where a run goes on after steps.
const (
	tokenPlaced  = "placed"  // the targets of links are up and the host is known
	tokenStarted = "started" // the container runs
	tokenStopped = "stopped" // the container is gone for good
	tokenAgain   = "again"   // the container is gone, to be replaced
)

// start answers the first question of each effector.
func start(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	switch c.Effector {
	case "start":
		steps, err := obtain(c)
		return gowanus.Decision{Steps: steps}, err
	case "stop":
		return gowanus.Decision{Steps: append(remove(c), gowanus.Step{Step: "release-host"}, gowanus.Step{Continue: tokenStopped})}, nil
	case "restart":
		// What is wrong with the config must be said before anything is removed.
		if _, err := obtain(c); err != nil {
			return gowanus.Decision{}, err
		}
		return gowanus.Decision{Steps: append(remove(c), gowanus.Step{Continue: tokenAgain})}, nil
	}
	return gowanus.Decision{}, unknown(c)
}

// goOn answers after steps.
func goOn(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	switch c.Token {
	case tokenPlaced:
		steps, err := create(c)
		return gowanus.Decision{Steps: steps}, err
	case tokenStarted:
		return gowanus.Decision{Sensors: published(c)}, nil
	case tokenStopped:
		return gowanus.Decision{Sensors: cleared(c)}, nil
	case tokenAgain:
		steps, err := obtain(c)
		return gowanus.Decision{Sensors: cleared(c), Steps: steps}, err
	}
	return gowanus.Decision{}, unknown(c)
}

func unknown(c *gowanus.EffectorCall) error {
	return &gowanus.Error{Kind: "invalid", Message: "a container has no effector " + c.Effector + " that goes on with " + strconv.Quote(c.Token)}
}

// request reads the config into the input of create-container, but for links.
func request(c *gowanus.EffectorCall) (map[string]any, []link, error) {
	r := &reader{config: c.Entity.Config}
	image := r.image(imageType(c))
	in := map[string]any{
		"image": image, "name": containerName(r, &c.Entity, image), "env": r.environment(), "privileged": r.flag(keyPrivileged),
	}
	bindings := r.bindings()
	if len(bindings) > 0 {
		in["portBindings"] = document(bindings)
	}
	var open []any
	for _, p := range r.ports(keyOpenPorts) {
		if !slices.Contains(slices.Collect(maps.Values(bindings)), p) { // bound already
			open = append(open, p)
		}
	}
	if open != nil {
		in["openPorts"] = open
	}
	if mounts := r.mounts(); len(mounts) > 0 {
		in["volumes"] = mounts
	}
	for _, list := range []struct{ name, key string }{{"command", keyCommands}, {"entrypoint", keyEntrypoint}} {
		if texts := r.texts(list.key); texts != nil {
			in[list.name] = texts
		}
	}
	if n := r.number(keyMemory, "a size in bytes above 0"); n > 0 {
		in["memory"] = n
	}
	if n := r.number(keyCPUShares, "a whole number above 0"); n > 0 {
		in["cpuShares"] = n
	}
	links := r.links(&c.Entity)
	return in, links, r.err
}

// imageType gives the type that may name the image, "docker:redis:3".
func imageType(c *gowanus.EffectorCall) string {
	if strings.HasPrefix(c.Entity.Type, prefix) {
		return c.Entity.Type
	}
	return c.Type
}

// obtain gives the first steps of a start: the targets of links, then a host.
// The whole config is checked before.
func obtain(c *gowanus.EffectorCall) ([]gowanus.Step, error) {
	in, links, err := request(c)
	if err != nil {
		return nil, err
	}
	if c.Location != nil && c.Location.Kind != "docker" {
		return nil, &gowanus.Error{Kind: "invalid", Message: c.Entity.Name + " is a container and needs a location of kind docker; " +
			c.Location.Name + " is of kind " + c.Location.Kind}
	}
	demand := map[string]any{}
	for _, key := range []string{"memory", "cpuShares"} {
		if in[key] != nil {
			demand[key] = in[key]
		}
	}
	if bindings, ok := in["portBindings"].(map[string]any); ok {
		var ports []any
		for _, p := range slices.Sorted(maps.Keys(bindings)) {
			n, _ := strconv.Atoi(p)
			ports = append(ports, n)
		}
		demand["ports"] = ports
	}
	return append(waitSteps(links),
		gowanus.Step{ID: "host", Step: "obtain-host", Input: map[string]any{"demand": demand}},
		gowanus.Step{Continue: tokenPlaced}), nil
}

// create gives the steps that make the container run.
func create(c *gowanus.EffectorCall) ([]gowanus.Step, error) {
	in, links, err := request(c)
	if err != nil {
		return nil, err
	}
	name, _ := in["name"].(string)
	l, err := resolve(c, links, name)
	if err != nil {
		return nil, err
	}
	maps.Copy(in["env"].(map[string]any), l.env)
	if l.inputs != nil {
		in["links"] = l.inputs
	}
	return []gowanus.Step{
		{ID: "image", Step: "pull-image", Input: map[string]any{"image": in["image"]}},
		{Step: "create-container", Input: in},
		{ID: "container", Step: "start-container", Timeout: c.Entity.Config.String(keyStartTimeout)},
		{Continue: tokenStarted},
	}, nil
}

// remove gives the steps that end the container. What never got a host has
// nothing to end there.
func remove(c *gowanus.EffectorCall) []gowanus.Step {
	stop := map[string]any{}
	if t := c.Entity.Config.String(keyStopTimeout); t != "" {
		stop["timeout"] = strings.ReplaceAll(t, " ", "") // "1m 30s" is 1m30s to the step
	}
	placed := func(step string, input map[string]any) gowanus.Step {
		return gowanus.Step{Step: "if-placed", Input: map[string]any{"step": step, "input": input}}
	}
	return []gowanus.Step{placed("stop-container", stop), placed("remove-container", map[string]any{})}
}
