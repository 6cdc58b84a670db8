package scenario_test

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

// TestProblems plays scenarios that are not as they say.
func TestProblems(t *testing.T) {
	m, once := open(t, scenario.Options{}), open(t, scenario.Options{Once: true})
	for _, c := range []struct{ text, want string }{
		{"policy: restart, event: {sensor: x, value: 1}",
			`f:1:33: module guest has no policy type "restart"; it has org.example.Restarter, sleepless`},
		{"policy: org.example.Restater, event: {sensor: x, value: 1}",
			`f:1:33: module guest has no policy type "org.example.Restater"; did you mean "org.example.Restarter"?`},
		{"format: org.example.Shout, text: a",
			`f:1:33: module guest has no format type "org.example.Shout"; it has org.example.Lines`},
		{"policy: org.example.Restarter, event: {sensor: service.isup, value: 1}",
			`f:1:63: org.example.Restarter does not listen to sensor service.isup of entity x1; did you mean "service.isUp"?`},
		{"policy: org.example.Restarter, event: {source: x7, change: joined}",
			`f:1:63: there is no entity "x7" in this scenario, there are x1`},
		{"policy: org.example.Restarter, event: {source: x1, change: joined}",
			"f:1:63: org.example.Restarter does not listen to who joins and leaves"},
		{"policy: org.example.Restarter, config: {windw: 1m}, event: {sensor: service.isUp, value: false}",
			`f:1:65: org.example.Restarter has no config key "windw"; did you mean "window"?`},
		{"policy: org.example.Restarter, config: {window: soon}, event: {sensor: service.isUp, value: false}",
			`f:1:73: window of org.example.Restarter: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"policy: org.example.Restarter, withhold: {step: invoke-efector}, event: {sensor: service.isUp, value: false}",
			`f:1:73: module guest does not ask for step invoke-efector; did you mean "invoke-effector"?`},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: {state: {n: 2}, wakeAfter: 1m}",
			`f:1:121: event service.isUp: state.n: expected 2, got 1
f:1:136: event service.isUp: wakeAfter: expected "1m", got nothing`},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: {steps: [{step: invoke-effector, input: {effector: start, more: 1}}]}",
			`f:1:160: event service.isUp: steps[0].input.effector: expected "start", got "restart"
f:1:173: event service.isUp: steps[0].input.more: expected 1, got nothing
f:1:149: event service.isUp: steps[0].input.entity: expected nothing, got {"$entity":"x1"}`},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: {steps: []}",
			`f:1:117: event service.isUp: steps: expected [], got [{"input":{"effector":"restart","entity":{"$entity":"x1"}},"step":"invoke-effector"}]`},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: {exactly: true, state: {n: {greater-than: 3}}}",
			`f:1:136: event service.isUp: state.n: expected {"greater-than":3}, got 1
f:1:109: event service.isUp: steps: expected nothing, got [{"input":{"effector":"restart","entity":{"$entity":"x1"}},"step":"invoke-effector"}]`},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: []",
			"f:1:109: expected 0 decisions, got 1: event service.isUp"},
		{"policy: org.example.Restarter, event: {sensor: service.isUp, value: false}, expect: {error: true}",
			"f:1:117: event service.isUp: error: expected an error, got a decision"},
		{"policy: sleepless, calls: [{event: {sensor: x, value: 1}}, {after: 2s}]",
			"f:1:84: more than 1000 timers fired while the time passed to 00:00:02: the module asks to be woken again at once"},
		{"policy: sleepless, calls: [{event: {sensor: x, value: 1}}, {after: 2ms, expect: {state: 1}}]",
			"f:1:105: call 2: expected 1 decision, got 2: timer at 00:00:00.001, timer at 00:00:00.002; give a list of expectations, one for each"},
		{"policy: sleepless, calls: [{event: {sensor: x, value: 1}}, {after: 0.5ms, expect: {state: 1}}]",
			"f:1:107: call 2: expected 1 decision, got none"},
		{"step: forgetful",
			`f:1:13: step.plan is impure: an instance that was used before answers otherwise than a new one
    --- new
    +++ used
      result:
    -   calls: 1
    +   calls: 2
        same: true`},
		{"hook: entity.effector, in: {type: greeter, effector: start, entity: 3}",
			"f:1:93: in: entity: expected a map, got the number 3"},
		{"step: greedy, args: {}",
			"f:1:13: step: expected a decision, got the error forbidden: step.plan of type greedy of module guest: step 1, run-command, needs a capability that module guest does not ask for: kind step, value run-command"},
		{"step: greedy, args: {slip: true}",
			`f:1:13: step: expected a decision, got the error invalid: step.plan of type greedy of module guest: step 2, log: it has no input "mesage"; did you mean "message"?`},
		{"step: greedy, args: {}, expect: {error: {kind: invalid, message: {glob: x*}}}",
			`f:1:72: step: error.kind: expected "invalid", got "forbidden"
f:1:90: step: error.message: not as expected
    expected {"glob":"x*"}
    got      "step.plan of type greedy of module guest: step 1, run-command, needs a capability that module guest does not ask for: kind step, value run-command"`},
		{"step: greedy, args: {}, expect: {error: no}",
			`f:1:65: step: error: not as expected
    expected "no"
    got      "step.plan of type greedy of module guest: step 1, run-command, needs a capability that module guest does not ask for: kind step, value run-command"`},
		{"entity: greeter, effector: stat",
			`f:1:13: org.example.Greeter has no effector "stat"; did you mean "start"?`},
		{"entity: greeter, init: true",
			"f:1:13: init: expected a decision, got the error invalid: type org.example.Greeter does not declare init"},
		{"entity: greeter, calls: [{continue: {}}]",
			"f:1:50: the decision before has no step continue"},
		{"entity: greeter, calls: [{effector: start}, {continue: {hots: 1}}]",
			`f:1:81: continue: no step before it has the id "hots", there are host; did you mean "host"?`},
		{"entity: greeter, calls: [{effector: start}, {continue: [1, 2]}]",
			"f:1:80: continue: 2 outputs for the 1 steps before it"},
		{"entity: greeter, calls: [{effector: start}, {continue: 3}]",
			"f:1:80: continue: expected the outputs of the steps, a map by their ids or a list, got the number 3"},
		{"entity: greeter, effector: start, expect: {sensors: {greting: hello x1}, result: 3}",
			`f:1:87: effector start: sensors.greting: expected "hello x1", got nothing; did you mean "greeting"?
f:1:106: effector start: result: expected 3, got nothing`},
		{"entity: {type: linked, config: {to: {$entity: x9}}}, effector: start",
			`f:1:61: there is no entity "x9" in this scenario, there are x1`},
		{"entity: {type: linked, config: {to: {a: [1, two, {b: c}], long: text that is so long that it does not stand in one line any more}}}, effector: start, expect: {result: {to: {exactly: {a: [1, 2], long: text that is so long that it does not stand in one line at all}}}}",
			`f:1:197: effector start: result.to: not as expected
    --- expected
    +++ got
      a:
      - 1
    - - 2
    - long: 'text that is so long that it does not stand in one line at all'
    + - two
    + - b: c
    + long: 'text that is so long that it does not stand in one line any more'`},
		{"entity: linked, effector: start, expect: {result: {includes: {size: 1}}, steps: {includes: [{step: log}]}}",
			`f:1:93: effector start: result.size: expected 1, got nothing
f:1:117: effector start: steps: expected an item {"step":"log"}, got [{"input":{"command":"login","env":{"PW":null}},"step":"start-process"}]`},
		{"strategy: org.example.Emptiest, hosts: [{id: a, contaners: 1}]",
			`f:1:73: a host has no column "contaners"; did you mean "containers"?`},
		{"strategy: org.example.Emptiest, hosts: [a, a]",
			`f:1:68: host "a" is already there`},
		{"strategy: org.example.Emptiest, calls: [{hosts: {b: {up: false}}}]",
			`f:1:74: there is no host "b"`},
		{"strategy: org.example.Emptiest, hosts: [a, b], expect: {hosts: [b, a], refused: {a: is down}}",
			`f:1:89: placement: hosts[0]: expected "b", got "a"
f:1:92: placement: hosts[1]: expected "a", got "b"
f:1:109: placement: refused.a: expected "is down", got nothing`},
		{"hook: entity.effector, in: {type: greeter, efector: start}",
			`f:1:68: in: the document of entity.effector has no field "efector"; did you mean "effector"?`},
		{"hook: entity.effector",
			"f:1:13: hook entity.effector needs in, the document that it is given"},
		{"hook: placement.rank, in: {type: x}",
			"f:1:13: placement.rank has columns instead of a document: write a scenario with the keys strategy and hosts"},
		{"hook: entity.effector, in: {type: greeter, effector: 3}",
			"f:1:78: in: effector: expected a text, got the number 3"},
		{"hook: entity.effector, in: {effector: start}",
			"f:1:52: in: a document names a type"},
		{"hook: entity.effector, in: {type: greeter, effector: start}, expect: {step: 1}",
			`f:1:94: entity.effector: an answer to entity.effector has no "step", it has steps, sensors, state, result, wakeAfter, error; did you mean "steps"?`},
		{"entity: {type: greeter, members: [{id: a, name: b}, {id: a, name: c}]}, effector: start",
			`f:1:77: entity "a" is already there at f:1:59`},
	} {
		suite, err := scenario.Parse("f", []byte("scenarios: [{name: one, "+c.text+"}]"))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		m := m
		if strings.Contains(c.text, "after: 2s") {
			m = once // a thousand timers fire
		}
		r, err := m.Play(t.Context(), suite.Scenarios[0])
		var got []string
		for _, p := range r.Problems {
			got = append(got, p.String())
		}
		if text := strings.Join(got, "\n"); err != nil || text != c.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", c.text, text, err, c.want)
		}
	}
}
