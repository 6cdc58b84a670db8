package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

// who writes a candidate: a name, its state, and its weight.
func who(text string) gowanus.Related {
	var name, state string
	weight := 0.0
	n, _ := fmt.Sscanf(text, "%s %s %f", &name, &state, &weight)
	r := gowanus.Related{Ref: gowanus.Ref{ID: name, Name: name}, Of: "children", Sensors: gowanus.Values{sensorState: state, sensorUp: state == "running"}}
	if state == "down" {
		r.Sensors = gowanus.Values{sensorState: "running", sensorUp: false}
	}
	if n == 3 {
		r.Config = gowanus.Values{defaultWeight: weight}
	}
	return r
}

// While the entity starts, who has not begun to start yet is worth waiting for.
func TestHoldWhileStarting(t *testing.T) {
	for state, want := range map[string]time.Duration{"starting": 5 * time.Minute, "running": 0, "": 0} {
		e := gowanus.Entity{Sensors: gowanus.Values{sensorState: state}}
		el, err := newElection(gowanus.Values{keyStopped: "0ms"}, &e, []gowanus.Related{who("a running"), who("b created 1"), who("c on-fire 1")})
		if err != nil {
			t.Fatal(err)
		}
		winner, wait, err := el.hold(0)
		if err != nil || wait != want || (winner == nil) != (want > 0) {
			t.Errorf("%s: waits %s for %v, %v", state, wait, winner, err)
		}
	}
}

