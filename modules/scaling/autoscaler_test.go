package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

// defaults gives config as the engine does, with what a type says of absent
// keys.
func defaults(t gowanus.Type, config gowanus.Values) gowanus.Values {
	out := gowanus.Values{}
	for _, k := range t.Config {
		if v := config[k.Name]; v != nil {
			out[k.Name] = v
		} else if k.Default != nil {
			out[k.Name] = k.Default
		}
	}
	for name := range config {
		if _, known := out[name]; !known {
			panic("no key " + name)
		}
	}
	return out
}

// cluster plays to an AutoScalerPolicy, and resizes as that says.
type cluster struct {
	*gowanustest.Player
	t       *testing.T
	resized []string // the changes, "1→2"
	takes   time.Duration
	refuse  bool // the effector fails
	pending string
}

func newCluster(t *testing.T, size int, config gowanus.Values) *cluster {
	config[keyMetric] = "m"
	p := gowanustest.NewPlayer("org.apache.brooklyn.policy.autoscaling.AutoScalerPolicy", defaults(autoscaler(), config))
	p.Set(sensorCount, size)
	p.Set(sensorUp, true)
	return &cluster{Player: p, t: t}
}

func (c *cluster) size() int { return c.Call.Entity.Sensors[sensorCount].(int) }

// run lets time pass and the cluster do what it is told.
func (c *cluster) run(d time.Duration) {
	c.obey()
	for end := c.Now.Add(d); ; {
		next := end
		if !c.Asleep() && c.Now.Add(c.Wakes()).Before(next) {
			next = c.Now.Add(c.Wakes())
		}
		c.Pass(next.Sub(c.Now))
		c.obey()
		if c.Now.Equal(end) {
			return
		}
	}
}

// obey carries out the steps that were decided on.
func (c *cluster) obey() {
	for said := c.Said(); said != ""; said = c.Said() {
		var want int
		var rest string
		if n, _ := fmt.Sscanf(said, "invoke-effector args=map[desiredSize:%d] effector=resize lenient=true; %s", &want, &rest); n != 2 {
			c.t.Errorf("said %q", said)
			return
		}
		began := said[strings.Index(said, "began:")+6:]
		began = began[:strings.Index(began, " ")]
		c.resized = append(c.resized, fmt.Sprintf("%d→%d", c.size(), want))
		if c.takes > 0 {
			c.Pass(c.takes)
		}
		if !c.refuse {
			c.Event(sensorCount, want)
		}
		c.Event(sensorResized, map[string]any{"size": want, "began": began})
	}
}

// at publishes the metric and says which changes follow within d.
func (c *cluster) at(metric any, d time.Duration, want string) {
	c.t.Helper()
	c.resized = nil
	c.Event("m", metric)
	c.run(d)
	if got := strings.Join(c.resized, " "); got != want {
		c.t.Errorf("metric %v: got %q, want %q", metric, got, want)
	}
}

func TestScaleByMetric(t *testing.T) {
	for _, tt := range []struct {
		name   string
		size   int
		metric float64
		config gowanus.Values
		want   string
	}{
		{"at the upper bound", 1, 100, nil, ""},
		{"above the upper bound", 1, 101, nil, "1→2"},
		{"far above", 1, 1000, nil, "1→10"},
		{"at the lower bound", 2, 50, nil, ""},
		{"below the lower bound", 2, 49, nil, "2→1"},
		{"below, but one less would be too few", 2, 49, gowanus.Values{keyUpper: 60.0}, ""},
		{"never below the least", 2, 1, gowanus.Values{keyMin: 2}, ""},
		{"down to the least", 5, 1, gowanus.Values{keyMin: 2}, "5→2"},
		{"to nothing when that is allowed", 3, 0, gowanus.Values{keyMin: 0}, "3→0"},
		{"nothing stays nothing", 0, 1000, gowanus.Values{keyMin: 0}, ""},
		{"up to the most", 1, 1000, gowanus.Values{keyMax: 6}, "1→6"},
		{"at the most already", 6, 1000, gowanus.Values{keyMax: 6}, ""},
		{"no capacity above", 1, 1000, gowanus.Values{keyHighWater: 4}, "1→4"},
		{"a multiple of the increment up", 5, 120, gowanus.Values{keyUpIncrement: 3}, "5→8"},
		{"at most so many up", 5, 1000, gowanus.Values{keyUpMost: 2}, "5→7"},
		{"none up", 5, 1000, gowanus.Values{keyUpMost: 0}, ""},
		{"a multiple of the increment down", 6, 45, gowanus.Values{keyDownIncrement: 2}, "6→4"},
		{"none down", 6, 1, gowanus.Values{keyDownMost: 0}, ""},
		{"at most so many down", 9, 10, gowanus.Values{keyDownMost: 3}, "9→6"},
		{"without an upper bound", 9, 1000, gowanus.Values{keyUpper: 0.0}, ""},
		{"without a lower bound", 9, 1, gowanus.Values{keyLower: 0.0}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := gowanus.Values{keyLower: 50.0, keyUpper: 100.0}
			for k, v := range tt.config {
				config[k] = v
			}
			c := newCluster(t, tt.size, config)
			c.at(tt.metric, 0, tt.want)
		})
	}
}

