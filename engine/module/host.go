package module

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// Reader reads what modules may see of running entities.
type Reader interface {
	// Sensor gives a sensor of an entity of the application that the asking
	// entity belongs to, nil when it has no value. Any other entity is
	// fault.NotFound.
	Sensor(asking, entity, name string) (any, error)
	// Config gives a config value in the same way, resolved as far as that needs
	// no waiting.
	Config(ctx context.Context, asking, entity, key string) (any, error)
}

// ReadFrom says where the modules read from; without it they find nothing.
func (k *Keeper) ReadFrom(r Reader) { k.reader.Store(&r) }

// The operations of sdk/ABI.md, "Host operations".
const (
	opSensor = 1
	opConfig = 2
	opFile   = 3
)

// serve answers an operation of the host.
func (k *Keeper) serve(ctx context.Context, op int32, request []byte) ([]byte, error) {
	q, ok := guest.InquiryOf(ctx)
	if !ok {
		return nil, fault.New(fault.Forbidden, "host operations are not served during this hook")
	}
	switch op {
	case opSensor:
		var in struct{ Entity, Sensor string }
		return k.value(q, request, &in, func() (hook.Capability, string) {
			return hook.Capability{Kind: hook.CapSensor, Value: in.Sensor}, in.Entity
		},
			func(r Reader) (any, error) { return r.Sensor(q.Entity, in.Entity, in.Sensor) })
	case opConfig:
		var in struct{ Entity, Key string }
		return k.value(q, request, &in, func() (hook.Capability, string) {
			return hook.Capability{Kind: hook.CapConfig, Value: in.Key}, in.Entity
		},
			func(r Reader) (any, error) {
				v, err := r.Config(ctx, q.Entity, in.Entity, in.Key)
				return q.Module.Veil(in.Key, v), err
			})
	case opFile:
		var in struct{ Name string }
		if err := decode(request, &in); err != nil {
			return nil, err
		}
		return k.readFile(q, in.Name)
	}
	return nil, fault.New(fault.NotFound, "there is no host operation %d", op)
}

// value answers with one value of an entity, if the module was granted that.
func (k *Keeper) value(q guest.Inquiry, request []byte, in any, needs func() (hook.Capability, string), read func(Reader) (any, error)) ([]byte, error) {
	if err := decode(request, in); err != nil {
		return nil, err
	}
	capability, entity := needs()
	if capability.Value == "" || entity == "" {
		return nil, fault.New(fault.Invalid, "the request needs an entity and a name")
	}
	if entity != q.Entity && !q.Module.May(capability.Kind, capability.Value) {
		return nil, q.Module.Refuse(q.Hook, q.Type, q.Entity, capability, "reading "+capability.Kind+" "+capability.Value+" of entity "+entity)
	}
	r := k.reader.Load()
	if r == nil || q.Entity == "" {
		return nil, fault.New(fault.NotFound, "there is no entity %q", entity)
	}
	v, err := read(*r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"value": v})
}

func (k *Keeper) readFile(q guest.Inquiry, name string) ([]byte, error) {
	for _, m := range k.Modules() {
		if m.Module != q.Module || m.files == nil {
			continue
		}
		content, err := m.files(name)
		if err != nil {
			return nil, err
		}
		if utf8.Valid(content) {
			return json.Marshal(map[string]string{"text": string(content)})
		}
		return json.Marshal(map[string][]byte{"base64": content})
	}
	return nil, fault.New(fault.NotFound, "module %s came without other files", q.Module.Name())
}

func decode(request []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(request))
	if err := d.Decode(into); err != nil {
		return fault.New(fault.Invalid, "the request cannot be read: %w", err)
	}
	return nil
}
