package scenario

import (
	"context"
	"encoding/json"
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
}

// host is a simulated machine with a value for each column that it is given.
type host struct {
	location.Host
	values map[string]any // float64 or string
}

// columns are the names that a host may have besides those of its strategies.
var columns = []string{
	placement.ID, placement.Name, placement.Address, placement.Up, placement.Containers, placement.AppMembers, placement.AppSiblings,
	placement.CPUCores, placement.CPUUsed, placement.MemoryTotal, placement.MemoryUsed, placement.MemoryFree,
	placement.Latitude, placement.Longitude, placement.Entities,
}

// counts are the columns that go up on the host where something is placed.
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
		h := &host{Host: location.Host{Up: true}, values: map[string]any{}}
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
				h.values["label:"+l.Key] = r.anyText(l.Value, "labels")
			}
		case placement.Entities:
			text, err := json.Marshal(e.Value.Any())
			if err != nil {
				r.errs.Add(e.Value.Pos, "entities: %s", err)
			}
			h.values[e.Key] = string(text)
		default:
			p.value(r, h, e)
		}
	}
	return id
}

// value reads the value of a column.
func (p *placing) value(r *reader, h *host, e yamlpos.Entry) {
	known := append(slices.Clone(columns), "labels")
	for _, t := range p.types {
		known = append(known, t.Columns...)
	}
	if !slices.Contains(known, e.Key) && !strings.HasPrefix(e.Key, "label:") {
		r.errs.Add(e.KeyPos, "a host has no column %q%s", e.Key, nearest.Hint(e.Key, known))
		return
	}
	switch v := e.Value.Value.(type) {
	case int64:
		h.values[e.Key] = float64(v)
	case float64:
		h.values[e.Key] = v
	case string:
		h.values[e.Key] = v
	default:
		if e.Value.Kind == yamlpos.Null {
			delete(h.values, e.Key)
			return
		}
		r.errs.Add(e.Value.Pos, "column %s: expected a number or a text, got %s", e.Key, kindOf(e.Value))
	}
	if _, isText := h.values[e.Key].(string); !isText && strings.HasPrefix(e.Key, "label:") {
		h.values[e.Key] = e.Value.Text
	}
}

// snapshot gives the hosts as columns.
func (p *placing) snapshot() (*placement.Snapshot, error) {
	hosts := make([]location.Host, len(p.hosts))
	names := map[string]bool{}
	for i, h := range p.hosts {
		hosts[i] = h.Host
		for name := range h.values {
			names[name] = true
		}
	}
	s := placement.NewSnapshot(hosts)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		floats, texts, isText := make([]float64, len(hosts)), make([]string, len(hosts)), false
		for i, h := range p.hosts {
			floats[i] = math.NaN()
			switch v := h.values[name].(type) {
			case float64:
				floats[i] = v
				texts[i] = strconv.FormatFloat(v, 'g', -1, 64)
			case string:
				texts[i], isText = v, true
			}
		}
		err := error(nil)
		if isText {
			err = s.SetStrings(name, texts)
		} else {
			err = s.SetFloats(name, floats)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
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
	hosts, err := p.snapshot()
	if err != nil {
		return a, err
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
		p.count(p.host(ranked[0].ID))
	}
	return a, nil
}

// count puts one more on a host.
func (p *placing) count(h *host) {
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
