package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// fragile is a member that starts only if it is told that it may.
type fragile struct{}

func (fragile) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if c.Effector == "start" {
		return &hook.Decision{Steps: []hook.Step{{Step: "luck"}}}, nil
	}
	return &hook.Decision{}, nil
}

func (fragile) Continue(context.Context, *hook.EffectorCall) (*hook.Decision, error) { return nil, nil }

type lab struct {
	t     testing.TB
	e     *engine.Engine
	app   *entity.Entity
	fails atomic.Int32 // so many starts fail
}

func begin(t testing.TB, config string) *lab {
	t.Helper()
	l := &lab{t: t}
	l.open()
	l.deploy(config)
	return l
}

func (l *lab) open() {
	t := l.t
	t.Helper()
	member := &catalog.Type{
		Type:   hook.Type{Name: "member", Kind: catalog.Entity, Effectors: []hook.Effector{{Name: "start"}, {Name: "stop"}}},
		Entity: fragile{},
	}
	var err error
	l.e, err = engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: slices.Concat(stock.Types(), cluster.Types(), []*catalog.Type{member}),
		Actions: []action.Action{{Name: "luck", Run: func(context.Context, *action.Call) (any, error) {
			if l.fails.Add(-1) >= 0 {
				return nil, errors.New("no luck")
			}
			return nil, nil
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.e.Close(context.Background()) })
}

func (l *lab) deploy(config string) {
	l.t.Helper()
	text := `
services:
- type: dynamic-cluster
  name: the cluster
  brooklyn.config:
    memberSpec:
      $brooklyn:entitySpec:
        type: member
        brooklyn.config: {me: $brooklyn:entityId(), of: $brooklyn:parent().entityId()}
` + config
	app, start, err := l.e.Deploy(l.t.Context(), engine.Request{Text: []byte(text)})
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := start.Wait(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.app = app.Children()[0]
}

func (l *lab) invoke(effector string, args map[string]any) (any, error) {
	l.t.Helper()
	task, err := l.e.Invoke(l.t.Context(), l.app, effector, args)
	if err != nil {
		return nil, err
	}
	return task.Wait(l.t.Context())
}

// numbers gives the members by their numbers.
func (l *lab) numbers() string {
	var out []string
	for _, m := range l.app.Members() {
		v, _ := m.OwnConfig("cluster.member.id")
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " ")
}

func TestResize(t *testing.T) {
	l := begin(t, "    initialSize: 3\n")
	for _, step := range []struct {
		effector string
		args     map[string]any
		result   any
		numbers  string
	}{
		{"resize", map[string]any{"desiredSize": "3"}, int64(3), "0 1 2"},
		{"resize", map[string]any{"desiredSize": 1}, int64(1), "0"},
		{"resizeByDelta", map[string]any{"delta": 2}, int64(3), "0 3 4"},
		{"resizeByDelta", map[string]any{"delta": -9}, int64(0), ""},
		{"resize", map[string]any{"desiredSize": 2}, int64(2), "5 6"},
	} {
		got, err := l.invoke(step.effector, step.args)
		if got != step.result || err != nil || l.numbers() != step.numbers {
			t.Fatalf("%s(%v) gave %v, %v and members %q; want %v and %q", step.effector, step.args, got, err, l.numbers(), step.result, step.numbers)
		}
		if n, _ := l.app.Sensor("group.members.count"); n != int64(len(l.app.Children())) {
			t.Errorf("the count is %v of %d children", n, len(l.app.Children()))
		}
	}
	first := l.app.Members()[0]
	for key, want := range map[string]any{"me": string(first.ID()), "of": string(l.app.ID())} {
		if v, err := first.Config(t.Context(), key); v != want {
			t.Errorf("%s of a member is %v, %v; want %v", key, v, err, want)
		}
	}
}

func TestReplace(t *testing.T) {
	l := begin(t, "    initialSize: 2\n")
	old := l.app.Members()[0]
	if _, err := l.invoke("replaceMember", map[string]any{"memberId": string(old.ID())}); err != nil || l.numbers() != "1 2" {
		t.Errorf("%v, members %s", err, l.numbers())
	}
	if !old.Gone() {
		t.Error("the old member is still there")
	}
	if _, err := l.invoke("replaceMember", map[string]any{"memberId": "nobody"}); err == nil || !strings.Contains(err.Error(), "entity nobody cannot be resolved") {
		t.Errorf("error %v", err)
	}
}

func TestMembersThatDoNotStart(t *testing.T) {
	l := begin(t, "    initialSize: 1\n    maxSize: 3\n")
	l.fails.Store(1)
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(2) || err != nil || len(l.app.Children()) != 3 {
		t.Errorf("resize gave %v, %v, %d children; want 2 members of 3", n, err, len(l.app.Children()))
	}
	l.fails.Store(1)
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 3}); err == nil || !strings.Contains(err.Error(), "1 of 1 members did not start") {
		t.Errorf("error %v", err)
	}
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 4}); err == nil || !strings.Contains(err.Error(), "cluster.max.size is 3") {
		t.Errorf("error %v", err)
	}
}

