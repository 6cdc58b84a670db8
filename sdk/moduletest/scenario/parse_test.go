package scenario_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"",
			"f:1:1: a file of scenarios: expected a map, got nothing"},
		{"a: 1",
			`f:1:1: unknown key "a" in a file of scenarios; expected module, now, scenarios`},
		{"scenarios: 3",
			"f:1:12: scenarios: expected a list, got the number 3"},
		{"scenarios: []",
			"f:1:1: expected scenarios"},
		{"scenarios: [1]",
			"f:1:13: a scenario: expected a map, got the number 1"},
		{"{module: m.wasm, now: noon, scenarios: []}",
			`f:1:23: now: expected a time like 2026-01-01T00:00:00Z, got "noon"`},
		{"scenarios: [{nam: x, policy: p}]",
			`f:1:13: a scenario needs a name
f:1:13: a policy scenario needs calls, or one of event, migrate
f:1:14: unknown key "nam" in a scenario; did you mean "name"?`},
		{"scenarios: [{name: x}]",
			"f:1:13: a scenario needs the type that it is about, in entity, policy, enricher, strategy, step, format, location, network, or a hook"},
		{"scenarios: [{name: x, polcy: p}]",
			`f:1:23: unknown key "polcy" in a scenario; did you mean "policy"?`},
		{"scenarios: [{name: x, policy: p, step: q, args: {}}]",
			"f:1:40: a scenario is about one type, this one has policy and step"},
		{"scenarios: [{name: x, policy: p, hook: describe}]",
			"f:1:13: a scenario has a hook or policy, not both"},
		{"scenarios: [{name: x, policy: p, event: {sensor: a}}]",
			"f:1:41: an event of a sensor needs its value"},
		{"scenarios: [{name: x, policy: p, event: {value: a}}]",
			"f:1:41: an event has either a sensor, with its value, or a change"},
		{"scenarios: [{name: x, policy: p, event: {change: gone}}]",
			`f:1:41: a change needs the source, the id of who gone
f:1:50: change: expected joined, left, got "gone"`},
		{"scenarios: [{name: x, policy: p, event: {change: left}}]",
			"f:1:41: a change needs the source, the id of who left"},
		{"scenarios: [{name: x, policy: p, event: {sensor: a, value: 1, of: members}}]",
			"f:1:41: of says what a change is of; an event of a sensor has a source"},
		{"scenarios: [{name: x, policy: p, event: x}]",
			`f:1:41: an event: expected a map, got the text "x"`},
		{"scenarios: [{name: x, policy: p}]",
			"f:1:13: a policy scenario needs calls, or one of event, migrate"},
		{"scenarios: [{name: x, policy: p, calls: [{}]}]",
			"f:1:42: a call of a policy scenario needs one of event, migrate, or after, sensors or entities"},
		{"scenarios: [{name: x, policy: p, calls: [{evnt: {}}]}]",
			`f:1:42: a call of a policy scenario needs one of event, migrate, or after, sensors or entities
f:1:43: unknown key "evnt" in a call of a policy scenario; did you mean "event"?`},
		{"scenarios: [{name: x, policy: p, calls: [{after: soon}]}]",
			`f:1:50: after: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"scenarios: [{name: x, policy: p, calls: [{after: 1s, expect: {stps: []}}]}]",
			`f:1:63: unknown key "stps" in expect; did you mean "steps"?`},
		{"scenarios: [{name: x, policy: p, calls: [{after: 1s, expect: {state: {regex: '('}}}]}]",
			"f:1:78: regex: invalid regular expression: missing closing ): `(`"},
		{"scenarios: [{name: x, entity: {id: 1}, effector: start}]",
			"f:1:31: the entity needs a type"},
		{"scenarios: [{name: x, entity: e, effector: start, migrate: {from: 1}}]",
			"f:1:13: a call asks one thing, this one has effector and migrate"},
		{"scenarios: [{name: x, entity: e, args: {}}]",
			"f:1:13: an entity scenario needs calls, or one of effector, continue, init, migrate"},
		{"scenarios: [{name: x, entity: {type: e, config: {}}, config: {}, effector: start}]",
			"f:1:62: config: the entity has config already, at f:1:49"},
		{"scenarios: [{name: x, entity: e, effector: start, config: 3}]",
			"f:1:59: config: expected a map, got the number 3"},
		{"scenarios: [{name: x, entity: e, effector: start, seed: a, files: [], withhold: {stp: x}}]",
			`f:1:57: seed: expected an integer, got the text "a"
f:1:67: files: expected a map, got a list
f:1:82: unknown kind of capability "stp"; expected step, http, image, config, sensor, secret; did you mean "step"?`},
		{"scenarios: [{name: x, entity: e, effector: start}, {name: x, entity: e, effector: start}]",
			`f:1:52: scenario "x" is already there at f:1:13`},
		{"scenarios: [{name: x, entity: e, init: false}]",
			`f:1:40: init: expected true, got "false"`},
		{"scenarios: [{name: x, strategy: []}]",
			"f:1:33: strategy: expected at least one"},
		{"scenarios: [{name: x, strategy: {typ: a}}]",
			`f:1:34: unknown key "typ" in a strategy; did you mean "type"?`},
		{"scenarios: [{name: x, strategy: [a], config: {}}]",
			"f:1:46: config: give each strategy of the list its own, as {type: …, config: …}"},
		{"scenarios: [{name: x, hook: entity.efector}]",
			`f:1:29: unknown hook "entity.efector"; did you mean "entity.effector"?`},
		{"scenarios: [{name: x, hook: foo}]",
			`f:1:29: unknown hook "foo"; expected describe, entity.init, entity.effector, entity.continue, policy.event, enricher.event, placement.rank, network.plan, location.plan, step.plan, blueprint.parse, migrate`},
		{"scenarios: [{name: x, hook: describe, config: {}}]",
			`f:1:39: unknown key "config" in a scenario; expected expect, hook, in, name, now, seed, withhold`},
		{"scenarios: [{name: x, location: l, op: obtan}]",
			`f:1:40: op: expected obtain, release, list, got "obtan"; did you mean "obtain"?`},
		{"scenarios: [{name: x, entity: e, calls: [{migrate: {state: 1}}]}]",
			"f:1:52: migrate needs from, the version that handed the state back"},
	} {
		_, err := scenario.Parse("f", []byte(c.text))
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s:\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

// FuzzParse: any text is read or refused.
func FuzzParse(f *testing.F) {
	f.Add("scenarios: [{name: x, policy: p, calls: [{after: 1s, expect: {state: {regex: a}}}]}]")
	f.Add("scenarios: [{name: x, strategy: [{type: a, config: {b: 1}}], hosts: [{id: a, labels: {x: y}}]}]")
	f.Add("scenarios: [{name: x, hook: policy.event, in: {type: a}, expect: {exactly: true}}]")
	f.Add("scenarios: [{name: x, entity: {type: a, members: [{id: b}]}, effector: s, withhold: {step: [a]}}]")
	f.Add("{module: a, now: 2026-01-01T00:00:00Z, scenarios: [{name: x, network: a, op: create, hosts: 1}]}")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := scenario.Parse("f", []byte(text)); err == nil && len(s.Scenarios) == 0 {
			t.Errorf("%q has no scenarios", text)
		}
	})
}
