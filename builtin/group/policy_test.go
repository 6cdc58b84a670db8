package group_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/store"
)

// The policy gives those who join what they need, once, computed at each.
func TestChangePolicy(t *testing.T) {
	l := deploy(t, `
- type: dynamic-group
  id: g
  entityFilter: {tag: red}
  brooklyn.policies:
  - type: org.apache.brooklyn.entity.group.GroupsChangePolicy
    brooklyn.config:
      group: $brooklyn:self()
      member.initializers:
      - type: static-sensor
        brooklyn.config: {name: who, static.value: '$brooklyn:entityId()'}
      member.enrichers:
      - type: propagator
        brooklyn.config: {enricher.propagating.sensorMapping: {who: copy}}
`+three)
	l.expect("g", "a c")
	for _, id := range []string{"a", "c"} {
		l.sensor(id, "copy", string(l.of(id).ID()))
	}
	if len(l.e.Adjuncts(l.of("b"))) != 0 {
		t.Error("one that is no member has an enricher")
	}
	l.must(l.of("b").SetTags(t.Context(), func([]any) []any { return []any{"red"} }))
	l.sensor("b", "copy", string(l.of("b").ID()))
	if n := len(l.e.Adjuncts(l.of("a"))); n != 1 {
		t.Errorf("a member that stayed has %d enrichers", n)
	}
}

// What members are to be given is checked with the blueprint, where it stands.
func TestChangePolicyChecksWhatItGives(t *testing.T) {
	l := deploy(t, three)
	for _, c := range []struct{ config, want string }{
		{"member.policies: [{type: groups-change-policy, brooklyn.config: {group: '$brooklyn:parent()'}}]", ""},
		{"member.policies: groups-change-policy", ""},
		{"member.policies: [nobody-has-it]", `b.yaml:6:25: unknown policy type "nobody-has-it"`},
		{"member.enrichers: [{type: transformer, brooklyn.config: {sourceSensor: 5, targetSensor: x}}]", "b.yaml:6:78: Invalid value for enricher.sourceSensor: expected the name of a sensor, not 5"},
		{"member.initializers: [{type: static-sensor, brooklyn.config: {static.value: 1}}]", "b.yaml:6:29: Invalid value for name: a value is required"},
		{"member.initializers: [{brooklyn.config: {}}]", `b.yaml:4:5: member.initializers: expected types, or maps with the key type, not map[brooklyn.config:map[]]`},
	} {
		text := "services:\n- type: dynamic-group\n  brooklyn.policies:\n  - type: groups-change-policy\n    brooklyn.config:\n      " + c.config + "\n"
		_, err := l.e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(text)})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.config, got, c.want)
		}
	}
}

// sensor waits until a sensor has a value.
func (l *lab) sensor(id, name string, want any) {
	l.t.Helper()
	e := l.of(id)
	news := make(chan struct{}, 1)
	defer e.Subscribe(name, func(event.Event) {
		select {
		case news <- struct{}{}:
		default:
		}
	}).Cancel()
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	for {
		v, _ := e.Sensor(name)
		if v == want {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			l.t.Fatalf("sensor %s of %s is %v, want %v", name, id, v, want)
		}
	}
}

func TestChangePolicyOfAnotherGroup(t *testing.T) {
	l := deploy(t, withFilter("{tag: red}")+`
- type: basic-entity
  id: keeper
  brooklyn.policies:
  - type: groups-change-policy
    brooklyn.config:
      group: $brooklyn:component("g")
      member.initializers: [{type: static-sensor, brooklyn.config: {name: joined, static.value: true, targetType: boolean}}]
`)
	l.sensor("a", "joined", true)
	l.sensor("c", "joined", true)
}

// A member that cannot be called does not keep others from what they are given.
func TestChangePolicyInvokes(t *testing.T) {
	l := deploy(t, `
- type: dynamic-group
  id: g
  entityFilter: {sensor: picked, equals: true}
  brooklyn.policies:
  - type: groups-change-policy
    brooklyn.config:
      member.initializers: [{type: static-sensor, brooklyn.config: {name: joined, static.value: true, targetType: boolean}}]
      member.invoke: [stop]
`+three)
	for _, id := range []string{"a", "b", "c"} { // once c runs, so that its start is not given up
		l.of(id).Set("picked", true)
	}
	for _, id := range []string{"a", "b", "c"} {
		l.sensor(id, "joined", true) // a and b have no effector stop
	}
	l.sensor("c", "service.state", "stopped")
}

func TestBadChangePolicies(t *testing.T) {
	for config, want := range map[string]string{
		"member.policies: [{name: x}]":  "member.policies: expected types, or maps with the key type, not map[name:x]",
		"member.initializers: [5]":      "member.initializers: expected types, or maps with the key type, not 5",
		"member.locations: [{type: x}]": "member.locations: expected names of locations of this server, not map[type:x]",
		"group: g":                      `group: expected an entity, such as $brooklyn:component("g"), not "g"`,
		"member.invoke: [{effector: }]": "member.invoke: expected names of effectors, or maps with the key effector",
	} {
		l := &lab{t: t, store: store.NewMemory()}
		l.open()
		_, _, err := l.e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- type: basic-entity\n  brooklyn.policies: [{type: groups-change-policy, brooklyn.config: {" + config + "}}]\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\n want %s", config, err, want)
		}
	}
}
