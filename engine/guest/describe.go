package guest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// abiVersion is the version of sdk/ABI.md that this engine speaks.
const abiVersion = 1

// readDescription decodes a description and checks that it can be used.
func readDescription(text []byte, l *Limits) (*hook.Description, error) {
	if len(text) > l.DescriptionBytes {
		return nil, fault.New(fault.Limit, "description of %d bytes, the limit DescriptionBytes allows %d", len(text), l.DescriptionBytes)
	}
	var d struct {
		hook.Description
		Error *hook.Error `json:"error"`
	}
	if err := l.strictly(text, &d); err != nil {
		return nil, fault.New(unreadable(err, fault.Invalid), "the description cannot be read: %w", err)
	}
	for i := range d.Types {
		t := &d.Types[i]
		for k := range t.Config {
			t.Config[k].Default = coerce.Plain(t.Config[k].Default)
			coerce.Plain(t.Config[k].Constraints) // in place
		}
		for _, e := range t.Effectors {
			for k := range e.Parameters {
				e.Parameters[k].Default = coerce.Plain(e.Parameters[k].Default)
			}
		}
	}
	if d.Error != nil {
		return nil, fault.New(kindOf(d.Error.Kind), "the module cannot describe itself: %.1000s", d.Error.Message)
	}
	if !moduleName.MatchString(d.Name) || !moduleVersion.MatchString(d.Version) {
		return nil, fault.New(fault.Invalid, "description of module %q: expected a name of letters, digits, and . _ - between them, and a version like 1.2.0; the version is %q", d.Name, d.Version)
	}
	if err := checkDescription(&d.Description, l); err != nil {
		return nil, fault.New(fault.KindOf(err), "description of module %s: %w", d.Name, err)
	}
	return &d.Description, nil
}