func TestHold(t *testing.T) {
	const m = time.Minute
	for _, tt := range []struct {
		name      string
		selection string
		current   string
		elapsed   time.Duration
		who       []string
		want      string // the winner, "none", or how long to wait
	}{
		{"the first of equals", "", "", 0, []string{"a running", "b running"}, "a"},
		{"the greatest weight", "", "", 0, []string{"a running", "b running 1", "c running 0.5"}, "b"},
		{"the present one while it is well", "failover", "a", 0, []string{"a running", "b running 1"}, "a"},
		{"the best in any case", "best", "a", 0, []string{"a running", "b running 1"}, "b"},
		{"the present one of equals", "best", "b", 0, []string{"a running 1", "b running 1"}, "b"},
		{"strict and clear", "strict", "a", 0, []string{"a running", "b running 1"}, "b"},
		{"strict and not clear", "strict", "a", 0, []string{"a running 1", "b running 1"}, "cannot elect a primary in strict mode: a and b have the same weight 1"},
		{"strict, and only one is well", "strict", "", 0, []string{"a stopped 1", "b running 1"}, "b"},
		{"the present one failed", "failover", "a", 10 * s, []string{"a on-fire", "b running"}, "b"},
		{"the present one is gone", "failover", "x", 0, []string{"a running", "b running"}, "a"},
		{"never one below 0", "", "", 0, []string{"a running -1", "b running"}, "b"},
		{"only ones below 0", "", "", 10 * m, []string{"a running -1"}, "none"},
		{"nobody yet", "", "", 0, nil, "5s"},
		{"nobody at all", "", "", 5 * s, nil, "none"},
		{"the best is stopped", "", "", 0, []string{"a stopped 1", "b running"}, "5s"},
		{"and has been for long", "", "", 5 * s, []string{"a stopped 1", "b running"}, "b"},
		{"the best starts", "", "", 10 * s, []string{"a starting 1", "b running"}, "4m50s"},
		{"and takes too long", "", "", 5 * m, []string{"a starting 1", "b running"}, "b"},
		{"one of the best starts, another is well", "", "", 0, []string{"a starting 1", "b running 1"}, "b"},
		{"up is not enough", "", "", 10 * s, []string{"a created", "b down"}, "none"},
		{"the next after those that are not well", "", "", 10 * s, []string{"a stopped 3", "b stopped 2", "c running 1", "d running"}, "c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := gowanus.Values{}
			if tt.selection != "" {
				config[keySelection] = tt.selection
			}
			e := gowanus.Entity{Sensors: gowanus.Values{"primary": map[string]any{"$entity": tt.current}}}
			var related []gowanus.Related
			for _, text := range tt.who {
				related = append(related, who(text))
			}
			el, err := newElection(config, &e, related)
			if err != nil {
				t.Fatal(err)
			}
			winner, wait, err := el.hold(tt.elapsed)
			got := "none"
			switch {
			case err != nil:
				got = err.Error()
			case wait > 0:
				got = wait.String()
			case winner != nil:
				got = winner.ID
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// pair plays to an ElectPrimaryPolicy over two children.
func pair(config gowanus.Values, texts ...string) *gowanustest.Player {
	p := gowanustest.NewPlayer("org.apache.brooklyn.policy.failover.ElectPrimaryPolicy", config)
	p.Set(sensorExpected, "running")
	for _, text := range texts {
		p.Call.Related = append(p.Call.Related, who(text))
	}
	p.Call.State = []byte(`{"one":true}`)
	return p
}

// plainly leaves out what is the same in all decisions.
func plainly(text string) string {
	text = strings.NewReplacer("map[$entity:", "", " application: name:", "/", "planId: ", "", "type:", "", "[x1] ", "x1 ").Replace(text)
	for _, name := range []string{"a", "b"} {
		text = strings.ReplaceAll(text, name+"/"+name+" ]", name)
	}
	return strings.ReplaceAll(text, "]", "")
}

func step(p *gowanustest.Player, t *testing.T, what, want string) {
	t.Helper()
	if got := plainly(p.Said()); got != strings.ReplaceAll(want, "]", "") {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

func TestElectPrimary(t *testing.T) {
	p := pair(gowanus.Values{}, "a starting", "b starting")
	p.Change("a", "joined")
	step(p, t, "both start", "")
	p.Of("b", sensorState, "running")
	p.Of("b", sensorUp, true)
	step(p, t, "b is up", "primary=b; invoke-effector args=map[newPrimary:b oldPrimary:<nil> effector=promote firstOf=[x1 b lenient=false optional=true")
	p.Of("a", sensorState, "running")
	p.Of("a", sensorUp, true)
	p.Pass(time.Hour)
	step(p, t, "a is up too", "")
	p.Of("b", sensorUp, false)
	step(p, t, "b fails", "primary=a; "+
		"invoke-effector args=map[newPrimary:a oldPrimary:b effector=demote firstOf=[x1 b lenient=true optional=true; "+
		"invoke-effector args=map[newPrimary:a oldPrimary:b effector=promote firstOf=[x1 a lenient=false optional=true")
	p.Of("a", sensorUp, false)
	step(p, t, "a fails", "")
	p.Pass(4 * s)
	step(p, t, "and is waited for", "")
	p.Pass(s)
	step(p, t, "in vain", "primary=<nil>; invoke-effector args=map[newPrimary:<nil> oldPrimary:a effector=demote firstOf=[x1 a lenient=true optional=true; "+
		"set-sensor sensor=service.problems['primary'] value=no primary could be found")
	p.Set(sensorProblems, map[string]any{"primary": "no primary could be found"})
	p.Of("b", sensorUp, true)
	step(p, t, "b is up again", "primary=b; invoke-effector args=map[newPrimary:b oldPrimary:<nil> effector=promote firstOf=[x1 b lenient=false optional=true; "+
		"clear-sensor sensor=service.problems['primary'")
	p.Event(sensorProblems, map[string]any{"primary": "late"})
	step(p, t, "a problem that came late", "clear-sensor sensor=service.problems['primary'")
}

// The first time the quorums are set, and only then.
func TestOneIsEnough(t *testing.T) {
	p := pair(gowanus.Values{}, "a starting")
	p.Call.State = nil
	for _, want := range []string{"set-config config=quorum.up unlessSet=true value=1; set-config config=quorum.running unlessSet=true value=1", ""} {
		p.Change("a", "joined")
		step(p, t, "quorums", want)
	}
}

func TestElectPrimaryConfig(t *testing.T) {
	p := pair(gowanus.Values{keyPrimary: "leader", keyPromote: "lead", keyDemote: "follow", keyWeight: "my.weight"}, "a running", "b running")
	p.Call.Related[1].Sensors["my.weight"] = 2.0
	p.Change("a", "joined")
	step(p, t, "own names", "leader=b; invoke-effector args=map[newPrimary:b oldPrimary:<nil> effector=lead firstOf=[x1 b lenient=false optional=false")

	p = pair(gowanus.Values{keyElector: "choose", keySelection: "best"}, "a running")
	p.Change("a", "joined")
	step(p, t, "own effector", "invoke-effector args=map[primary.selection.mode:best effector=choose")

	p = pair(gowanus.Values{}, "a running", "b running")
	p.Set(sensorMembers, []any{})
	p.Call.Related[1].Of = "members"
	p.Change("a", "joined")
	step(p, t, "a group", "primary=b; invoke-effector args=map[newPrimary:b oldPrimary:<nil> effector=promote firstOf=[x1 b lenient=false optional=true")

	p = pair(gowanus.Values{keySelection: "strict"}, "a running 1", "b running 1")
	p.Change("a", "joined")
	step(p, t, "a tie", "set-sensor sensor=service.problems['primary'] value=cannot elect a primary in strict mode: a and b have the same weight 1")

	for want, config := range map[string]gowanus.Values{
		"primary.selection.mode: expected failover, best or strict, got worst":                  {keySelection: "worst"},
		"primary.target.mode: expected children, members or auto, got friends":                  {keyMode: "friends"},
		`primary.stopped.wait.timeout: expected a duration such as "30s" or "1m 30s", got soon`: {keyStopped: "soon"},
		`primary.starting.wait.timeout: expected a duration such as "30s" or "1m 30s", got {}`:  {keyStarting: map[string]any{}},
	} {
		p = pair(config, "a running")
		p.Change("a", "joined")
		step(p, t, "config", "error "+want)
	}
}

func TestPropagatePrimarySensors(t *testing.T) {
	p := pair(gowanus.Values{keyPropagate: []any{"url", "port"}, keySelection: "best"}, "a running", "b running 1")
	p.Of("b", "url", "http://b")
	step(p, t, "the first time", "primary=b; url=http://b; invoke-effector args=map[newPrimary:b oldPrimary:<nil> effector=promote firstOf=[x1 b lenient=false optional=true")
	p.Of("b", "port", 80.0)
	p.Of("a", "url", "http://a")
	p.Of("b", "other", 1.0)
	step(p, t, "only those named, only of the primary", "port=80")
	p.Call.Related = p.Call.Related[:1]
	p.Change("b", "left")
	step(p, t, "another primary", "port=<nil>; primary=a; url=http://a; "+
		"invoke-effector args=map[newPrimary:a oldPrimary:b effector=demote firstOf=[x1 b lenient=true optional=true; "+
		"invoke-effector args=map[newPrimary:a oldPrimary:b effector=promote firstOf=[x1 a lenient=false optional=true")
}

func TestElectStep(t *testing.T) {
	c := gowanus.EffectorCall{
		Type: "elect-primary", Effector: "elect-primary", Args: gowanus.Values{keyStopped: "2s"}, Now: "2026-11-20T12:00:00Z",
		Entity: gowanus.Entity{Ref: gowanus.Ref{ID: "x1"}, Sensors: gowanus.Values{}}, Related: []gowanus.Related{who("a stopped 1"), who("b running")},
	}
	ask := func() gowanus.Decision {
		t.Helper()
		in, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var d gowanus.Decision
		if err := json.Unmarshal(gowanus.Call(gowanus.HookStepPlan, in), &d); err != nil || d.Error != nil {
			t.Fatal(err, d.Error)
		}
		return d
	}
	d := ask()
	if fmt.Sprint(d.Steps) != "[{ sleep map[duration:1s]  } {  map[]  again}]" {
		t.Fatalf("got %v", d.Steps)
	}
	c.State, c.Token, c.Now = d.State, "again", "2026-11-20T12:00:02Z"
	d = ask()
	if got := fmt.Sprint(d.Result); got != "map[code:NEW_PRIMARY_ELECTED message:New primary found primary:map[$entity:b]]" || len(d.Steps) != 1 {
		t.Errorf("got %v, %v", got, d.Steps)
	}
	c.Entity.Sensors["primary"] = map[string]any{"$entity": "b"}
	if got := fmt.Sprint(ask().Result); got != "map[code:PRIMARY_UNCHANGED message:No change required primary:map[$entity:b]]" {
		t.Errorf("got %v", got)
	}
	c.Related = nil
	if got := fmt.Sprint(ask().Result); got != "map[code:NO_PRIMARY_AVAILABLE message:No primary available primary:<nil>]" {
		t.Errorf("got %v", got)
	}
}
