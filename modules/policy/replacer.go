package main

import (
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyNumber = "failOnNumRecurringFailures"

	sensorReplaced = "ha.replacement.ended"

	// lost is how long a replacement may take until it is taken for lost.
	lost = time.Hour
)

func replacer() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.ServiceReplacer", Kind: gowanus.KindPolicy,
		Aliases:     names("ha", "ServiceReplacer", "service-replacer"),
		Description: "puts a new member in the place of one that fails",
		Config: []gowanus.ConfigKey{
			{Name: keyFailureSensor, Type: "string", Default: sensorRestartFailed, Description: "the sensor of a member that tells of failures"},
			{Name: keyRecurring, Type: "duration", Default: "5m", Description: "how long a replacement that failed counts"},
			{Name: keyNumber, Type: "integer", Default: 1, Description: "how many of these make the policy stop replacing"},
			{Name: keySetOnFire, Type: "boolean", Default: true, Description: "whether the cluster is marked as failed when a replacement fails"},
			suspendTarget(),
		},
		Sensors: []gowanus.Sensor{
			{Name: sensorReplaceFailed, Type: "map", Description: "a member could not be replaced: entity, description and time"},
			{Name: sensorReplaced, Type: "map", Description: "the last replacement has come to its end: member and the time at which it began"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: keyFailureSensor, Of: "members"}, {Sensor: sensorReplaced}},
		Related:     []gowanus.RelatedSpec{{Of: "members"}},
		PolicyEvent: replace,
	}
}

// replacements is what the replacer remembers.
type replacements struct {
	Underway map[string]time.Time `json:"underway,omitempty"` // members that are being replaced, since when
	Failed   []time.Time          `json:"failed,omitempty"`   // replacements that failed, within the window
}

func replace(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	window, err := c.Config.Duration(keyRecurring, 5*time.Minute)
	if err != nil {
		return gowanus.Decision{}, err
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	var r replacements
	if err := c.Recall(&r); err != nil {
		return gowanus.Decision{}, err
	}
	r.Failed = slices.DeleteFunc(r.Failed, func(at time.Time) bool { return now.Sub(at) > window })
	var d gowanus.Decision
	switch e := c.Event; {
	case e == nil || e.Change != "":
	case e.Sensor == sensorReplaced && e.Source.ID == c.Entity.ID:
		d = r.ended(c, gowanus.Values(asMap(e.Value)), now)
	case tells(e.Value) && member(c, e.Source.ID):
		d = r.failed(c, e.Source, now)
	}
	d.State = gowanus.State(r)
	return d, nil
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func member(c *gowanus.PolicyCall, id string) bool {
	return slices.ContainsFunc(c.Related, func(r gowanus.Related) bool { return r.ID == id })
}

// failed begins a replacement, unless one is on its way or too many failed.
func (r *replacements) failed(c *gowanus.PolicyCall, who gowanus.Ref, now time.Time) gowanus.Decision {
	if since, is := r.Underway[who.ID]; is && now.Sub(since) < lost {
		return gowanus.Decision{}
	}
	most := 1
	if c.Config.Has(keyNumber) {
		most = int(c.Config.Int(keyNumber))
	}
	if len(r.Failed) > 0 && len(r.Failed) >= most {
		return giveUp(c, who.ID, who.Name+" failed, and is not replaced any more: "+brief(now.Sub(r.Failed[len(r.Failed)-1]))+" ago a replacement failed")
	}
	if r.Underway == nil {
		r.Underway = map[string]time.Time{}
	}
	r.Underway[who.ID] = now
	return gowanus.Decision{Steps: []gowanus.Step{
		{Step: "invoke-effector", Input: map[string]any{"effector": "replaceMember", "args": map[string]any{"memberId": who.ID}, "lenient": true}},
		{Step: "set-sensor", Input: map[string]any{"sensor": sensorReplaced, "value": map[string]any{
			"member": who.ID, "name": who.Name, "began": now.Format(time.RFC3339Nano),
		}}},
	}}
}

// ended looks at whether the member is gone.
func (r *replacements) ended(c *gowanus.PolicyCall, v gowanus.Values, now time.Time) gowanus.Decision {
	id := v.String("member")
	since, is := r.Underway[id]
	if !is || v.String("began") != since.Format(time.RFC3339Nano) {
		return gowanus.Decision{}
	}
	delete(r.Underway, id)
	if !member(c, id) {
		return gowanus.Decision{}
	}
	r.Failed = append(r.Failed, now)
	return giveUp(c, id, v.String("name")+" could not be replaced")
}

// giveUp tells that a member is not replaced.
func giveUp(c *gowanus.PolicyCall, id, reason string) gowanus.Decision {
	d := gowanus.Decision{Sensors: map[string]any{sensorReplaceFailed: reportOf(id, reason, c.Now)}}
	if onFire, set := c.Config[keySetOnFire].(bool); onFire || !set {
		d.Steps = []gowanus.Step{{Step: "set-on-fire", Input: map[string]any{"reason": reason}}}
	}
	return d
}
