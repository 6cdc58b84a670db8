package main

import (
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	// firstBackoff is how long the policy does not ask for more after a change
	// did not reach its size; it doubles up to lastBackoff.
	firstBackoff = 10 * time.Second
	lastBackoff  = 10 * time.Minute
	// patience is how long a change may take until the policy takes it for lost.
	patience = time.Hour
)

// scaler is what an AutoScalerPolicy remembers. Times are zero when the thing
// is not so.
type scaler struct {
	Wanted    history   `json:"wanted,omitempty"`    // sizes within the bounds
	Unbounded history   `json:"unbounded,omitempty"` // sizes without them
	Bound     bool      `json:"bound,omitempty"`     // the last of them only keeps the bounds
	Weighed   int64     `json:"weighed,omitempty"`   // the size at which the last load was judged
	Due       time.Time `json:"due,omitzero"`        // when the size is to be looked at
	Last      time.Time `json:"last,omitzero"`       // when it was
	From      int64     `json:"from,omitempty"`      // of the change that is on its way
	Target    int64     `json:"target,omitempty"`    // of it too
	Since     time.Time `json:"since,omitzero"`      // when that began; zero when none is
	Failures  int       `json:"failures,omitempty"`  // changes in a row that did not reach their size
	Rest      time.Time `json:"rest,omitzero"`       // until when there is no other
	Told      bool      `json:"told,omitempty"`      // that the cluster cannot grow any more
}

// scaling is one call of the policy.
type scaling struct {
	*scaler
	c    *gowanus.PolicyCall
	cfg  *scalerConfig
	now  time.Time
	out  gowanus.Decision
	size int64
}

func scale(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	s := &scaling{scaler: &scaler{}, c: c}
	var err error
	if s.cfg, err = readScaler(c.Config); err != nil {
		return gowanus.Decision{}, err
	}
	if s.now, err = c.Time(); err != nil {
		return gowanus.Decision{}, err
	}
	if err := c.Recall(s.scaler); err != nil {
		return gowanus.Decision{}, err
	}
	s.size = s.present()
	s.hear()
	s.act()
	s.out.State = gowanus.State(s.scaler)
	return s.out, nil
}

// present gives the size that the cluster has now, which an event that comes
// late does not say.
func (s *scaling) present() int64 {
	if n, ok := number(s.c.Entity.Sensors[s.c.Config.String(keySizeSensor)]); ok {
		return int64(n)
	}
	return int64(len(s.c.Entity.Sensors.List("group.members")))
}

// hear notes what an event says of the size that is wanted.
func (s *scaling) hear() {
	e := s.c.Event
	if e == nil || e.Change != "" {
		return
	}
	own, cfg := e.Source.ID == s.c.Entity.ID, s.c.Config
	switch {
	case own && e.Sensor == sensorResized:
		s.arrived(e.Value)
	case !s.up():
	case own && (e.Sensor == cfg.String(keyHot) || e.Sensor == cfg.String(keyCold)):
		s.pool(e)
	case own && e.Sensor == cfg.String(keyOK):
		s.settled(s.size)
	case own && (e.Sensor == cfg.String(keySizeSensor) || e.Sensor == sensorUp):
		s.bound()
	case e.Sensor == cfg.String(keyMetric) && e.Source.ID == s.measured():
		if metric, ok := number(e.Value); ok {
			s.weigh(&load{size: s.size, metric: metric, low: s.cfg.lower, high: s.cfg.upper})
		}
	}
}

// bound brings a size that somebody else made back within the bounds, and
// forgets that when somebody else did so.
func (s *scaling) bound() {
	within := s.cfg.clamp(s.size)
	switch {
	case !s.Since.IsZero():
	case s.size != within:
		s.want(within)
		s.Bound = true
	case s.Bound:
		s.settled(s.size)
		s.Bound = false
	}
}

// measured gives the id of the entity that has the metric.
func (s *scaling) measured() string {
	if id := entityID(s.c.Config[keyMetricEntity]); id != "" {
		return id
	}
	return s.c.Entity.ID
}

// up tells whether the cluster serves; one that cannot say so does.
func (s *scaling) up() bool {
	up, known := s.c.Entity.Sensors[sensorUp].(bool)
	return up || !known
}

// pool hears that the pool is too small or too large.
func (s *scaling) pool(e *gowanus.Event) {
	m, ok := e.Value.(map[string]any)
	if !ok {
		return
	}
	l := &load{only: "hot"}
	if e.Sensor == s.c.Config.String(keyCold) {
		l.only = "cold"
	}
	values := gowanus.Values(m)
	l.size, l.metric, l.low, l.high = values.Int(poolSize), values.Float(poolWorkrate), values.Float(poolLow), values.Float(poolHigh)
	l.desired = values.Int(poolDesired)
	s.weigh(l)
}

// weigh judges a load and notes what it asks for.
func (s *scaling) weigh(l *load) {
	s.Bound, s.Weighed = false, l.size
	size, unbounded, act := s.cfg.judge(l)
	if !act {
		s.settled(l.size)
	} else {
		s.want(size)
	}
	if s.cfg.reached != "" {
		s.Unbounded = s.Unbounded.add(s.now, unbounded)
		if s.Told = s.Told && unbounded > s.cfg.max; unbounded > s.cfg.max {
			s.schedule()
		}
	}
}

// want notes a size, and that it is to be looked at.
func (s *scaling) want(size int64) {
	s.Wanted = s.Wanted.add(s.now, size)
	s.schedule()
}

