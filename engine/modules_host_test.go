package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// A module acts on entities of its application, and on those that it was given.
func TestModuleStaysInItsApplication(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0", "step=set-sensor", "step=wait")
	p, other := deployed(t, e)
	foreign, start, err := e.Deploy(t.Context(), engine.Request{ID: "foreign", Text: []byte("services: [{type: basic-entity, id: x}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	x := string(foreign.Nearest("x").ID())
	set := func(sensor, entity any) error {
		_, err := call(t, e, p, "act", map[string]any{"step": "set-sensor", "input": map[string]any{"sensor": sensor, "value": "v", "entity": entity}})
		return err
	}
	if err := set("s", string(other.ID())); err != nil {
		t.Errorf("of its application: %v", err)
	}
	if err := set("s", map[string]any{"$entity": x}); err != nil { // whoever called the effector gave it
		t.Errorf("one in its arguments: %v", err)
	}
	m, err := e.Module("probe", "")
	if err != nil {
		t.Fatal(err)
	}
	_, before := m.Refusals()
	for name, err := range map[string]error{"by id": set("s", x), "within another input": set(map[string]any{"name": "s", "entity": x}, nil)} {
		const want = "set-sensor: entity %s belongs to another application"
		if fault.KindOf(err) != fault.Forbidden || !strings.HasSuffix(err.Error(), fmt.Sprintf(want, x)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, n := m.Refusals(); n != before+2 {
		t.Errorf("%d refusals are recorded", n-before)
	}
}

// Each host operation with its capability, without it, with another one, and
// for entities of all kinds.
func TestModuleHostOperations(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0")
	p, other := deployed(t, e)
	foreign, start, err := e.Deploy(t.Context(), engine.Request{ID: "foreign", Text: []byte("services: [{type: basic-entity, id: x, brooklyn.config: {shown.key: theirs}}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for ent, value := range map[string]any{"p": 1, "other": 2} {
		if err := e.SetSensor(t.Context(), p.Nearest(ent), "load", value); err != nil {
			t.Fatal(err)
		}
	}
	config := hook.Capability{Kind: "config", Value: "shown.*"}
	sensor := hook.Capability{Kind: "sensor", Value: "load"}
	const allowed = fault.Kind(255)
	for _, c := range []struct {
		name, entity string
		args         map[string]any
		grants       []hook.Capability
		want         any
		kind         fault.Kind
	}{
		{"config with its grant", string(other.ID()), map[string]any{"key": "shown.key"}, []hook.Capability{config}, "seen", allowed},
		{"config without", string(other.ID()), map[string]any{"key": "shown.key"}, nil, nil, fault.Forbidden},
		{"config with the grant of sensors", string(other.ID()), map[string]any{"key": "shown.key"}, []hook.Capability{sensor}, nil, fault.Forbidden},
		{"another config key", string(other.ID()), map[string]any{"key": "hidden.key"}, []hook.Capability{config}, nil, fault.Forbidden},
		{"config that is not set", string(other.ID()), map[string]any{"key": "shown.nothing"}, []hook.Capability{config}, nil, allowed},
		{"config of another application", string(foreign.Nearest("x").ID()), map[string]any{"key": "shown.key"}, []hook.Capability{config}, nil, fault.NotFound},
		{"config of nobody", "nobody", map[string]any{"key": "shown.key"}, []hook.Capability{config}, nil, fault.NotFound},
		{"config of no entity", "", map[string]any{"key": "shown.key"}, []hook.Capability{config}, nil, fault.Invalid},
		{"a secret of its own", string(p.ID()), map[string]any{"key": "probe.password"}, nil, map[string]any{"$secret": "probe.password"}, allowed},
		{"sensor with its grant", string(other.ID()), map[string]any{"sensor": "load"}, []hook.Capability{sensor}, int64(2), allowed},
		{"sensor without", string(other.ID()), map[string]any{"sensor": "load"}, nil, nil, fault.Forbidden},
		{"sensor with the grant of config", string(other.ID()), map[string]any{"sensor": "load"}, []hook.Capability{config}, nil, fault.Forbidden},
		{"another sensor", string(other.ID()), map[string]any{"sensor": "service.isUp"}, []hook.Capability{sensor}, nil, fault.Forbidden},
		{"its own sensor", string(p.ID()), map[string]any{"sensor": "load"}, nil, int64(1), allowed},
		{"sensor of another application", string(foreign.Nearest("x").ID()), map[string]any{"sensor": "load"}, []hook.Capability{sensor}, nil, fault.NotFound},
		{"sensor that is absent", string(p.ID()), map[string]any{"sensor": "none"}, nil, nil, allowed},
		{"sensor without a name", string(other.ID()), map[string]any{"sensor": ""}, []hook.Capability{sensor}, nil, fault.Invalid},
		{"file of a module that came alone", "", map[string]any{"file": "x"}, []hook.Capability{config, sensor}, nil, fault.NotFound},
	} {
		if _, err := e.GrantModule(t.Context(), "probe", "", c.grants, false); err != nil {
			t.Fatal(err)
		}
		c.args["entity"] = c.entity
		got, err := call(t, e, p, "read", c.args)
		kind := allowed
		if err != nil {
			kind = fault.KindOf(err)
		}
		if m, is := got.(map[string]any); is && kind == c.kind && m["$secret"] == "probe.password" {
			continue
		}
		if kind != c.kind || got != c.want {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
}

// Who installs a module once more and says what it may do is listened to.
func TestModuleInstalledAgain(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	install(t, e, "1.0.0", "step=wait")
	granted := func() string {
		m, err := e.Module("probe", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(m.Granted())
	}
	for _, c := range []struct {
		grants        []string
		message, want string
	}{
		{nil, "bundle probe:1.0.0 is installed already", "[{step wait waits}]"},
		{[]string{"step=wait"}, "bundle probe:1.0.0 is installed already", "[{step wait waits}]"},
		{[]string{"step=set-sensor"}, "bundle probe:1.0.0 is installed already; its grants are extended", "[{step wait waits} {step set-sensor publishes}]"},
	} {
		if r := install(t, e, "1.0.0", c.grants...); r.Message != c.message || granted() != c.want {
			t.Errorf("with %v: %s, it may do %s", c.grants, r.Message, granted())
		}
	}
	if _, err := tryInstall(t, e, "1.0.0", "step=lgo"); err == nil || err.Error() != "module probe does not ask for the capability step=lgo" {
		t.Errorf("a grant that it does not ask for: %v", err)
	}
	stop()
	e, _ = plant.engine()
	if want := "[{step wait waits} {step set-sensor publishes}]"; granted() != want {
		t.Errorf("after a restart it may do %s", granted())
	}
	install(t, e, "1.0.0", "all")
	m, err := e.Module("probe", "1.0.0")
	if err != nil || len(m.Granted()) != len(m.Capabilities()) {
		t.Errorf("with all it may do %s, %v", granted(), err)
	}
}
