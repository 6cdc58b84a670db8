package process

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// input is what the steps of this package take.
type input struct {
	name    string
	command string
	dir     string
	env     map[string]string
	timeout time.Duration // 0: none given
}

var validEnv = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// read checks the step's place and its input, which may have the given keys.
func read(c *action.Call, step string, keys ...string) (input, error) {
	var in input
	if c.Lease == nil || c.Lease.Kind != kind {
		place := "none"
		if c.Lease != nil {
			place = c.Lease.Kind + " " + c.Lease.Location
		}
		return in, fault.New(fault.Precondition, "%s acts on a localhost location, the entity's is %s", step, place)
	}
	for key, v := range c.Input {
		if !slices.Contains(keys, key) {
			return in, fault.New(fault.Invalid, "%s has no input %q, expected %s", step, key, strings.Join(keys, ", "))
		}
		if v == nil {
			continue
		}
		var err error
		switch key {
		case "name":
			in.name, err = text(v)
		case "command":
			in.command, err = text(v)
		case "dir":
			in.dir, err = text(v)
		case "env":
			in.env, err = environ(v)
		case "timeout":
			in.timeout, err = duration(v)
		}
		if err != nil {
			return in, fault.New(fault.Invalid, "%s: input %s: %w", step, key, err)
		}
	}
	return in, nil
}

func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("got %v, expected text", v)
	}
	return s, nil
}

func duration(v any) (time.Duration, error) {
	d, err := coerce.Duration(v)
	if err == nil && d <= 0 {
		err = fmt.Errorf("got %v, expected more than 0", v)
	}
	return d, err
}

// environ turns a map of plain values into environment variables; null values
// are left out.
func environ(v any) (map[string]string, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("got %v, expected a map", v)
	}
	env := make(map[string]string, len(m))
	for name, v := range m {
		if !validEnv.MatchString(name) {
			return nil, fmt.Errorf("%q cannot name an environment variable", name)
		}
		switch x := v.(type) {
		case nil:
			continue
		case map[string]any, []any:
			return nil, fmt.Errorf("%s is a list or a map, expected a plain value", name)
		case float64:
			env[name] = number(x)
		default:
			env[name] = fmt.Sprint(x)
		}
		if strings.ContainsRune(env[name], 0) {
			return nil, fmt.Errorf("%s holds a zero byte", name)
		}
	}
	return env, nil
}

// number writes whole numbers without exponent, as a port must be.
func number(x float64) string {
	if x == float64(int64(x)) {
		return fmt.Sprint(int64(x))
	}
	return fmt.Sprint(x)
}