// What modules and their versions are called: they stand in references, file
// names and addresses.
var (
	moduleName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$`)
	moduleVersion = regexp.MustCompile(`^[0-9][0-9A-Za-z.+_-]{0,63}$`)
	shownText     = regexp.MustCompile(`^[^\pC\p{Zl}\p{Zp}]{1,500}$`) // to whoever grants it
	typeName      = regexp.MustCompile(`^[^\s\pC]{1,256}$`)
)

func checkDescription(d *hook.Description, l *Limits) error {
	if abiVersion < d.ABI[0] || abiVersion > d.ABI[1] {
		return fault.New(fault.Invalid, "it speaks the ABI versions %d to %d, this engine version %d", d.ABI[0], d.ABI[1], abiVersion)
	}
	if len(d.Types) > l.Types {
		return fault.New(fault.Limit, "%d types, the limit Types allows %d", len(d.Types), l.Types)
	}
	for i, c := range d.Capabilities {
		if !slices.Contains(hook.CapabilityKinds, c.Kind) {
			return fault.New(fault.Invalid, "capability %d: kind %q: expected one of %s", i+1, c.Kind, strings.Join(hook.CapabilityKinds, ", "))
		}
		if c.Value == "" || c.Reason == "" {
			return fault.New(fault.Invalid, "capability %d, of kind %s: expected a value and a reason, got value %q, reason %q", i+1, c.Kind, c.Value, c.Reason)
		}
		for what, text := range map[string]string{"value": c.Value, "reason": c.Reason} {
			if !shownText.MatchString(text) {
				return fault.New(fault.Invalid, "capability %d, of kind %s: its %s: expected one line of at most 500 characters, without those that control a terminal, got %.100q", i+1, c.Kind, what, text)
			}
		}
	}
	taken := map[string]bool{}
	for i := range d.Types {
		t := &d.Types[i]
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if !typeName.MatchString(name) || taken[name] {
				return fault.New(fault.Invalid, "type %d: expected a name of its own, got %q", i+1, name)
			}
			taken[name] = true
		}
		if err := checkType(t); err != nil {
			return fault.New(fault.Invalid, "type %s: %w", t.Name, err)
		}
	}
	return nil
}

func checkType(t *hook.Type) error {
	if err := checkConfig(t.Config); err != nil {
		return err
	}
	listens := t.Kind == catalog.Policy || t.Kind == catalog.Enricher
	switch {
	case !slices.Contains(kinds, t.Kind):
		return broken("kind %q: expected one of %s", t.Kind, strings.Join(kinds, ", "))
	case t.Kind != catalog.Entity && (t.Prefix != "" || len(t.Effectors) > 0 || t.Init):
		return broken("only an entity has a prefix, effectors or init")
	case !listens && (len(t.Events) > 0 || t.WakeAfter != ""):
		return broken("only a policy or enricher has events or wakeAfter")
	case !listens && t.Kind != catalog.Step && len(t.Related) > 0:
		return broken("only a policy, enricher or step has related")
	case t.Kind != catalog.Strategy && len(t.Columns) > 0:
		return broken("only a strategy has columns")
	case (t.Kind == catalog.Format) != (len(t.Formats) > 0):
		return broken("a format, and nothing else, has formats")
	case t.Prefix != "" && !strings.HasSuffix(t.Prefix, ":"):
		return broken("prefix %q: expected a colon at its end", t.Prefix)
	}
	if t.WakeAfter != "" {
		if _, err := coerce.Duration(t.WakeAfter); err != nil {
			return broken("wakeAfter: %w", err)
		}
	}
	for i, e := range t.Effectors {
		if !typeName.MatchString(e.Name) {
			return broken("effector %d: expected a name, got %q", i+1, e.Name)
		}
		for _, p := range e.Parameters {
			if !typeName.MatchString(p.Name) || p.Type != "" && !coerce.Known(p.Type) {
				return broken("parameter %q of effector %s: expected a name and a known type, got the type %q", p.Name, e.Name, p.Type)
			}
		}
	}
	return checkListening(t)
}

// kinds are the kinds of types that a module may have.
var kinds = []string{
	catalog.Entity, catalog.Policy, catalog.Enricher, catalog.Strategy, catalog.Step, catalog.Network, catalog.Location, catalog.Format,
}

// checkListening checks what a policy or enricher listens to and reads.
func checkListening(t *hook.Type) error {
	declared := func(key string) bool {
		return slices.ContainsFunc(t.Config, func(k hook.ConfigKey) bool { return k.Name == key })
	}
	group := func(of string) bool { return of == "members" || of == "children" }
	other := func(of string) bool {
		key, ok := strings.CutPrefix(of, "config:")
		return group(of) || ok && (declared(key) || t.Kind == catalog.Step)
	}
	for i, e := range t.Events {
		switch {
		case e.Of != "" && !other(e.Of):
			return broken("event %d: of is %q: expected nothing, members, children, or config: and a config key of the type", i+1, e.Of)
		case e.Sensor != "" && e.SensorFrom != "", e.Sensor == "" && e.SensorFrom == "" && !group(e.Of), e.SensorFrom != "" && !declared(e.SensorFrom):
			return broken("event %d: expected a sensor, or in sensorFrom a config key of the type", i+1)
		}
	}
	for i, r := range t.Related {
		if !other(r.Of) {
			return broken("related %d: of is %q: expected members, children, or config: and a config key of the type", i+1, r.Of)
		}
		for what, names := range map[string][]string{"sensor": r.Sensors, "config key": r.Config} {
			for _, name := range names {
				if key, from := strings.CutPrefix(name, "config:"); name == "" || from && !declared(key) && t.Kind != catalog.Step {
					return broken("related %d: %s %q: expected a name, or config: and a config key of the type", i+1, what, name)
				}
			}
		}
	}
	return nil
}

func checkConfig(keys []hook.ConfigKey) error {
	taken := map[string]bool{}
	for i := range keys {
		k := &keys[i]
		for _, name := range append([]string{k.Name}, k.Flags...) {
			if !typeName.MatchString(name) || taken[name] {
				return broken("config key %d: expected names and flags of its own, got %q", i+1, name)
			}
			taken[name] = true
		}
		if !coerce.Known(k.Type) {
			return broken("config key %s: unknown type %q", k.Name, k.Type)
		}
		if expression(k.Default) {
			return broken("default of config key %s: an expression cannot stand there", k.Name)
		}
		if _, err := coerce.To(k.Type, k.Default); err != nil {
			return broken("default of config key %s: %w", k.Name, err)
		}
		if k.Inherit != "" && k.Inherit != "never" {
			return broken("config key %s: inherit is %q, expected nothing or never", k.Name, k.Inherit)
		}
	}
	return nil
}
