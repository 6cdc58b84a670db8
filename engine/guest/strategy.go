package guest

import (
	"context"
	"encoding/json"
	"slices"
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
}

func newStrategy(m *Module, t *hook.Type, config map[string]any) (*Strategy, error) {
	settled, err := settle(t, config)
	if err != nil {
		return nil, err
	}
	return &Strategy{module: m, declared: t, config: settled}, nil
}

// Name gives the name of the type.
func (s *Strategy) Name() string { return s.declared.Name }

// Columns gives the host columns that the strategy reads.
func (s *Strategy) Columns() []string { return slices.Clone(s.declared.Columns) }

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
	d := b.Demand()
	r := request{
		Type: s.declared.Name, Config: s.config, Entity: d.Entity, Demand: d.Needs,
		Sequence: d.Sequence, Now: d.Now.UTC().Format(time.RFC3339Nano), Seed: d.Seed,
	}
	if r.Demand == nil {
		r.Demand = map[string]any{}
	}
	demand, err := json.Marshal(&r)
	if err != nil {
		return nil, s.module.fail(fault.New(fault.Internal, "encode the demand: %w", err), hook.PlacementRank, s.Name())
	}
	in, err := b.Input(s.declared.Columns)
	if err != nil {
		return nil, err
	}
	var ranking *placement.Ranking
	var refused *hook.Error
	write := func(dst []byte) { in.Write(dst, demand) }
	err = s.module.call(ctx, hook.PlacementRank, s.Name(), in.Size(demand), write, func(answer []byte) error {
		var err error
		if len(answer) > 0 && answer[0] == '{' {
			refused, err = s.module.errorAnswer(answer)
			return err
		}
		ranking, err = placement.DecodeRanking(answer, b.Len())
		return err
	})
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, s.module.refusal(refused)
	}
	return ranking, nil
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