// One event asks once: while the same metric stands, nothing more happens
// until it is published again.
func TestScaleStepByStep(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyLower: 50.0, keyUpper: 100.0, keyUpMost: 2})
	c.at(500.0, s, "1→3")
	c.at(200.0, s, "3→5")
	c.at(100.0, s, "")
	c.at(nil, s, "")
	c.at("many", s, "")
}

// Events that come while a change is on its way do not start another one; what
// they ask for counts when it has come to its end.
func TestScaleOneAtATime(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyLower: 50.0, keyUpper: 100.0})
	c.Event("m", 150.0)
	first := c.Said()
	if !strings.HasPrefix(first, "invoke-effector args=map[desiredSize:2]") {
		t.Fatalf("said %q", first)
	}
	for range 5 {
		c.Pass(10 * s)
		c.Event("m", 150.0)
	}
	c.Event("m", 390.0)
	if got := c.Said(); got != "" {
		t.Fatalf("said %q while a change was on its way", got)
	}
	began := first[strings.Index(first, "began:")+6:]
	began = began[:strings.Index(began, " ")]
	c.Event(sensorCount, 2)
	c.Event(sensorResized, map[string]any{"size": 2, "began": "another"})
	if got := c.Said(); got != "" {
		t.Fatalf("said %q", got)
	}
	c.Event(sensorResized, map[string]any{"size": 2, "began": began})
	c.run(s)
	if got := strings.Join(c.resized, " "); got != "2→4" {
		t.Errorf("got %q", got)
	}
}

// What was measured while the cluster grew is no reason to shrink it.
func TestScaleMeasuredWhileGrowing(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyLower: 50.0, keyUpper: 100.0})
	c.Event("m", 400.0)
	said := c.Said()
	began := said[strings.Index(said, "began:")+6:]
	began = began[:strings.Index(began, " ")]
	c.Event(sensorCount, 3)
	c.Pass(s)
	c.Event("m", 90.0) // right for three
	c.Event(sensorCount, 4)
	c.Event(sensorResized, map[string]any{"size": 4, "began": began})
	c.run(time.Minute)
	if len(c.resized) > 0 {
		t.Errorf("got %v", c.resized)
	}
}

// What was measured when all members were there counts, though the change that
// brought them has not yet said that it is over.
func TestScaleMeasuredBeforeTheEnd(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyLower: 50.0, keyUpper: 100.0})
	c.Event("m", 200.0)
	said := c.Said()
	began := said[strings.Index(said, "began:")+6:]
	began = began[:strings.Index(began, " ")]
	c.Event(sensorCount, 2)
	c.Event("m", 10.0)
	c.Event(sensorResized, map[string]any{"size": 2, "began": began})
	c.run(time.Minute)
	if got := strings.Join(c.resized, " "); got != "2→1" {
		t.Errorf("got %q", got)
	}
}

func TestScaleStabilization(t *testing.T) {
	config := func() gowanus.Values {
		return gowanus.Values{keyLower: 50.0, keyUpper: 100.0, keyUpDelay: "10s", keyDownDelay: "30s"}
	}
	c := newCluster(t, 1, config())
	c.at(200.0, 9*s, "")
	c.at(200.0, s, "1→2") // ten seconds after the first

	// The least that was wanted all the time.
	c = newCluster(t, 1, config())
	c.at(400.0, 5*s, "")
	c.at(200.0, 4*s, "")
	c.at(300.0, s, "1→2")
	c.at(nil, 4*s, "")

	// A pause starts it anew.
	c = newCluster(t, 1, config())
	c.at(400.0, 5*s, "")
	c.at(80.0, 1*s, "")
	c.at(400.0, 9*s, "")
	c.at(nil, 1*s, "1→4")

	// Down, the most that was wanted.
	c = newCluster(t, 4, config())
	c.at(10.0, 29*s, "")
	c.at(10.0, s, "4→1")
	c = newCluster(t, 4, config())
	c.at(10.0, 20*s, "")
	c.at(40.0, 10*s, "4→3")
	c.at(13.0, 20*s, "")
	c.at(nil, 10*s, "3→1")
}

