package scenario

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// maxTimers is how many timers may fire within one call of a scenario; a module
// that asks to be woken again at once would never end.
const maxTimers = 1000

// play is one run of a scenario.
type play struct {
	m *Module
	s *Scenario
	w *world
	t *catalog.Type // nil for a raw call and for strategies

	config map[string]any // of the type
	now    time.Time
	state  json.RawMessage
	timer  time.Time // zero: none

	run      *hook.EffectorCall // the workflow of the last effector, step or plan
	network  *hook.NetworkCall
	machines *hook.LocationCall
	pending  []hook.Step // whose outputs a continue call brings
	token    string
	outputs  []hook.Output

	placing *placing
	net     *hook.Network
	hosts   []hook.NetworkHost

	result *Result
}

// answer is one thing that the module said within a call.
type answer struct {
	what string // was asked
	now  time.Time
	said map[string]any
}

// Play plays a scenario. What is wrong is in the Result; the error is that of
// ctx.
func (m *Module) Play(ctx context.Context, s *Scenario) (*Result, error) {
	p := &play{m: m, s: s, now: s.now, result: &Result{Name: s.Name, At: s.Pos}}
	m.recorder.impure = nil
	defer func() { m.recorder.world = nil }()
	if err := p.begin(); err != nil {
		p.result.broken(s.Pos, err)
		return p.result, nil
	}
	for i, c := range s.calls {
		answers, err := p.call(ctx, c)
		if ctx.Err() != nil {
			return p.result, ctx.Err()
		}
		label := callLabel(s, i)
		if err != nil {
			p.result.broken(c.pos, err)
			return p.result, nil // what follows would not mean what it says
		}
		p.result.Calls += len(answers)
		p.judge(c, label, answers)
		for _, d := range m.recorder.impure {
			p.result.add(Problem{At: c.pos, Call: label, Message: d.what, Diff: d.diff})
		}
		m.recorder.impure = nil
	}
	return p.result, nil
}

// begin makes what the scenario simulates.
func (p *play) begin() (err error) {
	if err := p.m.grant(p.s); err != nil {
		return err
	}
	if p.s.kind == "" {
		return nil
	}
	if p.w, err = newWorld(p.s); err != nil {
		return err
	}
	p.m.recorder.world = p.w
	if p.s.kind == catalog.Strategy {
		p.placing, err = p.m.place(p.s, p.w)
		return err
	}
	if p.t, err = p.m.find(p.s.kind, p.s.subject.typ); err != nil {
		return at(p.s.subject.pos, "%s", err)
	}
	if p.config, err = settle(&p.t.Type, p.s.subject.config, p.w); err != nil {
		return err
	}
	if p.s.kind == catalog.Network {
		if p.hosts, err = networkHosts(p.s.hosts); err != nil {
			return err
		}
		p.net, err = p.networkOf(p.s.network)
	}
	return err
}

// call lets the time pass, with the timers that fire, and then asks.
func (p *play) call(ctx context.Context, c *call) ([]answer, error) {
	answers, err := p.pass(ctx, c)
	if err != nil {
		return answers, err
	}
	if p.w != nil {
		p.w.own.change(c.sensors, nil)
		for _, b := range c.entities {
			known, err := p.w.find(b.id, b.pos)
			if err != nil {
				return answers, err
			}
			known.change(b.sensors, b.config)
		}
	}
	if !p.s.asks(c) {
		return answers, nil
	}
	a, err := p.ask(ctx, c)
	if err != nil {
		return answers, err
	}
	a.now = p.now
	return append(answers, a), nil
}

// pass advances the clock.
func (p *play) pass(ctx context.Context, c *call) (answers []answer, err error) {
	until := p.now.Add(c.after)
	for !p.timer.IsZero() && !p.timer.After(until) {
		if len(answers) == maxTimers {
			return answers, at(c.pos, "more than %d timers fired while the time passed to %s: the module asks to be woken again at once", maxTimers, clock(until))
		}
		p.now, p.timer = p.timer, time.Time{}
		p.m.cover(p.t.Name, p.hookOf(), branchTimer)
		answers = append(answers, answer{what: "timer", now: p.now, said: p.listen(ctx, nil)})
	}
	p.now = until
	return answers, nil
}

