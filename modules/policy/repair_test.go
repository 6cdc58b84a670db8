package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

// said gives what a player decided, without the times in it.
func said(p *gowanustest.Player) string {
	text := p.Said()
	for _, word := range strings.Fields(text) {
		for _, name := range []string{"time:", "began:"} {
			if _, at, ok := strings.Cut(word, name); ok {
				text = strings.ReplaceAll(text, name+strings.TrimRight(at, "];"), name)
			}
		}
	}
	return text
}

func TestReplacer(t *testing.T) {
	p := gowanustest.NewPlayer("org.apache.brooklyn.policy.ha.ServiceReplacer", gowanus.Values{})
	p.Call.Related = []gowanus.Related{{Ref: gowanus.Ref{ID: "m1", Name: "m1"}, Of: "members"}, {Ref: gowanus.Ref{ID: "m2", Name: "m2"}, Of: "members"}}
	check := func(what, want string) {
		t.Helper()
		if got := said(p); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
		}
	}
	began := ""
	fail := func(id string) {
		p.Call.Related = append([]gowanus.Related{}, p.Call.Related...)
		p.Of(id, sensorRestartFailed, "down")
		began = p.Now.Format(time.RFC3339Nano)
	}
	const m1 = "invoke-effector args=map[memberId:m1] effector=replaceMember lenient=true; set-sensor sensor=ha.replacement.ended value=map[began: member:m1 name:]"
	fail("m1")
	check("a failure", m1)
	first := began
	p.Pass(s)
	fail("m1")
	check("the same one again", "")
	p.Of("m9", sensorRestartFailed, "down")
	check("one who is no member", "")
	p.Of("m2", sensorRestartFailed, false)
	check("no failure", "")
	p.Call.Related = p.Call.Related[1:]
	p.Event(sensorReplaced, map[string]any{"member": "m1", "began": "another"})
	p.Event(sensorReplaced, map[string]any{"member": "m1", "began": first})
	check("it was replaced", "")

	p.Pass(time.Minute)
	fail("m2")
	check("another one", strings.ReplaceAll(m1, "m1", "m2"))
	p.Event(sensorReplaced, map[string]any{"member": "m2", "name": "m2", "began": began})
	check("it could not be replaced", "ha.entityFailed.replacement=map[description:m2 could not be replaced entity:map[$entity:m2] time:]; set-on-fire reason=m2 could not be replaced")
	p.Pass(time.Minute)
	fail("m2")
	check("no more", "ha.entityFailed.replacement=map[description: failed, and is not replaced any more: 1m0s ago a replacement failed entity:map[$entity:m2] time:]; "+
		"set-on-fire reason= failed, and is not replaced any more: 1m0s ago a replacement failed")
	p.Pass(5 * time.Minute)
	fail("m2")
	check("later it is tried again", strings.ReplaceAll(m1, "m1", "m2"))
	p.Pass(2 * time.Hour)
	fail("m2")
	check("one that was lost is tried again", strings.ReplaceAll(m1, "m1", "m2"))
}

func TestReplacerConfig(t *testing.T) {
	p := gowanustest.NewPlayer("service-replacer", gowanus.Values{keySetOnFire: false, keyNumber: 2, keyRecurring: "1h"})
	p.Call.Related = []gowanus.Related{{Ref: gowanus.Ref{ID: "m1", Name: "m1"}, Of: "members"}}
	for i, want := range []string{"replaceMember", "replaceMember", "not replaced any more"} {
		p.Of("m1", "broken", true)
		began := p.Now.Format(time.RFC3339Nano)
		if got := p.Said(); !strings.Contains(got, want) {
			t.Errorf("%d: got %s", i, got)
		}
		p.Event(sensorReplaced, map[string]any{"member": "m1", "began": began})
		if got := p.Said(); strings.Contains(got, "set-on-fire") {
			t.Errorf("%d: got %s", i, got)
		}
		p.Pass(s)
	}
	p = gowanustest.NewPlayer("service-replacer", gowanus.Values{keyRecurring: "soon"})
	p.Of("m1", "broken", true)
	if got := p.Said(); got != `error failOnRecurringFailuresInThisDuration: expected a duration such as "30s" or "1m 30s", got soon` {
		t.Errorf("got %s", got)
	}
}

// prober answers the attempts of a detector.
func prober(typ string, config gowanus.Values) *gowanustest.Player {
	p := gowanustest.NewPlayer(typ, config)
	p.Set(sensorExpected, "running")
	return p
}

// tryIt is the step that tries the endpoint; watched is what is said of that
// after the first time.
func tryIt(watched string) string {
	return "publish-output input=map[endpoint:db:5432 " + watched + "] lenient=true sensor=connectionFailureDetector.checked step=check-endpoint"
}

