package workflow

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// inputs computes what the run is given: arguments, defaults of parameters, and
// for a run at the top the values below input. What is given by whoever asked
// goes before what the definition says.
func (f *flow) inputs(ctx context.Context) error {
	if f.r.given != nil {
		f.set(func() { f.st.input = f.r.given })
	} else if len(f.r.Args) > 0 {
		m, _ := f.ent.Tree().Resolve(f.r.Args).(map[string]any)
		f.set(func() { f.st.input = &values{m: m} })
	}
	for _, p := range f.def.Parameters {
		v, given := f.st.input.get(p.Name)
		switch {
		case !given && p.Default != nil:
			var err error
			if v, err = f.eval(ctx, p.Default, nil); err != nil {
				return fault.Wrap(err, "parameter", p.Name)
			}
		case !given && p.Required:
			return fault.New(fault.Invalid, "parameter %s is required", p.Name)
		case !given:
			continue
		}
		if p.Type != "" && v != nil {
			var err error
			if v, err = f.convert(ctx, p.Type, v); err != nil {
				return fault.New(fault.Invalid, "parameter %s: %w", p.Name, err)
			}
		}
		f.set(func() { f.st.input = f.st.input.with(p.Name, v) })
	}
	if !f.r.top() {
		return nil // the step that began it computed them
	}
	for _, n := range f.def.Input {
		if _, given := f.r.Args[n.Name]; given {
			continue
		}
		v, err := f.eval(ctx, n.Value, nil)
		if err != nil {
			return fault.Wrap(err, "input", n.Name)
		}
		f.set(func() { f.st.input = f.st.input.with(n.Name, v) })
	}
	return nil
}