func TestFailedMembersAreDiscarded(t *testing.T) {
	l := begin(t, "    initialSize: 1\n    quarantineFailedEntities: false\n")
	l.fails.Store(1)
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(2) || err != nil || len(l.app.Children()) != 2 {
		t.Errorf("resize gave %v, %v, %d children; want 2", n, err, len(l.app.Children()))
	}
}

func TestAMemberThatIsRemovedLeaves(t *testing.T) {
	l := begin(t, "    initialSize: 2\n")
	gone, err := l.e.Expunge(t.Context(), l.app.Members()[0], true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Wait(t.Context()); err != nil || l.numbers() != "1" {
		t.Errorf("%v, members %q", err, l.numbers())
	}
}

// quarantine gives the group of those that did not start.
func (l *lab) quarantine() *entity.Entity {
	for _, c := range l.app.Children() {
		if c.Type() == "org.apache.brooklyn.entity.group.QuarantineGroup" {
			return c
		}
	}
	return nil
}

func TestQuarantine(t *testing.T) {
	l := begin(t, "    initialSize: 1\n")
	if l.quarantine() != nil {
		t.Error("there is a quarantine before anything failed")
	}
	l.fails.Store(2)
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 4}); n != int64(2) || err != nil {
		t.Fatalf("resize gave %v, %v", n, err)
	}
	q := l.quarantine()
	if q == nil || len(q.Members()) != 2 || len(q.Children()) != 2 || len(l.app.Members()) != 2 || l.app.State() != entity.Running {
		t.Fatalf("quarantine %v; the cluster is %s", q, l.app.State())
	}
	if v, _ := l.app.Sensor("dynamiccluster.quarantineGroup"); v.(map[string]any)["$entity"] != string(q.ID()) {
		t.Errorf("the sensor says %v", v)
	}
	sick := q.Members()[0]
	if sick.State() != entity.OnFire || sick.Parent() != q {
		t.Errorf("%s, below %s", sick.State(), sick.Parent().Name())
	}
	l.fails.Store(0)
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 3}); err != nil || !strings.HasSuffix(l.numbers(), " 4") {
		t.Errorf("%v, members %s: a number in quarantine was used again", err, l.numbers())
	}
	if _, err := l.invoke("stop", nil); err != nil || sick.State() != entity.Stopped {
		t.Errorf("%v; one in quarantine is %s when the cluster has stopped", err, sick.State())
	}
	task, err := l.e.Invoke(t.Context(), q, "expungeMembers", map[string]any{"firstStop": true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := task.Wait(t.Context()); err != nil || len(q.Children()) != 0 || len(q.Members()) != 0 || !sick.Gone() {
		t.Errorf("%v, %d left in quarantine", err, len(q.Children()))
	}
}

func TestQuarantineFilter(t *testing.T) {
	for filter, kept := range map[string]int{
		"{error-field: message, regex: '.*no luck.*'}": 1, "{error-field: message, regex: 'other'}": 0, "{when: never}": 0,
	} {
		l := begin(t, "    initialSize: 1\n    quarantineFilter: "+filter+"\n")
		l.fails.Store(1)
		if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(2) || err != nil {
			t.Errorf("%s: %v, %v", filter, n, err)
		}
		got := 0
		if q := l.quarantine(); q != nil {
			got = len(q.Members())
		}
		if got != kept {
			t.Errorf("%s: %d in quarantine, want %d", filter, got, kept)
		}
	}
}

func TestRemovalStrategies(t *testing.T) {
	object := func(typ, fields string) string {
		return "{$brooklyn:object: {type: org.apache.brooklyn.entity.group." + typ + ", brooklyn.config: {" + fields + "}}}"
	}
	for strategy, want := range map[string]string{
		"newest":                                 "0 1 2",
		"oldest":                                 "2 3 4",
		"{sensor: idle, equals: true}":           "0 2 3",
		"[{sensor: idle, equals: true}, oldest]": "2 3 4", // 1 and, since no other is idle, 0
		"{config: cluster.member.id, less-than: 2}":                                                          "2 3 4",
		object("DynamicClusterImpl$DefaultRemovalStrategy", ""):                                              "0 1 2",
		object("SensorMatchingRemovalStrategy", "sensor.matching.sensor: idle, sensor.matching.value: true"): "0 2 3",
		object("SensorMatchingRemovalStrategy", "sensor.matching.sensor: $brooklyn:sensor(\"busy\")"):        "0 1 2",
		object("EntityPredicateRemovalStrategy", "predicate: {sensor: idle, when: truthy}"):                  "0 2 3",
		object("EntityPredicateRemovalStrategy", ""):                                                         "0 1 2",
		object("FirstFromRemovalStrategy", "firstfrom.strategies: ["+object("SensorMatchingRemovalStrategy", "sensor.matching.sensor: idle, sensor.matching.value: true")+", oldest]"): "2 3 4",
	} {
		l := begin(t, "    initialSize: 5\n    removalStrategy: "+strategy+"\n")
		l.app.Members()[1].Set("idle", true)
		if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(3) || err != nil || l.numbers() != want {
			t.Errorf("%s: %v, %v, members %s; want %s", strategy, n, err, l.numbers(), want)
		}
	}
	l := begin(t, "    initialSize: 3\n    removalStrategy: random\n")
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 1}); n != int64(1) || err != nil || len(l.app.Members()) != 1 {
		t.Errorf("random: %v, %v", n, err)
	}
}

