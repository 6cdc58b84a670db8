package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyMode      = "primary.target.mode"
	keySelection = "primary.selection.mode"
	keyPrimary   = "primary.sensor.name"
	keyWeight    = "primary.weight.name"
	keyPromote   = "primary.promote.effector.name"
	keyDemote    = "primary.demote.effector.name"
	keyStopped   = "primary.stopped.wait.timeout"
	keyStarting  = "primary.starting.wait.timeout"

	defaultWeight = "ha.primary.weight"

	sensorState    = "service.state"
	sensorMembers  = "group.members"
	sensorProblems = "service.problems"

	// even is how far apart weights may be and count as the same.
	even = 1e-8
)

// electionKeys are the config keys of the policy, and the input of the step.
func electionKeys() []gowanus.ConfigKey {
	return []gowanus.ConfigKey{
		{Name: keyMode, Type: "string", Default: "auto", Description: "who may be elected: children, members, or auto: members of a group, children of others"},
		{Name: keySelection, Type: "string", Default: "failover", Description: "when the primary changes: failover keeps it while it is well, best always takes the greatest weight, strict likewise and fails when several have it"},
		{Name: keyPrimary, Type: "string", Default: "primary", Description: "the sensor with the primary"},
		{Name: keyWeight, Type: "string", Default: defaultWeight, Description: "the sensor or config key with the weight of a candidate; 0 when it has none; one below 0 is never elected"},
		{Name: keyPromote, Type: "string", Default: "promote", Description: "invoked when one is elected, on this entity or else on that one, with the arguments newPrimary and oldPrimary"},
		{Name: keyDemote, Type: "string", Default: "demote", Description: "likewise when one is primary no more"},
		{Name: keyStopped, Type: "duration", Default: "5s", Description: "how long the best candidate is waited for that does not start"},
		{Name: keyStarting, Type: "duration", Default: "5m", Description: "how long the best candidate is waited for while it starts"},
	}
}

// candidate is one who may be elected.
type candidate struct {
	gowanus.Ref
	weight  float64
	state   string
	well    bool // it runs, is up, and may be elected
	sensors gowanus.Values
}

// election is what an election is about.
type election struct {
	candidates []candidate
	current    string // id of the primary, "" for none
	selection  string
	stopped    time.Duration // the waiting times
	starting   time.Duration
	rising     bool // the entity starts, and so the candidates will
}

// newElection reads an election from config, the entity and what is related to
// it.
func newElection(config gowanus.Values, e *gowanus.Entity, related []gowanus.Related) (*election, error) {
	el := &election{selection: strings.ToLower(def(config, keySelection, "failover")), current: current(config, e), rising: e.Sensors.String(sensorState) == "starting"}
	if !slices.Contains([]string{"failover", "best", "strict"}, el.selection) {
		return nil, &gowanus.Error{Kind: "invalid", At: keySelection, Message: keySelection + ": expected failover, best or strict, got " + el.selection}
	}
	of := strings.ToLower(def(config, keyMode, "auto"))
	switch of {
	case "children", "members":
	case "auto":
		if of = "children"; e.Sensors.Has(sensorMembers) {
			of = "members"
		}
	default:
		return nil, &gowanus.Error{Kind: "invalid", At: keyMode, Message: keyMode + ": expected children, members or auto, got " + of}
	}
	var err error
	if el.stopped, err = config.Duration(keyStopped, 5*time.Second); err != nil {
		return nil, err
	}
	if el.starting, err = config.Duration(keyStarting, 5*time.Minute); err != nil {
		return nil, err
	}
	weight := def(config, keyWeight, defaultWeight)
	for i := range related {
		if r := &related[i]; r.Of == of {
			el.candidates = append(el.candidates, newCandidate(r, weight))
		}
	}
	slices.SortStableFunc(el.candidates, func(a, b candidate) int { return -cmp.Compare(a.weight, b.weight) })
	return el, nil
}

func newCandidate(r *gowanus.Related, weight string) candidate {
	c := candidate{Ref: r.Ref, state: r.Sensors.String(sensorState), sensors: r.Sensors}
	if v, is := r.Sensors[weight].(float64); is {
		c.weight = v
	} else if v, is := r.Config[weight].(float64); is {
		c.weight = v
	}
	c.well = c.state == "running" && r.Sensors[sensorUp] == true && c.weight > -even
	return c
}

func def(config gowanus.Values, key, value string) string {
	if text := config.String(key); text != "" {
		return text
	}
	return value
}

// current gives the id of the primary that the entity tells of.
func current(config gowanus.Values, e *gowanus.Entity) string {
	ref, _ := gowanus.EntityRef(e.Sensors[def(config, keyPrimary, "primary")])
	return ref.ID
}

