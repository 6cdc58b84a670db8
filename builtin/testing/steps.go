package testing

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Actions gives the steps of this package.
func Actions() []action.Action {
	return []action.Action{
		{Name: "test-sensor", Doc: "wait until a sensor is as expected, and fail when it does not come to that", Run: testSensor},
		{Name: "test-effector", Doc: "invoke an effector, and fail when its result is not as expected", Run: testEffector},
		{Name: "test-http", Doc: "ask an address by HTTP until the answer is as expected", Run: testHTTP},
		{Name: "test-endpoint", Doc: "connect to an address by TCP until that is, or is not, possible", Run: testEndpoint},
		{Name: "test-members", Doc: "give the members of the group that is tested", Run: testMembers},
	}
}

// target gives the entity that is tested.
func target(ctx context.Context, c *action.Call) (action.Entity, error) {
	v := c.Input["target"]
	if v == nil {
		v = c.Input["targetId"]
	}
	if v == nil {
		return nil, fault.New(fault.Invalid, "%s does not say what is tested: expected target or targetId", c.Entity.Name)
	}
	patience, err := coerce.Duration(c.Input["targetResolutionTimeout"])
	if err != nil || patience <= 0 {
		return c.World.Entity(v)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.World.Appear(ctx, v)
}

// described gives the output of a step that tested an entity.
func described(of action.Entity, value any) map[string]any {
	r := of.Ref()
	return map[string]any{"id": r.ID, "name": r.Name, "type": r.Type, "value": value}
}

// testSensor looks at the sensor at each of its events.
func testSensor(ctx context.Context, c *action.Call) (any, error) {
	of, err := target(ctx, c)
	if err != nil {
		return nil, err
	}
	t, wanted, err := readTest(c.Input)
	if err != nil {
		return nil, err
	}
	abort, err := readAssertions(c.Input["abortConditions"])
	if err != nil {
		return nil, fault.New(fault.Invalid, "abortConditions: %w", err)
	}
	name := coerce.Text(c.Input["sensor"])
	what := "sensor " + name + " of " + of.Ref().Name
	wake := make(chan struct{}, 1)
	poke := func(event.Event) {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	defer of.Subscribe(name, poke).Cancel()
	defer of.Subscribe(entity.ServiceState, poke).Cancel() // also when it is removed
	var value any
	err = t.until(ctx, c, what, wake, func(_ context.Context, _ int) error {
		value, _ = of.Sensor(name)
		if of.Gone() {
			return final{fault.New(fault.NotFound, "%s was removed while its sensor %s was tested", of.Ref().Name, name)}
		}
		for _, a := range abort {
			if a.holds(value) {
				return final{fault.New(fault.Precondition, "%s is %s, which ends the test: %s %s", what, shown(name, value), a.word, shown(name, a.want))}
			}
		}
		return verify(wanted, what, name, value)
	})
	return described(of, value), err
}

// testEffector invokes the effector, again if that is allowed.
func testEffector(ctx context.Context, c *action.Call) (any, error) {
	of, err := target(ctx, c)
	if err != nil {
		return nil, err
	}
	t, wanted, err := readTest(c.Input)
	if err != nil {
		return nil, err
	}
	name := coerce.Text(c.Input["effector"])
	args, _ := c.Input["params"].(map[string]any)
	what := "effector " + name + " of " + of.Ref().Name
	var value any
	err = t.until(ctx, c, what, nil, func(ctx context.Context, n int) error {
		var err error
		value, err = c.World.Invoke(ctx, of, name, args, n)
		switch {
		case err != nil && ctx.Err() != nil:
			return fault.New(fault.Timeout, "%s gave no result", what)
		case fault.KindOf(err) == fault.NotFound:
			return final{err}
		case err != nil:
			return fault.New(fault.KindOf(err), "%s failed: %w", what, err)
		}
		return verify(wanted, "result of "+what, name, value)
	})
	return described(of, entity.Document(value)), err
}

// testHTTP asks again until the answer is as expected.
func testHTTP(ctx context.Context, c *action.Call) (any, error) {
	t, wanted, err := readTest(c.Input)
	if err != nil {
		return nil, err
	}
	address := coerce.Text(c.Input["url"])
	part := map[string]string{"body": "content", "status": "status_code"}[coerce.Text(c.Input["applyAssertionTo"])]
	if part == "" {
		return nil, fault.New(fault.Invalid, "applyAssertionTo: expected body or status, not %v", c.Input["applyAssertionTo"])
	}
	in := map[string]any{"endpoint": address, "status_code": map[string]any{"when": "always"}}
	for _, key := range []string{"method", "headers", "body", "confine"} {
		if v := c.Input[key]; v != nil {
			in[key] = v
		}
	}
	var value any
	err = t.until(ctx, c, address, nil, func(ctx context.Context, _ int) error {
		out, err := c.World.Run(ctx, "http", in)
		if err != nil {
			return fault.New(fault.KindOf(err), "no answer of %s: %w", address, err)
		}
		doc, _ := out.(map[string]any)
		value = doc[part]
		return verify(wanted, coerce.Text(c.Input["applyAssertionTo"])+" of "+address, address, value)
	})
	return map[string]any{"value": value}, err
}

// connecting is the longest that one attempt to connect takes.
const connecting = 5 * time.Second

// testEndpoint connects again until that works or, when it is to be so, fails.
func testEndpoint(ctx context.Context, c *action.Call) (any, error) {
	t, err := readTrial(c.Input)
	if err != nil {
		return nil, err
	}
	reachable, err := wantsReachable(c.Input["assert"])
	if err != nil {
		return nil, err
	}
	address, err := endpoint(ctx, c)
	if err != nil {
		return nil, err
	}
	var to string
	err = t.until(ctx, c, "the endpoint", nil, func(ctx context.Context, _ int) error {
		var err error
		if to, err = address(); err != nil {
			return err
		}
		return connect(ctx, c, to, reachable)
	})
	return map[string]any{"value": to}, err
}

// connect tells whether an address can, or cannot, be connected to.
func connect(ctx context.Context, c *action.Call, to string, reachable bool) error {
	answer, err := c.World.Run(ctx, "check-endpoint", map[string]any{"endpoint": to, "timeout": connecting.String(), "confine": c.Input["confine"]})
	if err != nil {
		return err
	}
	out, _ := answer.(map[string]any)
	is, _ := out["reachable"].(bool)
	switch {
	case reachable && !is:
		return fault.New(fault.Unavailable, "%s expected reachable, but found it is not: %v", to, out["error"])
	case !reachable && is:
		return fault.New(fault.Precondition, "%s expected not reachable, but found that it is", to)
	}
	return nil
}

// wantsReachable reads the one condition that endpoints have.
func wantsReachable(v any) (bool, error) {
	out := true
	list, isList := v.([]any)
	if !isList && v != nil {
		list = []any{v}
	}
	for _, item := range list {
		m, _ := item.(map[string]any)
		want, has := m["reachable"]
		b, err := coerce.To("boolean", want)
		is, isBool := b.(bool)
		if !has || len(m) != 1 || err != nil || !isBool {
			return false, fault.New(fault.Invalid, "assert: expected {reachable: true} or {reachable: false}, not %s", text(item))
		}
		out = is
	}
	return out, nil
}

// endpoint gives what finds the address: as it is written, or in a sensor.
func endpoint(ctx context.Context, c *action.Call) (address func() (string, error), err error) {
	written, sensor := c.Input["endpoint"], c.Input["endpointSensor"]
	switch {
	case written == nil && sensor == nil:
		return nil, fault.New(fault.Invalid, "%s does not say what is tested: expected endpoint or endpointSensor", c.Entity.Name)
	case written != nil && sensor != nil:
		return nil, fault.New(fault.Invalid, "%s: expected endpoint or endpointSensor, not both", c.Entity.Name)
	case written != nil:
		to, err := hostAndPort(coerce.Text(written))
		return func() (string, error) { return to, nil }, err
	}
	of, err := target(ctx, c)
	if err != nil {
		return nil, err
	}
	name := coerce.Text(sensor)
	if m, is := sensor.(map[string]any); is {
		name = coerce.Text(m["name"])
	}
	return func() (string, error) {
		v, _ := of.Sensor(name)
		if v == nil {
			return "", fault.New(fault.Precondition, "sensor %s of %s expected an address, but found null", name, of.Ref().Name)
		}
		return hostAndPort(coerce.Text(v))
	}, nil
}

// hostAndPort reads "host:port" or a URL.
func hostAndPort(text string) (string, error) {
	if u, err := url.Parse(text); err == nil && strings.Contains(text, "://") {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
		}
		if u.Hostname() == "" || port == "" {
			return "", fault.New(fault.Invalid, "endpoint %q: expected a host and a port", text)
		}
		return net.JoinHostPort(u.Hostname(), port), nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || port == "" {
		return "", fault.New(fault.Invalid, "endpoint %q: expected host:port or a URL", text)
	}
	return text, nil
}

// testMembers gives the members of the target, as documents.
func testMembers(ctx context.Context, c *action.Call) (any, error) {
	of, err := target(ctx, c)
	if err != nil {
		return nil, err
	}
	members, is := of.Sensor(entity.Members)
	list, isList := members.([]any)
	if !is || !isList {
		return nil, fault.New(fault.Invalid, "%s is no group: it has no sensor %s", of.Ref().Name, entity.Members)
	}
	out := described(of, nil)
	out["members"] = list
	return out, nil
}
