// Package initializer has what a blueprint can add to an entity as it comes to
// life: effectors that call others or add children, and sensors that are
// computed again and again.
package initializer

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const version = "1.0.0"

// Types gives all types of this package.
func Types() []*catalog.Type {
	return []*catalog.Type{
		functionSensor(), durationSince(), createPassword(),
		proxyEffector(), compositeEffector(), addChildrenEffector(), electPrimary(),
	}
}

// of describes an initializer of one of Brooklyn's packages below "core".
func of(pkg, name, word, doc string, keys ...hook.ConfigKey) hook.Type {
	t := hook.Type{
		Name: "org.apache.brooklyn.core." + pkg + "." + name, Kind: catalog.Initializer,
		Aliases: []string{"brooklyn.entity." + pkg + "." + name, "brooklyn." + pkg + "." + name, word}, Description: doc, Config: keys,
	}
	if simple := name[strings.LastIndexByte(name, '.')+1:]; simple != name { // it moved to a package of its own
		t.Aliases = append(t.Aliases, "org.apache.brooklyn.core."+pkg+"."+simple)
	}
	return t
}

// sensorKeys are those of all sensors that are computed.
func sensorKeys(more ...hook.ConfigKey) []hook.ConfigKey {
	keys := []hook.ConfigKey{
		{Name: "name", Type: "string", Required: true, Description: "the sensor"},
		{Name: "targetType", Flags: []string{"sensorType"}, Type: "string", Description: "what the value is coerced to"},
	}
	return append(keys, more...)
}

// polled makes the contribution of a feed of one sensor.
func polled(config map[string]any, poll func(of *entity.Entity, config map[string]any) (any, error)) (*catalog.Contribution, error) {
	f, err := catalog.ReadFeed(config)
	if err != nil {
		return nil, err
	}
	name, typ := coerce.Text(config["name"]), coerce.Text(config["targetType"])
	f.Name, f.Sensors = name, []hook.Sensor{{Name: name, Type: typ}}
	f.Poll = func(_ context.Context, of *entity.Entity, config map[string]any) (map[string]any, error) {
		v, err := poll(of, config)
		if err == nil && v != nil && typ != "" {
			v, err = coerce.To(typ, v)
		}
		if err != nil {
			return nil, err
		}
		return map[string]any{name: v}, nil
	}
	return &catalog.Contribution{Feed: f}, nil
}

func functionSensor() *catalog.Type {
	t := of("sensor", "function.FunctionSensor", "function-sensor", "publishes what an expression gives, computed again and again",
		append(sensorKeys(hook.ConfigKey{Name: "function", Type: "any", Required: true, Description: "the expression"}), catalog.FeedKeys()...)...)
	return &catalog.Type{Type: t, Version: version, Initializer: func(config map[string]any) (*catalog.Contribution, error) {
		return polled(config, func(_ *entity.Entity, config map[string]any) (any, error) { return config["function"], nil })
	}}
}

func durationSince() *catalog.Type {
	t := of("sensor", "DurationSinceSensor", "duration-since-sensor", "publishes how long ago something was: the time in a sensor, or the entity's creation",
		append(sensorKeys(
			hook.ConfigKey{Name: "time.sensor", Type: "string", Description: "a sensor with a time; the entity's creation when absent"}), catalog.FeedKeys()...)...)
	return &catalog.Type{Type: t, Version: version, Initializer: func(config map[string]any) (*catalog.Contribution, error) {
		return polled(config, func(of *entity.Entity, config map[string]any) (any, error) {
			since := of.Created()
			if name := coerce.Text(config["time.sensor"]); name != "" {
				v, ok := of.Sensor(name)
				if !ok {
					return nil, nil
				}
				at, err := coerce.Timestamp(v)
				if err != nil {
					return nil, fault.New(fault.Invalid, "sensor %s: %w", name, err)
				}
				since = at
			}
			return coerce.FormatDuration(time.Since(since).Round(time.Millisecond)), nil
		})
	}}
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func createPassword() *catalog.Type {
	t := of("sensor", "password.CreatePasswordSensor", "create-password-sensor", "publishes a password that is made once",
		sensorKeys(
			hook.ConfigKey{Name: "password.length", Type: "integer", Default: int64(12), Description: "how many characters"},
			hook.ConfigKey{Name: "password.chars", Type: "string", Default: letters, Description: "of which"},
			hook.ConfigKey{Name: "password.character.groups", Type: "list", Description: "from each of these at least one"})...)
	return &catalog.Type{Type: t, Version: version, Initializer: func(config map[string]any) (*catalog.Contribution, error) {
		name := coerce.Text(config["name"])
		return &catalog.Contribution{Feed: &catalog.Feed{
			Name: name, Sensors: []hook.Sensor{{Name: name, Type: "string"}},
			Poll: func(_ context.Context, of *entity.Entity, config map[string]any) (map[string]any, error) {
				if v, there := of.Sensor(name); there {
					return map[string]any{name: v}, nil
				}
				v, err := password(config)
				return map[string]any{name: v}, err
			},
		}}, nil
	}}
}

// password draws one character of each group, the rest of all of them, and
// mixes these.
func password(config map[string]any) (string, error) {
	size, err := coerce.To("integer", config["password.length"])
	if err != nil {
		return "", fault.New(fault.Invalid, "password.length: %w", err)
	}
	length, _ := size.(int64)
	var out []byte
	all := coerce.Text(config["password.chars"])
	groups, _ := config["password.character.groups"].([]any)
	if len(groups) > 0 {
		all = ""
	}
	for _, g := range groups {
		group := coerce.Text(g)
		if group == "" {
			return "", fault.New(fault.Invalid, "password.character.groups: a group is empty")
		}
		all += group
		out = append(out, draw(group))
	}
	if length < int64(max(len(out), 1)) || length > 1000 || all == "" || strings.ContainsFunc(all, func(r rune) bool { return r > 126 }) {
		return "", fault.New(fault.Invalid, "password.length: %d is not between 1 and 1000, or less than the groups; characters must be ASCII", length)
	}
	for int64(len(out)) < length {
		out = append(out, draw(all))
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

func draw(from string) byte { return from[below(len(from))] }

// below gives a number below n that nobody can guess.
func below(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // the system has no randomness
	}
	return int(v.Int64())
}