func TestConnectionDetector(t *testing.T) {
	p := prober("org.apache.brooklyn.policy.ha.ConnectionFailureDetector", gowanus.Values{
		keyEndpoint: "db:5432", keyPoll: "10s", keyLostDelay: "15s", keyFoundDelay: "5s"})
	up := map[string]any{"reachable": true, "error": nil}
	down := map[string]any{"reachable": false, "error": "refused"}
	check := func(what, want string) {
		t.Helper()
		if got := said(p); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
		}
	}
	const while = "for:5m0s period:10s timeout:5s while:"
	answer := func(v any) { p.Event(sensorAnswered, v) }
	p.Event("anything", 1.0)
	check("it begins", tryIt("timeout:5s"))
	p.Pass(9 * s)
	check("one at a time", "")
	answer(up)
	p.Pass(s)
	check("the period begins with the attempt", tryIt(while+"true"))
	p.Pass(time.Minute)
	check("it watches", "")
	answer(down)
	check("not long enough, and on it goes", tryIt(while+"false"))
	p.Pass(15 * s)
	check("it failed", "ha.connectionFailed=map[description:db:5432 cannot be reached since 2026-11-20T12:01:10Z: refused entity:map[$entity:x1] time:]")
	p.Pass(5 * time.Minute)
	answer(down)
	check("told once", tryIt(while+"false"))
	p.Pass(20 * s)
	answer(up)
	check("not well for long enough", tryIt(while+"true"))
	p.Pass(5 * s)
	check("it is well again", "ha.connectionFailed=<nil>; ha.connectionRecovered=map[description:db:5432 can be reached since 2026-11-20T12:06:45Z entity:map[$entity:x1] time:]")
	p.Pass(2 * s)
	answer(down)
	check("an attempt begins a period after the one before", "")
	p.Pass(3 * s)
	check("then", tryIt(while+"false"))
	p.Pass(s)
	answer(up)
	p.Pass(time.Minute)
	check("it was down for a moment only", tryIt(while+"true"))
	p.Pass(time.Hour)
	if n := strings.Count(p.Said(), "publish-output"); n < 8 || n > 10 {
		t.Errorf("tried %d times without an answer", n)
	}
}

// What is still to be started is not reachable, and that is no failure.
func TestConnectionDetectorBeforeTheStart(t *testing.T) {
	p := prober("connection-failure-detector", gowanus.Values{keyEndpoint: "db:5432"})
	p.Set(sensorExpected, "starting")
	p.Event("anything", 1.0)
	p.Event(sensorAnswered, map[string]any{"reachable": false})
	if got := p.Said(); strings.Contains(got, "ha.connectionFailed") {
		t.Errorf("got %s", got)
	}
	p.Set(sensorExpected, "running")
	p.Pass(s)
	p.Event(sensorAnswered, map[string]any{"reachable": false})
	if got := p.Said(); !strings.Contains(got, "ha.connectionFailed=map[description:db:5432 cannot be reached since 2026-11-20T12:00:00Z ") {
		t.Errorf("got %s", got)
	}
}

func TestSSHDetector(t *testing.T) {
	p := prober("org.apache.brooklyn.policy.ha.SshMachineFailureDetector", gowanus.Values{keyPoll: "1m"})
	p.Event("anything", 1.0)
	if got := p.Said(); got != "publish-output input=map[command:exit 0] lenient=true sensor=connectionFailureDetector.checked step=ssh" {
		t.Errorf("got %s", got)
	}
	p.Event(sensorAnswered, map[string]any{"error": "no route"})
	if got := said(p); got != "ha.connectionFailed=map[description:SSH cannot be reached since 2026-11-20T12:00:00Z: no route entity:map[$entity:x1] time:]" {
		t.Errorf("got %s", got)
	}
}

func TestSuspender(t *testing.T) {
	p := gowanustest.NewPlayer("org.apache.brooklyn.policy.ha.ConditionalSuspendPolicy", gowanus.Values{keySuppress: "off", keyReset: "on", keyTarget: "scaler"})
	for _, tt := range []struct {
		sensor string
		value  any
		want   string
	}{
		{"off", true, "suspend-policy policy=scaler reason=suspended because of off"}, {"off", false, ""}, {"on", nil, ""},
		{"on", "yes", "resume-policy policy=scaler"},
	} {
		p.Event(tt.sensor, tt.value)
		if got := p.Said(); got != tt.want {
			t.Errorf("%s is %v: got %q, want %q", tt.sensor, tt.value, got, tt.want)
		}
	}
}
