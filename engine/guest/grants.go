package guest

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/stepinput"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/pattern"
)

// Refusal is a decision, or a request of a module, that was refused: for want of
// a capability, or because a step cannot have the input that it was given.
type Refusal struct {
	Time       time.Time       `json:"time"`
	Hook       string          `json:"hook"`
	Type       string          `json:"type"`
	Entity     string          `json:"entity,omitempty"`    // id
	Capability hook.Capability `json:"capability,omitzero"` // that would have allowed it
	Message    string          `json:"message"`
}

// keptRefusals is how many refusals of a module are kept, the newest.
const keptRefusals = 20

// rights are what a module was granted, and what was refused for want of it.
type rights struct {
	mu       sync.Mutex
	granted  []hook.Capability
	steps    map[string]bool
	refusals []Refusal
	refused  int64
}

// GrantAll lets the module do all that it asks for.
func (m *Module) GrantAll() { m.Grant(m.description.Capabilities) }

// Grant says what the module may do, instead of what it might before. What it
// does not ask for is not granted by it.
func (m *Module) Grant(granted []hook.Capability) {
	r := &m.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	r.granted, r.steps = nil, map[string]bool{}
	for _, asked := range m.description.Capabilities {
		if !slices.ContainsFunc(granted, func(g hook.Capability) bool { return g.Kind == asked.Kind && g.Value == asked.Value }) {
			continue
		}
		r.granted = append(r.granted, asked)
		if asked.Kind == hook.CapStep {
			r.steps[asked.Value] = true
		}
	}
}

// Granted gives what the module may do.
func (m *Module) Granted() []hook.Capability {
	m.rights.mu.Lock()
	defer m.rights.mu.Unlock()
	return slices.Clone(m.rights.granted)
}

// Refusals gives the newest refusals, the last one last, and how many there
// were in all.
func (m *Module) Refusals() ([]Refusal, int64) {
	m.rights.mu.Lock()
	defer m.rights.mu.Unlock()
	return slices.Clone(m.rights.refusals), m.rights.refused
}

// May tells whether the module was granted something.
func (m *Module) May(kind, value string) bool {
	r := &m.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	if kind == hook.CapStep {
		return r.steps[value]
	}
	return slices.ContainsFunc(r.granted, func(g hook.Capability) bool {
		return g.Kind == kind && pattern.Wild(g.Value, value)
	})
}

// Refuse records that something was refused, and gives the error.
func (m *Module) Refuse(id hook.ID, typ, entity string, missing hook.Capability, what string) error {
	var values []string
	for _, c := range m.description.Capabilities {
		if c.Kind == missing.Kind {
			values = append(values, c.Value)
		}
	}
	why, hint := "does not ask for", ""
	if slices.Contains(values, missing.Value) {
		why = "was not granted"
	} else if missing.Kind == hook.CapStep {
		hint = nearest.Hint(missing.Value, values)
	}
	missing.Value = brief(missing.Value)
	err := fault.New(fault.Forbidden, "%s needs a capability that module %s %s: kind %s, value %s%s", brief(what), m.Name(), why, missing.Kind, missing.Value, hint)
	return m.note(id, typ, entity, missing, err)
}

// NoteRefusal records that somebody else refused a decision, and gives the error.
func (m *Module) NoteRefusal(id hook.ID, typ, entity string, err error) error {
	return m.fail(m.note(id, typ, entity, hook.Capability{}, err), id, typ)
}

// note records a refusal, and gives its error.
func (m *Module) note(id hook.ID, typ, entity string, missing hook.Capability, err error) error {
	r := &m.rights
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refusals) == keptRefusals {
		r.refusals = slices.Delete(r.refusals, 0, 1)
	}
	r.refused++
	r.refusals = append(r.refusals, Refusal{time.Now().UTC(), id.String(), typ, entity, missing, brief(err.Error())})
	return err
}

// briefBytes is how much is told of what a module wanted: that of an address may
// be as long as a decision.
const briefBytes = 1000

func brief(text string) string {
	if len(text) <= briefBytes {
		return text
	}
	return strings.ToValidUTF8(text[:briefBytes], "") + "…"
}

// addresses are the steps that ask addresses in the world.
var addresses = map[string]bool{"http": true, "load": true, "check-endpoint": true, "test-http": true, "test-endpoint": true}

// confineKey is the input by which these are held to the hosts that the module
// was granted, wherever redirects and names lead.
const confineKey = "confine"

func (m *Module) grantedHosts() []any {
	out := []any{}
	for _, c := range m.Granted() {
		if c.Kind == hook.CapHTTP {
			out = append(out, c.Value)
		}
	}
	return out
}

// want is a capability that a step needs.
type want struct {
	hook.Capability
	what string
}

// permit refuses steps that the module has no capability for, or that cannot
// have their input, those included that another step runs: they stand in its
// input as step and input.
func (m *Module) permit(id hook.ID, typ, entity string, steps []hook.Step) error {
	for i := range steps {
		name, input := steps[i].Step, steps[i].Input
		for name != "" {
			for n, w := range wants(name, input) {
				if !m.May(w.Kind, w.Value) {
					return m.Refuse(id, typ, entity, w.Capability, "step "+coerce.Text(i+1)+", "+w.what+",")
				}
				if n > 0 {
					continue
				}
				// Before the wants that depend on the input, and before that
				// shows secrets.
				if err := stepinput.Check(name, input); err != nil {
					return m.note(id, typ, entity, hook.Capability{}, fault.Wrap(err, "step", coerce.Text(i+1)+", "+name))
				}
				if err := m.lasting(name, input); err != nil {
					return m.note(id, typ, entity, hook.Capability{}, fault.Wrap(err, "step", coerce.Text(i+1)+", "+name))
				}
			}
			if addresses[name] && input != nil {
				input[confineKey] = m.grantedHosts()
			}
			name, _ = input["step"].(string)
			input, _ = input["input"].(map[string]any)
		}
	}
	return nil
}

// wants gives the capabilities that a step needs, that of the step itself first.
func wants(name string, input map[string]any) []want {
	out := []want{{hook.Capability{Kind: hook.CapStep, Value: name}, name}}
	switch name {
	case "http", "load", "check-endpoint", "test-http", "test-endpoint":
		address := coerce.Text(input["endpoint"])
		if address == "" {
			address = coerce.Text(input["url"])
		}
		// A file of the bundle, or what a sensor says: the step is held to the hosts as it runs.
		if name == "load" && !strings.Contains(address, "://") || name == "test-endpoint" && address == "" {
			break
		}
		out = append(out, want{hook.Capability{Kind: hook.CapHTTP, Value: hostOf(address)}, name + " to " + address})
	case "pull-image", "create-container", "container", "build-image":
		if image := coerce.Text(input["image"]); image != "" {
			out = append(out, want{hook.Capability{Kind: hook.CapImage, Value: image}, name + " of image " + image})
		}
	}
	return out
}

// hostOf gives host, or host:port where the address has a port.
func hostOf(address string) string {
	if !strings.Contains(address, "://") { // host:port
		return strings.ToLower(address)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return strings.ToLower(u.Host)
}
