package scenario

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// placing is a simulated location: its hosts, and the strategies that choose
// among them.
type placing struct {
	chain    []placement.Strategy
	types    []*catalog.Type
	hosts    []*host
	sequence int64
	checked  bool // the strategies said that they can work with their config
}

// host is a simulated machine. values has the columns that it is given besides
// those that follow from what it is and what has a place on it.
type host struct {
	location.Host
	values    map[string]any // float64 or string
	residents []*being
}

// counts are the columns that go up on the host where something is placed, if
// the scenario gives them.
var counts = []string{placement.Containers, placement.AppMembers, placement.AppSiblings}

// place makes the location of a scenario.
func (m *Module) place(s *Scenario, w *world) (*placing, error) {
	p := &placing{}
	chain := s.chain
	if chain == nil {
		chain = []*part{s.subject}
	}
	for _, one := range chain {
		t, err := m.find(catalog.Strategy, one.typ)
		if err != nil {
			return nil, at(one.pos, "%s", err)
		}
		config, err := settle(&t.Type, one.config, w)
		if err != nil {
			return nil, err
		}
		strategy, err := t.Strategy(config)
		if err != nil {
			return nil, at(one.pos, "%s", err)
		}
		p.chain, p.types = append(p.chain, strategy), append(p.types, t)
	}
	r := &reader{}
	for _, n := range r.list(s.hosts, "hosts") {
		h := &host{Host: location.Host{Up: true, Labels: map[string]string{}}, values: map[string]any{}}
		if h.ID = p.change(r, h, n); h.ID == "" {
			h.ID = "h" + strconv.Itoa(len(p.hosts)+1)
		}
		if p.host(h.ID) != nil {
			r.errs.Add(n.Pos, "host %q is already there", h.ID)
		}
		p.hosts = append(p.hosts, h)
	}
	return p, r.errs.Err()
}

