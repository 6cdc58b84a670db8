package guest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// handleKey is the key of the object that stands for a secret value in the
// documents of a module which may not see it.
const handleKey = "$secret"

// veil hides secret values from a module, and puts them back into the steps
// that it decides on.
type veil struct {
	module *Module
	hidden map[string]any // values by their place
}

func (m *Module) newVeil() *veil { return &veil{module: m, hidden: map[string]any{}} }

// config gives a config map without the secrets that the module may not see.
func (v *veil) config(config map[string]any) map[string]any {
	if config == nil || v.module.May(hook.CapSecret, "*") {
		return config
	}
	out, _ := v.cover("", config).(map[string]any)
	return out
}

// cover replaces secrets in a value that stands at a place; what has none is
// given back as it is.
func (v *veil) cover(at string, value any) any {
	if at != "" && value != nil && v.secret(at, value) && !v.module.May(hook.CapSecret, at) {
		return map[string]any{handleKey: v.hide(at, value)}
	}
	switch x := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, item := range x {
			place := k
			if at != "" {
				place = at + "." + k
			}
			out[k] = v.cover(place, item)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = v.cover(at+"["+strconv.Itoa(i)+"]", item)
		}
		return out
	}
	return value
}

// hide keeps a value under its place, or one beside it: entities and arguments
// may have secrets of the same name.
func (v *veil) hide(at string, value any) (key string) {
	key = at
	for n := 2; ; n++ {
		if there, taken := v.hidden[key]; !taken || reflect.DeepEqual(there, value) {
			break
		}
		key = at + "#" + strconv.Itoa(n)
	}
	v.hidden[key] = value
	return key
}

// secret tells whether the value at a place is one: by the name of the place, or
// because a provider gave it.
func (v *veil) secret(at string, value any) bool {
	if secret.Named(at) {
		_, isMap := value.(map[string]any) // its keys tell more
		list, isList := value.([]any)
		return !isMap && !(isList && holdsMaps(list))
	}
	text, isText := value.(string)
	return isText && secret.Known(text)
}

func holdsMaps(list []any) bool {
	return slices.ContainsFunc(list, func(item any) bool { _, is := item.(map[string]any); return is })
}

// reveal puts the values back that a module's steps name.
func (v *veil) reveal(steps []hook.Step) {
	if len(v.hidden) == 0 {
		return
	}
	for i := range steps {
		for k, item := range steps[i].Input {
			steps[i].Input[k] = v.uncover(item)
		}
	}
}

func (v *veil) uncover(value any) any {
	switch x := value.(type) {
	case map[string]any:
		if at, is := x[handleKey].(string); is && len(x) == 1 {
			if hidden, known := v.hidden[at]; known {
				secret.Pass(hidden) // the step may show it in an error, or in its output
				return hidden
			}
		}
		for k, item := range x {
			x[k] = v.uncover(item)
		}
	case []any:
		for i, item := range x {
			x[i] = v.uncover(item)
		}
	}
	return value
}

// related covers the config of other entities.
func (v *veil) related(list []hook.Related) []hook.Related {
	out := make([]hook.Related, len(list))
	for i, r := range list {
		r.Config = v.config(r.Config)
		out[i] = r
	}
	return out
}

// cloak gives a copy of a call's document without secrets, as JSON, and the
// veil that hides them.
func (m *Module) cloak(call any) ([]byte, *veil, error) {
	v := m.newVeil()
	switch c := call.(type) {
	case *hook.EffectorCall:
		copied := *c
		copied.Entity.Config, copied.Args, copied.Initializer = v.config(c.Entity.Config), v.config(c.Args), v.config(c.Initializer)
		copied.Related = v.related(c.Related)
		call = &copied
	case *hook.PolicyCall:
		copied := *c
		copied.Entity.Config, copied.Config = v.config(c.Entity.Config), v.config(c.Config)
		copied.Related = v.related(c.Related)
		call = &copied
	case *hook.NetworkCall:
		copied := *c
		copied.Config = v.config(c.Config)
		if c.Network != nil {
			network := *c.Network
			network.Options = v.config(network.Options)
			copied.Network = &network
		}
		call = &copied
	case *hook.LocationCall:
		copied := *c
		copied.Config, copied.Demand = v.config(c.Config), v.config(c.Demand)
		call = &copied
	case *hook.InitCall:
		copied := *c
		copied.Entity.Config = v.config(c.Entity.Config)
		call = &copied
	}
	text, err := json.Marshal(call)
	return text, v, err
}

// Veil gives a value of a config key as the module may see it.
func (m *Module) Veil(key string, value any) any {
	if m.May(hook.CapSecret, "*") {
		return value
	}
	return m.newVeil().cover(key, value)
}
