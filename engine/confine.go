package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// confine gives the strategies that keep an entity where those above it have
// decided that it runs: in the zone that its cluster chose, and on the host of
// the others which share one.
func (p *places) confine(ctx context.Context, ent *entity.Entity, location string) ([]placement.Strategy, error) {
	var out []placement.Strategy
	v, err := ent.Config(ctx, memberZone)
	if err != nil {
		return nil, err
	}
	if name, _ := v.(string); name != "" {
		out = append(out, inZone(name))
	}
	for at := ent.Parent(); at != nil; at = at.Parent() {
		if at.Declaration().OneHost {
			out = append(out, &together{p, at, ent, location})
		}
	}
	return out, nil
}

// inZone refuses hosts of other zones.
type inZone string

// Name is part of placement.Strategy, as are Columns and Rank.
func (inZone) Name() string { return "zone" }

// Columns gives none: the labels of hosts are enough.
func (inZone) Columns() []string { return nil }

// Rank refuses hosts of other zones.
func (z inZone) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	r := placement.NewRanking(b.Len())
	for i := range b.Len() {
		if b.Host(i).Labels[zoneLabel] != string(z) {
			r.Refuse(i, "it is not in zone "+string(z))
		}
	}
	return r, nil
}

// together refuses all hosts but the one that others below the same entity
// have a place on, once there is one.
type together struct {
	places   *places
	above    *entity.Entity
	entity   *entity.Entity
	location string
}

// Name is part of placement.Strategy, as are Columns and Rank.
func (*together) Name() string { return "same server" }

// Columns gives none.
func (*together) Columns() []string { return nil }

// Rank looks for the host while the places of the location are held, so that
// of two which ask at once the second finds that of the first.
func (t *together) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	r := placement.NewRanking(b.Len())
	shared := ""
	for _, d := range t.above.Descendants() {
		if l := t.places.lease(string(d.ID())); l != nil && l.Location == t.location && d != t.entity {
			shared = l.Host
			break
		}
	}
	for i := range b.Len() {
		if shared != "" && b.Host(i).ID != shared {
			r.Refuse(i, t.above.Name()+" has its server, "+shared+", already")
		}
	}
	return r, nil
}
