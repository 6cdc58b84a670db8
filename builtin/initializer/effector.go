package initializer

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// effectorKeys are those of all effectors that a blueprint adds.
func effectorKeys(more ...hook.ConfigKey) []hook.ConfigKey {
	keys := []hook.ConfigKey{
		{Name: "name", Type: "string", Required: true, Description: "the effector"},
		{Name: "description", Type: "string"},
		{Name: "parameters", Type: "raw", Description: "of the effector: names with type, description and defaultValue"},
	}
	return append(keys, more...)
}

func declare(config map[string]any) (*catalog.Contribution, error) {
	e, err := catalog.ReadEffector(config)
	if err != nil {
		return nil, err
	}
	return &catalog.Contribution{Effectors: []hook.Effector{*e}}, nil
}

func proxyEffector() *catalog.Type {
	return &catalog.Type{
		Type: of("effector", "ProxyEffector", "proxy-effector", "an effector that calls one of another entity",
			effectorKeys(
				hook.ConfigKey{Name: "targetEntity", Type: "any", Required: true, Description: "the other entity"},
				hook.ConfigKey{Name: "targetEffector", Type: "string", Description: "its effector; of the same name when absent"})...),
		Version: version, Initializer: declare, Entity: proxy{},
	}
}

type proxy struct{}

// Effector answers with the call.
func (proxy) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	effector := coerce.Text(c.Initializer["targetEffector"])
	if effector == "" {
		effector = c.Effector
	}
	in := map[string]any{"entity": c.Initializer["targetEntity"], "effector": effector, "args": c.Args}
	return &hook.Decision{Steps: []hook.Step{{Step: "invoke-effector", Input: in}, {Continue: "result"}}}, nil
}

// Continue gives the result of the call.
func (proxy) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return &hook.Decision{Result: c.Outputs[len(c.Outputs)-1].Output}, nil
}

func compositeEffector() *catalog.Type {
	return &catalog.Type{
		Type: of("effector", "composite.CompositeEffector", "composite-effector", "an effector that calls several, one after the other",
			effectorKeys(
				hook.ConfigKey{Name: "effectors", Type: "list", Required: true, Description: "names, or maps of one name to target, args and input"},
				hook.ConfigKey{Name: "override", Type: "boolean", Default: false, Description: "whether the effector of this name that was there before is called first"})...),
		Version: version, Initializer: declareComposite, Entity: composite{},
	}
}

func declareComposite(config map[string]any) (*catalog.Contribution, error) {
	if _, err := calls(config["effectors"], nil); err != nil {
		return nil, err
	}
	return declare(config)
}

type composite struct{}

// Effector answers with all calls.
func (composite) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	var steps []hook.Step
	if yes, _ := coerce.To("boolean", c.Initializer["override"]); yes == true {
		steps = append(steps, hook.Step{Step: "invoke-effector", Input: map[string]any{"effector": c.Effector, "overridden": true, "args": c.Args}})
	}
	more, err := calls(c.Initializer["effectors"], c.Args)
	if err != nil {
		return nil, err
	}
	return &hook.Decision{Steps: append(append(steps, more...), hook.Step{Continue: "results"})}, nil
}

// calls gives the steps for the entries of "effectors".
func calls(v any, args map[string]any) ([]hook.Step, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []hook.Step
	for _, item := range list {
		in := map[string]any{"args": args}
		switch x := item.(type) {
		case string:
			in["effector"] = x
		case map[string]any:
			if len(x) != 1 {
				return nil, fault.New(fault.Invalid, "effectors: a map must have one key, the effector; this one has %d", len(x))
			}
			for name, spec := range x {
				in["effector"] = name
				more, _ := spec.(map[string]any)
				if more["target"] != nil {
					in["entity"] = more["target"]
				}
				if given, ok := more["args"].(map[string]any); ok {
					in["args"] = given
				}
			}
		default:
			return nil, fault.New(fault.Invalid, "effectors: expected names of effectors, not %v", item)
		}
		out = append(out, hook.Step{Step: "invoke-effector", Input: in})
	}
	return out, nil
}

// Continue gives the list of all results.
func (composite) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	results := make([]any, len(c.Outputs))
	for i, o := range c.Outputs {
		results[i] = o.Output
	}
	return &hook.Decision{Result: results}, nil
}

func addChildrenEffector() *catalog.Type {
	return &catalog.Type{
		Type: of("effector", "AddChildrenEffector", "add-children-effector", "an effector that adds children from a blueprint; its arguments are their config",
			effectorKeys(
				hook.ConfigKey{Name: "blueprint_yaml", Type: "raw", Description: "the blueprint, as text or as a map"},
				hook.ConfigKey{Name: "blueprint_type", Type: "string", Description: "or the type to add"},
				hook.ConfigKey{Name: "auto_start", Flags: []string{"autostart"}, Type: "boolean", Description: "whether the children are started; as the entity is when absent"})...),
		Version: version, Initializer: declareAdding, Entity: adding{},
	}
}

func declareAdding(config map[string]any) (*catalog.Contribution, error) {
	_, err := blueprintOf(config)
	if err != nil {
		return nil, err
	}
	return declare(config)
}

func blueprintOf(config map[string]any) (any, error) {
	text, typ := config["blueprint_yaml"], config["blueprint_type"]
	switch {
	case (text == nil) == (typ == nil):
		return nil, fault.New(fault.Invalid, "AddChildrenEffector needs one of blueprint_yaml and blueprint_type")
	case typ != nil:
		return map[string]any{"services": []any{map[string]any{"type": typ}}}, nil
	}
	return text, nil
}

type adding struct{}

// Effector answers with the step that adds the children.
func (adding) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	blueprint, err := blueprintOf(c.Initializer)
	if err != nil {
		return nil, err
	}
	in := map[string]any{"blueprint": blueprint, "config": c.Args}
	if c.Initializer["auto_start"] != nil {
		in["start"] = c.Initializer["auto_start"]
	}
	return &hook.Decision{Steps: []hook.Step{{Step: "add-children", Input: in}, {Continue: "children"}}}, nil
}

// Continue gives the ids of the children.
func (adding) Continue(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return proxy{}.Continue(ctx, c)
}