func TestBadRemovalStrategies(t *testing.T) {
	for strategy, want := range map[string]string{
		"newes":            `unknown removal strategy "newes"; did you mean "newest"?; expected newest, oldest, random, a predicate or a list of these`,
		"5":                "removal strategy 5: expected newest, oldest, random, a predicate or a list of these",
		"{sensr: x}":       `unknown key "sensr" of a predicate; did you mean "sensor"?`,
		"[oldest, eldest]": `unknown removal strategy "eldest"`,
		"{$brooklyn:object: {type: org.apache.brooklyn.entity.group.FirstFromRemovalStrategy}}":      "expected a list of strategies in firstfrom.strategies",
		"{$brooklyn:object: {type: org.apache.brooklyn.entity.group.SensorMatchingRemovalStrategy}}": "expected the name of a sensor in sensor.matching.sensor",
		"{$brooklyn:object: {type: org.apache.brooklyn.entity.group.FirstForRemovalStrategy}}":       `unknown removal strategy "org.apache.brooklyn.entity.group.FirstForRemovalStrategy"; did you mean "org.apache.brooklyn.entity.group.FirstFromRemovalStrategy"?`,
	} {
		l := begin(t, "    initialSize: 2\n")
		// Written later, so that it is not refused at once.
		var raw any
		if err := yaml(strategy, &raw); err != nil {
			t.Fatal(err)
		}
		if err := l.app.SetConfig(t.Context(), "removalStrategy", raw); err != nil {
			t.Fatal(err)
		}
		if _, err := l.invoke("resize", map[string]any{"desiredSize": 1}); err == nil || !strings.Contains(err.Error(), want) || l.numbers() != "0 1" {
			t.Errorf("%s: members %s, error %v\n want %s", strategy, l.numbers(), err, want)
		}
	}
}

