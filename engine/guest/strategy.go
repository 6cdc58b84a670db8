package guest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// Strategy is a placement strategy of a module, with its config.
type Strategy struct {
	module   *Module
	declared *hook.Type
	config   map[string]any
	columns  []string
}

func newStrategy(m *Module, t *hook.Type, config map[string]any) (*Strategy, error) {
	settled, err := settle(t, config)
	if err != nil {
		return nil, err
	}
	return &Strategy{module: m, declared: t, config: settled, columns: columnsOf(t.Columns, settled)}, nil
}

// columnsOf puts, in place of label:{KEY}, the columns of the labels that the
// config key asks for.
func columnsOf(declared []string, config map[string]any) []string {
	var out []string
	for _, name := range declared {
		key, open := strings.CutPrefix(name, placement.LabelPrefix+"{")
		key, closed := strings.CutSuffix(key, "}")
		if !open || !closed {
			out = append(out, name)
			continue
		}
		list, _ := config[key].([]any)
		for _, item := range list {
			text, _ := item.(string)
			if name := placement.LabelPrefix + labelOf(text); !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// labelOf gives the label that a condition on one is about: what stands before
// its =, without the signs of a negation.
func labelOf(condition string) string {
	text := strings.TrimSpace(condition)
	if word, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(word, "not") {
		text = rest
	}
	text, _, _ = strings.Cut(text, "=")
	return strings.TrimSpace(strings.Trim(text, "!"))
}

// Name gives the name of the type.
func (s *Strategy) Name() string { return s.declared.Name }

// Columns gives the host columns that the strategy reads.
func (s *Strategy) Columns() []string { return slices.Clone(s.columns) }

// request is the demand of sdk/ABI.md.
type request struct {
	Type     string         `json:"type"`
	Config   map[string]any `json:"config"`
	Entity   hook.Ref       `json:"entity"`
	Demand   map[string]any `json:"demand"`
	Sequence int64          `json:"sequence"`
	Now      string         `json:"now"`
	Seed     int64          `json:"seed"`
}

// Rank asks the module about all hosts of the batch in one call. The columns
// go straight into the module's memory and the ranking straight out of it.
func (s *Strategy) Rank(ctx context.Context, b *placement.Batch) (*placement.Ranking, error) {
	in, err := b.Input(s.columns)
	if err != nil {
		return nil, err
	}
	ranking, refused, err := s.ask(ctx, in, b.Demand(), b.Len())
	if err == nil && refused != nil {
		err = s.module.refusal(refused)
	}
	return ranking, err
}

// Check asks the module about no hosts: what is wrong with the config it tells
// nevertheless. Without any config there is nothing to ask.
func (s *Strategy) Check(ctx context.Context) error {
	if len(s.declared.Config) == 0 {
		return nil
	}
	_, refused, err := s.ask(ctx, placement.NoHosts(), &placement.Demand{Now: time.Unix(0, 0)}, 0)
	if err == nil && refused != nil {
		err = s.module.refusal(refused)
		if at, ok := strings.CutPrefix(refused.At, "config."); ok {
			err = &placement.At{Path: at, Err: err}
		}
	}
	return err
}

// ask makes the call. An error answer comes back as it is.
func (s *Strategy) ask(ctx context.Context, in *placement.Input, d *placement.Demand, hosts int) (ranking *placement.Ranking, refused *hook.Error, err error) {
	v := s.module.newVeil()
	r := request{
		Type: s.declared.Name, Config: v.config(s.config), Entity: d.Entity, Demand: v.config(d.Needs),
		Sequence: d.Sequence, Now: d.Now.UTC().Format(time.RFC3339Nano), Seed: d.Seed,
	}
	if r.Demand == nil {
		r.Demand = map[string]any{}
	}
	demand, err := json.Marshal(&r)
	if err != nil {
		return nil, nil, s.module.fail(fault.New(fault.Internal, "encode the demand: %w", err), hook.PlacementRank, s.Name())
	}
	write := func(dst []byte) { in.Write(dst, demand) }
	err = s.module.call(ctx, hook.PlacementRank, s.Name(), in.Size(demand), write, func(answer []byte) error {
		var err error
		if len(answer) > 0 && answer[0] == '{' {
			refused, err = s.module.errorAnswer(answer)
			return err
		}
		ranking, err = placement.DecodeRanking(answer, hosts)
		return err
	})
	return ranking, refused, err
}

// errorAnswer reads a document that stands in place of a ranking.
func (m *Module) errorAnswer(answer []byte) (*hook.Error, error) {
	d, err := m.read(hook.PlacementRank, answer)
	if err != nil {
		return nil, err
	}
	if d.Error == nil {
		return nil, broken("the answer is neither a ranking nor an error")
	}
	return d.Error, nil
}