func TestScaleLeastPeriod(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyLower: 50.0, keyUpper: 100.0, keyPeriod: "20s"})
	c.at(200.0, s, "1→2")
	c.at(200.0, 18*s, "")
	c.at(nil, 2*s, "2→4")
}

func TestScaleByPool(t *testing.T) {
	pool := func(size, rate, low, high float64) map[string]any {
		return map[string]any{poolSize: size, poolWorkrate: rate, poolLow: low, poolHigh: high}
	}
	c := newCluster(t, 2, gowanus.Values{})
	tell := func(sensor string, v map[string]any, want string) {
		t.Helper()
		c.resized = nil
		c.Event(sensor, v)
		c.run(s)
		if got := strings.Join(c.resized, " "); got != want {
			t.Errorf("%s %v: got %q, want %q", sensor, v, got, want)
		}
	}
	tell("resizablepool.hot", pool(2, 0.8125, 0.25, 0.75), "2→3")
	tell("resizablepool.cold", pool(3, 0.01, 0.25, 0.75), "3→1")
	tell("resizablepool.hot", pool(1, 0.5, 0.25, 0.75), "")
	tell("resizablepool.cold", pool(1, 0.9, 0.25, 0.75), "")
	tell("resizablepool.hot", map[string]any{poolSize: 1.0, poolHigh: 0.0, poolDesired: 4.0}, "1→4")
	tell("resizablepool.ok", pool(4, 0.5, 0.25, 0.75), "")
	tell("resizablepool.hot", nil, "")

	// What is right again is not acted upon any more.
	c = newCluster(t, 2, gowanus.Values{keyUpDelay: "10s"})
	tell("resizablepool.hot", pool(2, 1, 0.25, 0.5), "")
	tell("resizablepool.ok", pool(2, 0.4, 0.25, 0.5), "")
	c.run(time.Minute)
	if len(c.resized) > 0 {
		t.Errorf("got %v", c.resized)
	}
}

func TestScaleOnlyWhileUp(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyUpper: 100.0})
	c.Set(sensorUp, false)
	c.at(500.0, time.Minute, "")
	c.Event(sensorUp, true)
	c.run(time.Minute)
	if len(c.resized) > 0 {
		t.Errorf("what was measured while it was down counted: %v", c.resized)
	}
	c.at(200.0, s, "1→2")
}

// A size that somebody else made is brought back within the bounds.
func TestScaleKeepsBounds(t *testing.T) {
	c := newCluster(t, 3, gowanus.Values{keyMin: 2, keyMax: 4})
	for size, want := range map[int]string{6: "6→4", 1: "1→2", 3: ""} {
		c.resized = nil
		c.Event(sensorCount, size)
		c.run(s)
		if got := strings.Join(c.resized, " "); got != want {
			t.Errorf("size %d: got %q, want %q", size, got, want)
		}
	}
}

// Events of a cluster that started may come when it has started for long: what
// counts is its size now.
func TestScaleLateEvents(t *testing.T) {
	c := newCluster(t, 2, gowanus.Values{keyUpper: 100.0, keyUpDelay: "6s"})
	for _, size := range []any{0, 1, 2} {
		call := c.Call
		call.Now = c.Now.Format(time.RFC3339Nano)
		call.Event = &gowanus.Event{Sensor: sensorCount, Value: size, Source: c.Call.Entity.Ref}
		d, err := gowanustest.Policy(call)
		if err != nil || len(d.Steps) > 0 || d.WakeAfter != "" {
			t.Errorf("size %v: got %+v, %v", size, d, err)
		}
		c.Call.State = d.State
	}
	c.run(time.Minute)
	if len(c.resized) > 0 {
		t.Errorf("got %v", c.resized)
	}
}

// The bounds are kept at once, whatever the delays; a size within them that
// somebody else makes then stays.
func TestScaleBoundsAtOnce(t *testing.T) {
	c := newCluster(t, 3, gowanus.Values{keyMax: 4, keyUpDelay: "1m", keyDownDelay: "1m"})
	c.Event(sensorCount, 6)
	c.run(s)
	c.Event(sensorCount, 3)
	c.run(time.Hour)
	if got := strings.Join(c.resized, " "); got != "6→4" {
		t.Errorf("got %q", got)
	}
}

// A cluster that cannot grow is not asked again and again.
func TestScaleBacksOff(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyUpper: 100.0})
	c.refuse = true
	c.at(200.0, 9*s, "1→2")
	c.at(200.0, 2*s, "1→2")
	c.at(200.0, 18*s, "")
	c.at(200.0, 3*s, "1→2")
	c.resized = nil
	c.run(time.Hour)
	if n := len(c.resized); n < 5 || n > 12 {
		t.Errorf("asked %d times within an hour", n)
	}
	c.refuse = false
	c.run(10 * time.Minute)
	c.at(150.0, s, "2→3")
}

