package docs

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/location"
)

// nowhere is a kind of location with hosts on which nothing can be run; two of
// them are where the examples of the guide are deployed to.
type nowhere struct{}

var places = []location.Definition{{Name: "london", Kind: "nowhere"}, {Name: "paris", Kind: "nowhere"}}

func (nowhere) Kind() string { return "nowhere" }

func (nowhere) Open(d location.Definition) (location.Location, error) { return nowhere{}, nil }

func (nowhere) Hosts(context.Context) ([]location.Host, error) {
	return []location.Host{
		{ID: "h1", Up: true, CPUs: 1, Memory: 1 << 30, Labels: map[string]string{"zone": "east"}},
		{ID: "h2", Up: true, CPUs: 1, Memory: 1 << 30, Labels: map[string]string{"zone": "west"}},
	}, nil
}

func (nowhere) Watch(ctx context.Context, _ location.Observer) error { <-ctx.Done(); return nil }

func (nowhere) Clean(context.Context, string) error { return nil }

func (nowhere) Close() error { return nil }
