package guest

import (
	"encoding/json"

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
		secret.Learn(value) // steps may carry it to where it would be shown
		v.hidden[at] = value
		return map[string]any{handleKey: at}
	}
	m, isMap := value.(map[string]any)
	if !isMap {
		return value
	}
	out := make(map[string]any, len(m))
	for k, item := range m {
		place := k
		if at != "" {
			place = at + "." + k
		}
		out[k] = v.cover(place, item)
	}
	return out
}

// secret tells whether the value at a place is one: by the last part of the
// place's name, or because it is known as one.
func (v *veil) secret(at string, value any) bool {
	if secret.Named(at) {
		_, isMap := value.(map[string]any) // a map's own keys tell more
		return !isMap
	}
	text, isText := value.(string)
	return isText && secret.Hide(text) != text
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
	v := &veil{module: m, hidden: map[string]any{}}
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
		call = &copied
	case *hook.LocationCall:
		copied := *c
		copied.Config = v.config(c.Config)
		call = &copied
	}
	text, err := json.Marshal(call)
	return text, v, err
}

// Veil gives a value of a config key as the module may see it.
func (m *Module) Veil(key string, value any) any {
	v := &veil{module: m, hidden: map[string]any{}}
	if m.May(hook.CapSecret, "*") {
		return value
	}
	return v.cover(key, value)
}