// settled notes that the size is right.
func (s *scaling) settled(size int64) {
	s.Wanted = s.Wanted.add(s.now, size)
	if s.cfg.reached != "" {
		s.Unbounded = s.Unbounded.add(s.now, size)
	}
}

func (s *scaling) schedule() {
	due := s.now
	if least := s.Last.Add(s.cfg.period); least.After(due) {
		due = least
	}
	s.Due = soonest(s.Due, due)
}

// arrived hears that a change has come to its end. One that did not reach its
// size is not asked for again at once.
func (s *scaling) arrived(value any) {
	m, _ := value.(map[string]any)
	if s.Since.IsZero() || m["began"] != s.Since.Format(time.RFC3339Nano) {
		return
	}
	s.Since, s.Due = time.Time{}, time.Time{}
	grew := s.Target > s.From
	if grew && s.size >= s.Target || !grew && s.size <= s.Target {
		s.Failures, s.Rest = 0, time.Time{}
	} else {
		s.Rest = s.now.Add(min(firstBackoff<<min(s.Failures, 10), lastBackoff))
		s.Failures++
	}
	if n := len(s.Wanted); grew && n > 0 && s.Weighed < s.size && s.Wanted[n-1].Max < s.size {
		// It was measured while there were fewer: that those were enough, or
		// too few by less, is no reason to shrink.
		s.settled(s.size)
	}
	s.schedule()
}

// act looks at what was wanted over time, once that is due.
func (s *scaling) act() {
	longest := max(s.cfg.upDelay, s.cfg.downDelay)
	s.Wanted, s.Unbounded = s.Wanted.prune(s.now, longest), s.Unbounded.prune(s.now, s.cfg.reachedWait)
	switch {
	case s.Due.IsZero():
		return
	case s.Due.After(s.now):
		s.wake(s.Due)
		return
	case !s.up():
		s.Due = time.Time{} // until it is heard of again
		return
	}
	s.Due, s.Last = time.Time{}, s.now
	next := s.notify()
	if lost := s.Since.Add(patience); !s.Since.IsZero() && s.now.Before(lost) {
		s.Due = lost // or when it has come to its end
		s.wake(soonest(lost, next))
		return
	}
	s.Since = time.Time{}
	next = soonest(next, s.resize())
	if !next.IsZero() {
		if least := s.now.Add(max(s.cfg.period, time.Millisecond)); next.Before(least) {
			next = least
		}
		s.Due = next
		s.wake(next)
	}
}

func (s *scaling) wake(at time.Time) { s.out.WakeAfter = at.Sub(s.now).String() }

// soonest gives the earlier of two times, of which zero is never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// after gives the time at which a summary may be another.
func (s *scaling) after(sums ...summary) (at time.Time) {
	for _, sum := range sums {
		if sum.next > 0 {
			at = soonest(at, s.now.Add(sum.next))
		}
	}
	return at
}

// resize begins a change to what was wanted all the time, and gives when to
// look again.
func (s *scaling) resize() time.Time {
	up, down := s.Wanted.over(s.now, s.cfg.upDelay), s.Wanted.over(s.now, s.cfg.downDelay)
	target := s.size
	switch {
	case s.size < up.min: // the least that was wanted, all the time
		target = up.min
	case s.size > down.max: // the most
		target = down.max
	}
	target = s.cfg.clamp(target)
	if target == s.size {
		return s.after(up, down)
	}
	if s.now.Before(s.Rest) {
		return s.Rest
	}
	s.From, s.Target, s.Since = s.size, target, s.now
	s.out.Steps = append(s.out.Steps, s.operator(target), gowanus.Step{Step: "set-sensor", Input: map[string]any{
		"sensor": sensorResized, "value": map[string]any{"size": target, "began": s.Since.Format(time.RFC3339Nano)},
	}})
	return s.now.Add(patience)
}

// operator gives the step that resizes.
func (s *scaling) operator(size int64) gowanus.Step {
	effector, parameter := "resize", "desiredSize"
	in := map[string]any{"lenient": true}
	switch op := s.c.Config[keyOperator].(type) {
	case string:
		effector = op
	case map[string]any:
		values := gowanus.Values(op)
		if name := values.String("effector"); name != "" {
			effector = name
		}
		if name := values.String("parameter"); name != "" {
			parameter = name
		}
		if id := entityID(op["entity"]); id != "" {
			in["entity"] = gowanus.EntityValue(id)
		}
	}
	in["effector"], in["args"] = effector, map[string]any{parameter: size}
	return gowanus.Step{Step: "invoke-effector", Input: in}
}

// notify tells that more is wanted all the time than the cluster may have, and
// gives when to look again.
func (s *scaling) notify() time.Time {
	if s.cfg.reached == "" {
		return time.Time{}
	}
	sum := s.Unbounded.over(s.now, s.cfg.reachedWait)
	switch {
	case s.Told || sum.latest <= s.cfg.max:
	case sum.min > s.cfg.max:
		s.Told = true
		s.out.Sensors = map[string]any{s.cfg.reached: map[string]any{
			"currentPoolSize": s.size, "maxAllowed": s.cfg.max, "currentUnbounded": sum.latest, "maxUnbounded": sum.min,
			"timeWindow": s.cfg.reachedWait.Milliseconds(),
		}}
	default:
		return s.after(sum)
	}
	return time.Time{}
}