// find gives a candidate, or nil.
func (e *election) find(id string) *candidate {
	for i := range e.candidates {
		if e.candidates[i].ID == id {
			return &e.candidates[i]
		}
	}
	return nil
}

// hold elects, when the election has lasted for elapsed. wait is not 0 when
// the outcome is open for so long; a nil winner is none.
func (e *election) hold(elapsed time.Duration) (winner *candidate, wait time.Duration, err error) {
	if now := e.find(e.current); now != nil && now.well && e.selection == "failover" {
		return now, 0, nil
	}
	best, patience := e.best()
	if len(best) == 0 {
		patience = e.stopped
	} else {
		if winner, err := e.among(best); winner != nil || err != nil {
			return winner, 0, err
		}
	}
	if left := patience - elapsed; left > 0 {
		return nil, left, nil
	}
	for i := len(best); i < len(e.candidates); i++ {
		if c := &e.candidates[i]; c.well {
			return c, 0, nil
		}
	}
	return nil, 0, nil
}

// best gives those of the greatest weight, and how long they are worth waiting
// for while none of them is well.
func (e *election) best() (best []candidate, patience time.Duration) {
	for i, c := range e.candidates {
		if c.weight <= -even || e.candidates[0].weight-c.weight > even {
			return e.candidates[:i], patience
		}
		if !c.well {
			wait := e.stopped
			if c.state == "starting" || e.rising && c.state != "on-fire" {
				wait = e.starting
			}
			patience = max(patience, wait)
		}
	}
	return e.candidates, patience
}

// among gives the winner among those of the same weight: the present primary,
// else the first that is well.
func (e *election) among(best []candidate) (winner *candidate, err error) {
	for i := range best {
		c := &best[i]
		switch {
		case !c.well:
		case winner == nil:
			winner = c
		case e.selection == "strict":
			return nil, &gowanus.Error{Kind: "conflict", Message: "cannot elect a primary in strict mode: " + winner.Name + " and " + c.Name +
				" have the same weight " + strconv.FormatFloat(c.weight, 'g', -1, 64)}
		case c.ID == e.current:
			winner = c
		}
	}
	return winner, nil
}

// result makes a winner the primary, or none; it gives the code of the outcome.
func (e *election) result(config gowanus.Values, entity *gowanus.Entity, winner *candidate, d *gowanus.Decision) string {
	problem := asMap(entity.Sensors[sensorProblems])["primary"]
	if winner != nil && winner.ID == e.current {
		if problem != nil {
			d.Steps = append(d.Steps, noProblem())
		}
		return "PRIMARY_UNCHANGED"
	}
	sensor := def(config, keyPrimary, "primary")
	d.Sensors = map[string]any{}
	args := map[string]any{"oldPrimary": nil, "newPrimary": nil}
	var old []any
	if e.current != "" {
		args["oldPrimary"], old = gowanus.EntityValue(e.current), []any{gowanus.EntityValue(e.current)}
	}
	if winner != nil {
		args["newPrimary"] = gowanus.EntityValue(winner.ID)
		d.Sensors[sensor] = map[string]any{
			"$entity": winner.ID, "application": winner.Application, "planId": winner.PlanID, "name": winner.Name, "type": winner.Type,
		}
	} else if e.current != "" {
		d.Sensors[sensor] = nil
	}
	self := gowanus.EntityValue(entity.ID)
	if old != nil { // first, so that there are never two; who is gone cannot be asked
		d.Steps = append(d.Steps, turn(config, keyDemote, "demote", append([]any{self}, old...), args, true))
	}
	if winner == nil {
		if problem == nil && (e.current != "" || running(entity.Sensors[sensorExpected])) {
			d.Steps = append(d.Steps, gowanus.Step{Step: "set-sensor", Input: map[string]any{
				"sensor": sensorProblems + "['primary']", "value": "no primary could be found",
			}})
		}
		return "NO_PRIMARY_AVAILABLE"
	}
	d.Steps = append(d.Steps, turn(config, keyPromote, "promote", []any{self, args["newPrimary"]}, args, false))
	if problem != nil {
		d.Steps = append(d.Steps, noProblem())
	}
	return "NEW_PRIMARY_ELECTED"
}

func noProblem() gowanus.Step {
	return gowanus.Step{Step: "clear-sensor", Input: map[string]any{"sensor": sensorProblems + "['primary']"}}
}

// turn calls an effector of the first entity that has it; none need have one
// that config does not name.
func turn(config gowanus.Values, key, name string, entities []any, args map[string]any, lenient bool) gowanus.Step {
	in := map[string]any{"effector": def(config, key, name), "firstOf": entities, "args": args, "lenient": lenient}
	in["optional"] = def(config, key, name) == name
	return gowanus.Step{Step: "invoke-effector", Input: in}
}
