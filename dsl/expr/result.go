package expr

import (
	"context"
	"encoding/json"
)

// Object is the value of entitySpec and object: a description that is used
// later. Expressions inside Spec are not evaluated.
type Object struct {
	Kind string // "entitySpec" or "object"
	Spec any    // plain; whoever holds the Object owns it
}

// MarshalJSON gives the map form of the expression.
func (o Object) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{Prefix + o.Kind: o.Spec})
}

// Sensor is the value of sensor: the name of a sensor, used as a value.
type Sensor struct {
	Name  string
	Class string // the Java class that declares it in Brooklyn; may be empty
}

// MarshalJSON gives the map form of the expression.
func (s Sensor) MarshalJSON() ([]byte, error) {
	args := []string{s.Name}
	if s.Class != "" {
		args = []string{s.Class, s.Name}
	}
	return json.Marshal(map[string]any{Prefix + "sensor": args})
}

// Replacement is the value of function.regexReplacement: a function that
// replaces every match of Pattern.
type Replacement struct {
	Pattern string // RE2 syntax
	With    string // $1 stands for the first group, \ takes a character as it is
}

// Apply gives text with every match replaced. Its errors are fault.Invalid
// for the pattern and fault.Limit for a result beyond Limits.String.
func (f Replacement) Apply(ctx context.Context, text string, lim Limits) (string, error) {
	lim = lim.filled()
	re, err := compileRegexp(f.Pattern)
	if err != nil {
		return "", err
	}
	return replaceAll(&run{ctx: ctx, lim: &lim}, re, text, f.With)
}

// MarshalJSON gives the map form of the expression.
func (f Replacement) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{Prefix + "function.regexReplacement": []string{f.Pattern, f.With}})
}