// ask asks the module what a call is about.
func (p *play) ask(ctx context.Context, c *call) (answer, error) {
	if c.migrate != nil {
		return p.migrate(ctx, c.migrate), nil
	}
	switch p.s.kind {
	case "":
		return p.raw(ctx, c)
	case catalog.Strategy:
		return p.placing.rank(ctx, p, c)
	case catalog.Policy, catalog.Enricher:
		return p.event(ctx, c.event)
	case catalog.Format:
		return p.parse(ctx, c), nil
	case catalog.Entity:
		if c.given["init"] {
			return p.init(ctx), nil
		}
	}
	return p.plan(ctx, c)
}

// outcome is a decision, or an error, as expectations see it.
func outcome(v any, err error) map[string]any {
	if err != nil {
		return map[string]any{"error": errorDocument(err)}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return map[string]any{"error": errorDocument(err)}
	}
	var out map[string]any
	_ = coerce.Decode(text, &out) // it was JSON a moment ago
	if out == nil {
		out = map[string]any{}
	}
	return coerce.Plain(out).(map[string]any)
}

// apply makes what a decision publishes, remembers and sets by steps the
// entity's, as the engine would.
func (p *play) apply(d *hook.Decision) {
	if d == nil {
		return
	}
	p.w.own.change(d.Sensors, nil)
	for _, s := range d.Steps {
		sensor, _ := s.Input["sensor"].(string)
		if s.Input["entity"] != nil || sensor == "" {
			continue
		}
		switch s.Step {
		case "set-sensor":
			p.w.own.change(map[string]any{sensor: s.Input["value"]}, nil)
		case "clear-sensor":
			p.w.own.change(map[string]any{sensor: nil}, nil)
		}
	}
	if d.State != nil {
		p.state = d.State
	}
	if after, err := coerce.Duration(d.WakeAfter); err == nil && d.WakeAfter != "" {
		p.timer = p.now.Add(after)
		p.m.promise(p.t.Name, p.hookOf(), branchTimer)
	}
	p.token, p.pending = "", nil
	for i, s := range d.Steps {
		if s.Continue != "" {
			p.token, p.pending = s.Continue, d.Steps[:i]
			p.m.promise(p.t.Name, p.hookOf(), branchContinue+s.Continue)
		}
	}
}

// entity is the document of the simulated entity.
func (p *play) entity(config map[string]any) hook.Entity {
	return hook.Entity{Ref: p.w.own.ref(), Config: config, Sensors: maps.Clone(p.w.own.sensors)}
}

func (p *play) time() string { return p.now.Format(time.RFC3339Nano) }

// clock writes a simulated time.
func clock(t time.Time) string { return t.Format("15:04:05.999") }

// migrate brings the state of another version to the module's.
func (p *play) migrate(ctx context.Context, m *migration) answer {
	if m.set {
		p.state, _ = json.Marshal(m.state) // it came from YAML
	}
	name := p.t.Name
	p.m.cover(name, hook.Migrate, "")
	state, err := p.t.Migrate(ctx, &hook.MigrateCall{Type: name, From: m.from, State: p.state})
	if err == nil {
		p.state = state
	}
	return answer{what: "migrate from " + m.from, said: outcome(hook.Migrated{State: state}, err)}
}

func (p *play) init(ctx context.Context) answer {
	a := answer{what: "init"}
	p.m.cover(p.t.Name, hook.EntityInit, "")
	if p.t.Init == nil {
		a.said = outcome(nil, at(yamlpos.Pos{}, "type %s does not declare init", p.t.Name))
		return a
	}
	own := p.w.own
	d, err := p.t.Init(ctx, &hook.InitCall{Type: p.t.Name, Entity: hook.InitEntity{PlanID: own.planID, Name: own.name, Type: own.typ, Config: p.config}})
	if err == nil {
		own.change(d.Sensors, nil)
	}
	a.said = outcome(d, err)
	return a
}

func (p *play) parse(ctx context.Context, c *call) answer {
	p.m.cover(p.t.Name, hook.BlueprintParse, "")
	d, err := p.t.Format(ctx, &hook.ParseCall{Type: p.t.Name, File: c.file, Text: c.text})
	return answer{what: "parse", said: outcome(d, err)}
}