func yaml(text string, to *any) error {
	n, err := yamlpos.Parse("test", []byte(text), yamlpos.Limits{})
	if err == nil {
		*to = n.Any()
	}
	return err
}

// What is known to be wrong is refused at once, with its place.
func TestBadConfig(t *testing.T) {
	l := &lab{t: t}
	l.open()
	for config, want := range map[string]string{
		"removalStrategy: [oldest, eldest]": `blueprint:4:29: unknown removal strategy "eldest"`,
		"removalStrategy: {sensr: x}":       `blueprint:4:21: unknown key "sensr" of a predicate; did you mean "sensor"?`,
		"quarantineFilter: {regx: x}":       `unknown key "regx" of a predicate; did you mean "regex"?`,
		"restartMode: serial":               `Invalid value for dynamiccluster.restartMode`,
	} {
		_, _, err := l.e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- type: dynamic-cluster\n  memberSpec: {$brooklyn:entitySpec: {type: member}}\n  " + config + "\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\n want %s", config, err, want)
		}
	}
}

func TestRestartModes(t *testing.T) {
	for mode, want := range map[string]string{
		"parallel": "", "sequential": "", "off": "restart of the cluster is not supported: dynamiccluster.restartMode is off",
	} {
		l := begin(t, "    initialSize: 2\n    restartMode: "+mode+"\n")
		_, err := l.invoke("restart", nil)
		if want == "" && (err != nil || l.numbers() != "0 1" || l.app.State() != entity.Running) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, members %s, %s", mode, err, l.numbers(), l.app.State())
		}
	}
}

func TestZones(t *testing.T) {
	l := begin(t, "    initialSize: 3\n    enableAvailabilityZones: true\n    availabilityZoneNames: [north, south]\n")
	zones := func() string {
		var out []string
		for _, m := range l.app.Members() {
			v, _ := m.OwnConfig("cluster.member.zone")
			out = append(out, fmt.Sprint(v))
		}
		return strings.Join(out, " ")
	}
	if zones() != "north south north" {
		t.Errorf("zones %s", zones())
	}
	for size, want := range map[int]string{2: "north south"} {
		if _, err := l.invoke("resize", map[string]any{"desiredSize": size}); err != nil || zones() != want {
			t.Errorf("size %d: %v, zones %s; want %s", size, err, zones(), want)
		}
	}
	l.fails.Store(4) // two in each zone, of three and two starts
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 6}); err == nil {
		t.Error("it became larger")
	}
	if v, _ := l.app.Sensor("dynamiccluster.failedSubLocations"); fmt.Sprint(v) != "[]" {
		t.Errorf("failed zones %v, though half of the starts went well", v)
	}
	if v, _ := l.app.Sensor("dynamiccluster.subLocations"); fmt.Sprint(v) != "[north south]" {
		t.Errorf("zones %v", v)
	}
}

func TestAFailedZoneIsLeftOut(t *testing.T) {
	l := begin(t, "    initialSize: 0\n    enableAvailabilityZones: true\n    availabilityZoneNames: [north, south]\n    maxConcurrentChildCommands: 1\n")
	// One after the other: those for north fail.
	l.fails.Store(1)
	if _, err := l.invoke("resizeByDelta", map[string]any{"delta": 2}); err != nil {
		t.Fatal(err)
	}
	l.fails.Store(1)
	if _, err := l.invoke("resizeByDelta", map[string]any{"delta": 1}); err == nil { // north, which has no member
		t.Fatal("it became larger")
	}
	if v, _ := l.app.Sensor("dynamiccluster.failedSubLocations"); fmt.Sprint(v) != "[north]" {
		t.Fatalf("failed zones %v", v)
	}
	if _, err := l.invoke("resizeByDelta", map[string]any{"delta": 2}); err != nil {
		t.Fatal(err)
	}
	for _, m := range l.app.Members() {
		if v, _ := m.OwnConfig("cluster.member.zone"); v != "south" {
			t.Errorf("a member is in %v", v)
		}
	}
}