func TestScaleTellsOfTheMost(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyUpper: 100.0, keyMax: 2, keyReached: "full", keyReachedDelay: "10s"})
	c.at(150.0, s, "1→2")
	told := func() any {
		v := c.Call.Entity.Sensors["full"]
		delete(c.Call.Entity.Sensors, "full")
		return v
	}
	wait := func(metric float64, d time.Duration) any {
		c.Event("m", metric)
		c.Pass(d)
		c.Said()
		return told()
	}
	if v := wait(400, 9*s); v != nil {
		t.Errorf("told too early: %v", v)
	}
	v := wait(300, 2*s)
	if got := fmt.Sprint(v); got != "map[currentPoolSize:2 currentUnbounded:6 maxAllowed:2 maxUnbounded:6 timeWindow:10000]" {
		t.Errorf("got %v", got)
	}
	if v := wait(500, time.Minute); v != nil {
		t.Errorf("told again: %v", v)
	}
	wait(90, s) // it is over
	if v := wait(500, time.Minute); v == nil {
		t.Error("the second time was not told")
	}
}

func TestScaleOtherOperators(t *testing.T) {
	for _, tt := range []struct {
		operator any
		want     string
	}{
		{"grow", "invoke-effector args=map[desiredSize:2] effector=grow lenient=true"},
		{map[string]any{"effector": "scale", "parameter": "replicas", "entity": map[string]any{"$entity": "x2"}},
			"invoke-effector args=map[replicas:2] effector=scale entity=map[$entity:x2] lenient=true"},
	} {
		c := newCluster(t, 1, gowanus.Values{keyUpper: 100.0, keyOperator: tt.operator, keySizeSensor: "replicas", keyMetricEntity: map[string]any{"$entity": "x9"}})
		c.Set("replicas", 1)
		c.Event("m", 150.0) // of the wrong entity
		if got := c.Said(); got != "" {
			t.Errorf("got %q", got)
		}
		c.Of("x9", "m", 150.0)
		if got, _, _ := strings.Cut(c.Said(), "; "); got != tt.want {
			t.Errorf("got %q", got)
		}
	}
}

// A change whose end is never told does not stop the policy for good.
func TestScaleLostChange(t *testing.T) {
	c := newCluster(t, 1, gowanus.Values{keyUpper: 100.0})
	c.Event("m", 150.0)
	c.Said()
	c.Pass(59 * time.Minute)
	if got := c.Said(); got != "" {
		t.Errorf("said %q", got)
	}
	c.Pass(2 * time.Minute)
	if got := c.Said(); !strings.HasPrefix(got, "invoke-effector args=map[desiredSize:2]") {
		t.Errorf("said %q", got)
	}
}

func TestScaleConfig(t *testing.T) {
	for _, tt := range []struct {
		config gowanus.Values
		want   string
	}{
		{gowanus.Values{keyMin: 5, keyMax: 4}, "autoscaler.minPoolSize is 5, which is more than autoscaler.maxPoolSize, 4"},
		{gowanus.Values{keyMin: -1}, "autoscaler.minPoolSize: expected 0 or more, got -1"},
		{gowanus.Values{keyUpIncrement: 0}, "autoscaler.resizeUpIterationIncrement: expected 1 or more, got 0"},
		{gowanus.Values{keyUpDelay: "soon"}, `autoscaler.resizeUpStabilizationDelay: expected a duration such as "30s" or "1m 30s", got soon`},
	} {
		c := newCluster(t, 1, tt.config)
		c.Event("m", 1.0)
		if got := c.Said(); got != "error "+tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	now := time.UnixMilli(0)
	for i := range 10_000 {
		now = now.Add(s)
		h = h.add(now, int64(i%7))
	}
	if len(h) > maxPoints {
		t.Errorf("%d points", len(h))
	}
	if got := h.over(now, 9000*s); got.min != 0 || got.max != 6 {
		t.Errorf("over all: %+v", got)
	}
	if got := h.over(now, 2*s); got.min != 1 || got.max != 3 || got.latest != 3 || got.next != s {
		t.Errorf("over two seconds: %+v", got)
	}
	if got := h.over(now, 100_000*s); got.min != math.MinInt64 || got.max != math.MaxInt64 {
		t.Errorf("beyond the beginning: %+v", got)
	}
	if got := history(nil).over(now, 0); got.latest != -1 || got.next != 0 {
		t.Errorf("empty: %+v", got)
	}
	if got := h.prune(now, 2*s); len(got) != 3 {
		t.Errorf("%d points are left", len(got))
	}
}