func (p *placing) host(id string) *host {
	for _, h := range p.hosts {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// change reads values of a host and gives the id among them; a text is nothing
// but an id.
func (p *placing) change(r *reader, h *host, n *yamlpos.Node) (id string) {
	if n.Kind == yamlpos.Scalar {
		return r.text(n, "a host")
	}
	for _, e := range r.entries(n, "a host") {
		switch e.Key {
		case placement.ID:
			id = r.text(e.Value, "id")
		case placement.Name:
			h.Name = r.text(e.Value, "name")
		case placement.Address:
			h.Address = r.text(e.Value, "address")
		case placement.Up:
			h.Up = r.boolean(e.Value, "up")
		case "labels":
			for _, l := range r.entries(e.Value, "labels") {
				h.Labels[l.Key] = r.anyText(l.Value, "labels")
			}
		case placement.Entities:
			h.residents = r.beings(e.Value, "entities")
		default:
			p.value(r, h, e)
		}
	}
	return id
}

// value reads the value of a column.
func (p *placing) value(r *reader, h *host, e yamlpos.Entry) {
	if key, is := strings.CutPrefix(e.Key, placement.LabelPrefix); is {
		h.Labels[key] = r.anyText(e.Value, e.Key)
		return
	}
	known := append(placement.Columns(), "labels")
	if !slices.Contains(known, e.Key) {
		r.errs.Add(e.KeyPos, "a host has no column %q%s", e.Key, nearest.Hint(e.Key, known))
		return
	}
	number, isNumber := e.Value.Value.(float64)
	if i, is := e.Value.Value.(int64); is {
		number, isNumber = float64(i), true
	}
	switch text, isText := e.Value.Value.(string); {
	case e.Value.Kind == yamlpos.Null:
		delete(h.values, e.Key)
	case isText:
		h.values[e.Key] = text
	case !isNumber:
		r.errs.Add(e.Value.Pos, "column %s: expected a number or a text, got %s", e.Key, kindOf(e.Value))
	case e.Key == placement.CPUCores:
		h.CPUs = number
	case e.Key == placement.MemoryTotal:
		h.Memory = int64(number)
	default:
		h.values[e.Key] = number
	}
}

// snapshot gives the hosts as columns, as they are for an entity.
func (p *placing) snapshot(own *being) (*placement.Snapshot, error) {
	hosts := make([]location.Host, len(p.hosts))
	names := map[string]bool{}
	table := placement.NewTable()
	for i, h := range p.hosts {
		hosts[i] = h.Host
		for name := range h.values {
			names[name] = true
		}
	}
	table.SetHosts(hosts)
	for _, h := range p.hosts {
		for i, b := range h.residents {
			table.Seat(b.resident(h.ID, i))
		}
	}
	s := table.Snapshot(own.application, own.parent)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := p.set(s, name, own); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// resident is an entity that has a place on a host.
func (b *being) resident(host string, i int) placement.Resident {
	r := placement.Resident{Ref: b.ref(), Parent: b.parent, Host: host}
	r.ID = cmp.Or(r.ID, host+"-"+strconv.Itoa(i+1))
	r.Name = cmp.Or(r.Name, r.PlanID, r.ID)
	r.Type = cmp.Or(r.Type, defaultType)
	r.Application = cmp.Or(r.Application, defaultApplication)
	r.Parent = cmp.Or(r.Parent, r.Application)
	memory, _ := coerce.To("bytes", b.config["memory"])
	r.Memory, _ = memory.(int64)
	cpus, _ := coerce.To("double", b.config["cpus"])
	r.CPUs, _ = cpus.(float64)
	return r
}

// derived gives the value of a column that a host has without being given it,
// NaN for none.
func (h *host) derived(name string, own *being) float64 {
	if !slices.Contains(counts, name) {
		return math.NaN()
	}
	n := 0
	for i, b := range h.residents {
		r := b.resident(h.ID, i)
		member, sibling := r.Application == own.application, r.Parent == own.parent
		if name == placement.Containers || name == placement.AppMembers && member || name == placement.AppSiblings && member && sibling {
			n++
		}
	}
	return float64(n)
}

// set replaces a column by what the scenario gives, where it does.
func (p *placing) set(s *placement.Snapshot, name string, own *being) error {
	floats, texts, isText := make([]float64, len(p.hosts)), make([]string, len(p.hosts)), false
	for i, h := range p.hosts {
		floats[i] = h.derived(name, own)
		switch v := h.values[name].(type) {
		case float64:
			floats[i] = v
		case string:
			texts[i], isText = v, true
		}
	}
	if isText {
		return s.SetStrings(name, texts)
	}
	return s.SetFloats(name, floats)
}

// rank places once. What is placed then counts on the first of the hosts.
func (p *placing) rank(ctx context.Context, play *play, c *call) (answer, error) {
	a := answer{what: "placement"}
	if !c.only && c.hosts != nil {
		r := &reader{}
		for _, e := range r.entries(c.hosts, "hosts") {
			h := p.host(e.Key)
			if h == nil {
				r.errs.Add(e.KeyPos, "there is no host %q", e.Key)
				continue
			}
			p.change(r, h, e.Value)
		}
		if err := r.errs.Err(); err != nil {
			return a, err
		}
	}
	hosts, err := p.snapshot(play.w.own)
	if err != nil {
		return a, err
	}
	if err := p.check(ctx); err != nil {
		a.said = outcome(nil, err)
		return a, nil
	}
	for _, t := range p.types {
		play.m.cover(t.Name, hook.PlacementRank, "")
	}
	d := &placement.Demand{
		Entity: play.w.own.ref(), Location: "my-location", Needs: c.demand, Sequence: p.sequence, Now: play.now, Seed: play.s.seed,
	}
	choice, err := placement.Choose(ctx, hosts, d, p.chain)
	ranked, verdicts := choice.Hosts(), choice.Explain.Verdicts()
	left := slices.ContainsFunc(verdicts, func(v placement.Verdict) bool { return v.Refused == "" })
	if err != nil && (left || fault.KindOf(err) != fault.Capacity) {
		a.said = outcome(nil, err)
		return a, nil
	}
	a.said = p.said(ranked, verdicts)
	if len(ranked) > 0 {
		p.sequence++
		p.seat(p.host(ranked[0].ID), play.w.own)
	}
	return a, nil
}

// check asks the strategies about no hosts, as the engine does when a blueprint
// is submitted.
func (p *placing) check(ctx context.Context) error {
	if p.checked {
		return nil
	}
	for _, s := range p.chain {
		if c, can := s.(placement.Checker); can {
			if err := c.Check(ctx); err != nil {
				return err
			}
		}
	}
	p.checked = true
	return nil
}

// seat gives an entity like the one that was placed a place on a host.
func (p *placing) seat(h *host, own *being) {
	b := *own
	b.id += "-" + strconv.FormatInt(p.sequence, 10)
	h.residents = append(slices.Clip(h.residents), &b)
	for _, name := range counts {
		if n, known := h.values[name].(float64); known {
			h.values[name] = n + 1
		}
	}
}

// said is a choice as expectations see it.
func (p *placing) said(hosts []location.Host, verdicts []placement.Verdict) map[string]any {
	order, refused, scores := []any{}, map[string]any{}, map[string]any{}
	for _, h := range hosts {
		order = append(order, h.ID)
	}
	for _, v := range verdicts {
		if v.Refused != "" {
			refused[v.Host] = v.Refused
			continue
		}
		of := map[string]any{}
		for _, s := range v.Scores {
			of[s.Strategy] = s.Score
		}
		scores[v.Host] = of
		if len(p.chain) == 1 && len(v.Scores) == 1 {
			scores[v.Host] = v.Scores[0].Score
		}
	}
	return map[string]any{"hosts": order, "refused": refused, "scores": scores}
}
