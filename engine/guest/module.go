package guest

import (
	"context"
	"fmt"
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// Caller is a loaded module, as package wasm runs it. Its method may be called
// at the same time.
type Caller interface {
	// CallInto asks one hook. write fills the document of the given size where
	// the module will read it, and read looks at the answer where the module
	// left it; neither keeps its slice. An error of read says that the answer
	// broke the contract, and is returned.
	CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error
}

// Limits bound what a module may answer. Fields that are 0 have the value of
// DefaultLimits. An error that a limit caused names the field.
type Limits struct {
	DescriptionBytes int // size of the answer to describe
	Types            int // types of a module
	DecisionBytes    int // size of a decision
	Values           int // JSON values in a description or a decision: an empty object of two bytes may become hundreds
	Depth            int // lists and objects within one another
	Steps            int // steps of one decision
	Sensors          int // sensors of one decision
	StateBytes       int // size of the state that is kept between calls
	MessageBytes     int // length of an error's message; the rest is cut off
}

// DefaultLimits leave room for a decision about thousands of entities.
func DefaultLimits() Limits {
	return Limits{
		DescriptionBytes: 1 << 20, Types: 1000,
		DecisionBytes: 1 << 20, Values: 100_000, Depth: 200, Steps: 1000, Sensors: 1000, StateBytes: 64 << 10, MessageBytes: 4 << 10,
	}
}

func (l *Limits) fillDefaults() {
	d := DefaultLimits()
	for _, f := range []struct{ field, value *int }{
		{&l.DescriptionBytes, &d.DescriptionBytes}, {&l.Types, &d.Types}, {&l.DecisionBytes, &d.DecisionBytes}, {&l.Values, &d.Values}, {&l.Depth, &d.Depth},
		{&l.Steps, &d.Steps}, {&l.Sensors, &d.Sensors}, {&l.StateBytes, &d.StateBytes}, {&l.MessageBytes, &d.MessageBytes},
	} {
		if *f.field == 0 {
			*f.field = *f.value
		}
	}
}

// Module is a loaded module together with what it says of itself. Its methods
// may be called at the same time.
type Module struct {
	caller      Caller
	limits      Limits
	description *hook.Description
	rights      rights
}

// Describe asks a module for its description. Keep the answer for Load.
func Describe(ctx context.Context, c Caller, l Limits) ([]byte, error) {
	l.fillDefaults()
	var description []byte
	err := c.CallInto(ctx, hook.Describe, 0, func([]byte) {}, func(answer []byte) error {
		if len(answer) > l.DescriptionBytes {
			return fault.New(fault.Limit, "description of %d bytes, the limit DescriptionBytes allows %d", len(answer), l.DescriptionBytes)
		}
		description = slices.Clone(answer)
		return nil
	})
	switch kind := fault.KindOf(err); {
	case err != nil && kind == fault.Internal, kind == fault.Timeout && ctx.Err() == nil:
		err = fault.As(err, fault.Invalid) // whoever brings the module can mend it, nobody else
	}
	return description, err
}

// Load makes a Module of a description, without any grant. It does not call
// the module. What is wrong with the description is fault.Invalid or
// fault.Limit.
func Load(description []byte, c Caller, l Limits) (*Module, error) {
	l.fillDefaults()
	d, err := readDescription(description, &l)
	if err != nil {
		return nil, err
	}
	return &Module{caller: c, limits: l, description: d}, nil
}

// Name gives the module's name.
func (m *Module) Name() string { return m.description.Name }

// Version gives the module's version.
func (m *Module) Version() string { return m.description.Version }

// Describes gives what the module says of itself. It is not to be changed.
func (m *Module) Describes() *hook.Description { return m.description }

// Capabilities gives what the module asked for.
func (m *Module) Capabilities() []hook.Capability { return slices.Clone(m.description.Capabilities) }

// fail says in which call something went wrong.
func (m *Module) fail(err error, id hook.ID, typ string) error {
	return fault.Wrap(err, fmt.Sprintf("%s of type %s of module", id, typ), m.Name())
}