func TestZoneFailureDetector(t *testing.T) {
	for config, want := range map[string]string{
		"{minDatapoints: 1}": "[north]", "{minDatapoints: 1, timeToConsider: 1h, maxProportionFailures: 1}": "[north]", "{minDatapoints: 3}": "[]",
		"{minDatapoint: 1}":          `unknown key "minDatapoint"; did you mean "minDatapoints"?`,
		"{timeToConsider: soon}":     "timeToConsider: ",
		"{maxProportionFailures: 2}": "maxProportionFailures: expected a part between 0 and 1, not 2",
	} {
		l := begin(t, "    initialSize: 0\n    enableAvailabilityZones: true\n    availabilityZoneNames: [north, south]\n    zoneFailureDetector: "+config+"\n")
		l.fails.Store(1)
		_, err := l.invoke("resize", map[string]any{"desiredSize": 1})
		if v, _ := l.app.Sensor("dynamiccluster.failedSubLocations"); fmt.Sprint(v) != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: failed %v, error %v; want %s", config, v, err, want)
		}
	}
}

func TestZonesNeedALocation(t *testing.T) {
	l := begin(t, "    initialSize: 0\n    enableAvailabilityZones: true\n")
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 1}); err == nil || !strings.Contains(err.Error(), "spreads over zones; give it a location, or the zones in dynamiccluster.availabilityZones") {
		t.Errorf("error %v", err)
	}
}

func TestOneAndAllMembersUp(t *testing.T) {
	l := begin(t, "    initialSize: 2\n")
	check := func(want any) {
		t.Helper()
		if v, _ := l.app.Sensor("cluster.one_and_all.members.up"); v != want {
			t.Errorf("%v, want %v", v, want)
		}
	}
	check(true)
	second := l.app.Members()[1]
	second.Indicate("test", "down")
	check(false)
	second.Indicate("test", "")
	check(true)
	second.Indicate("test", "down")
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 1}); err != nil {
		t.Fatal(err)
	}
	check(true)
	if _, err := l.invoke("resize", map[string]any{"desiredSize": 0}); err != nil {
		t.Fatal(err)
	}
	check(false)
}

func TestMembersKnowTheirCluster(t *testing.T) {
	l := begin(t, "    initialSize: 1\n")
	m := l.app.Members()[0]
	of, _ := m.Sensor("cluster.entity")
	if is, _ := m.Sensor("cluster.member"); is != true || of.(map[string]any)["$entity"] != string(l.app.ID()) {
		t.Errorf("cluster.member %v, cluster.entity %v", is, of)
	}
}

// Changes of the size take turns, so that each sees what the one before left.
func TestResizesTakeTurns(t *testing.T) {
	l := begin(t, "    initialSize: 0\n")
	var tasks []*task.Task
	for range 8 {
		for _, call := range []struct {
			effector string
			args     map[string]any
		}{{"resizeByDelta", map[string]any{"delta": 1}}, {"resize", map[string]any{"desiredSize": 3}}} {
			started, err := l.e.Invoke(t.Context(), l.app, call.effector, call.args)
			if err != nil {
				t.Fatal(err)
			}
			tasks = append(tasks, started)
		}
	}
	for _, started := range tasks {
		if _, err := started.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := len(l.app.Members()); n < 3 || n > 11 || n != len(l.app.Children()) {
		t.Errorf("%d members, %d children", n, len(l.app.Children()))
	}
	seen := map[any]bool{}
	for _, m := range l.app.Members() {
		v, _ := m.OwnConfig("cluster.member.id")
		if seen[v] {
			t.Errorf("two members have the number %v", v)
		}
		seen[v] = true
	}
	if n, err := l.invoke("resize", map[string]any{"desiredSize": 3}); n != int64(3) || err != nil || len(l.app.Members()) != 3 {
		t.Errorf("%v, %v", n, err)
	}
}
