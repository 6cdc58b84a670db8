package placement

import (
	"context"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Demand is what a place is wanted for.
type Demand struct {
	Entity   hook.Ref
	Location string         // the location's name, for messages
	Needs    map[string]any // what the entity asks for, as its blueprint says it: memory, ports …
	Sequence int64          // placements in this location so far
	Now      time.Time
	Seed     int64
}

// Strategy scores or refuses hosts. One value stands for one use of a strategy
// with its config. Its methods may be called at the same time.
type Strategy interface {
	// Name says which strategy it is, for messages.
	Name() string
	// Columns are the host columns that it reads.
	Columns() []string
	// Rank judges all hosts of the batch in one call.
	Rank(ctx context.Context, b *Batch) (*Ranking, error)
}

// Checker is a Strategy that can tell whether it will work with its config
// without being asked about hosts. An error may be At a config key.
type Checker interface {
	Check(ctx context.Context) error
}

// At is an error that belongs to a place in the config of a strategy.
type At struct {
	Path string // a config key, with [INDEX] for an item of its list
	Err  error
}

func (a *At) Error() string { return a.Err.Error() }
func (a *At) Unwrap() error { return a.Err }

// Batch is what one strategy is asked: the hosts that are left, in the order
// in which the strategy before left them. It lives until Rank returns.
type Batch struct {
	demand *Demand
	hosts  *Snapshot
	rows   []int32
	all    bool              // they are all hosts in the order of the location
	inputs map[string]*Input // of these rows, by the columns in them
}

// Len gives the number of hosts.
func (b *Batch) Len() int { return len(b.rows) }

// Demand gives what a place is wanted for.
func (b *Batch) Demand() *Demand { return b.demand }

// Host gives host i.
func (b *Batch) Host(i int) location.Host { return b.hosts.Host(int(b.rows[i])) }

// Floats gives a column of numbers in the order of the batch, or nil when no
// host has a value for it.
func (b *Batch) Floats(name string) []float64 {
	c := b.hosts.column(name)
	if c == nil || c.typ != typeFloat64 {
		return nil
	}
	values := make([]float64, len(b.rows))
	for i, row := range b.rows {
		values[i] = c.floats[row]
	}
	return values
}

// Strings gives a column of texts in the order of the batch, or nil when no
// host has a value for it.
func (b *Batch) Strings(name string) []string {
	c := b.hosts.column(name)
	if c == nil || c.typ != typeString {
		return nil
	}
	values := make([]string, len(b.rows))
	for i, row := range b.rows {
		values[i] = c.texts[row]
	}
	return values
}

// Input gives the columns as a module reads them. Strategies that want the
// same columns of the same hosts share one Input.
func (b *Batch) Input(columns []string) (*Input, error) {
	key := strings.Join(columns, "\n")
	if in := b.inputs[key]; in != nil {
		return in, nil
	}
	in, err := encode(b.hosts, b.rows, b.all, columns)
	if err != nil {
		return nil, err
	}
	b.inputs[key] = in
	return in, nil
}
