package guest

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/stepinput"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// lasting refuses what a step would put into config or arguments and a later
// call of the module would find there: a secret where the module may see it, and
// an expression. That would be resolved with the rights of a blueprint, and so
// read what the module may not.
func (m *Module) lasting(step string, input map[string]any) error {
	for _, at := range stepinput.Hands(step, input) {
		if m.May(hook.CapSecret, at) {
			return fault.New(fault.Forbidden, "a secret that the module may not see cannot become %s, which it may", at)
		}
	}
	if step != "set-config" {
		return nil
	}
	typ, name := input["type"], input["name"]
	switch config := input["config"].(type) {
	case map[string]any:
		name = config["name"]
		if config["type"] != nil {
			typ = config["type"]
		}
	case string:
		name = config
	}
	value := input["value"]
	if word := coerce.Text(typ); typ != nil && coerce.Known(word) { // what the step makes of it
		if v, err := coerce.To(word, value); err == nil {
			value = v
		}
	}
	if expression(value) || strings.Contains(coerce.Text(name), expr.Prefix) {
		return fault.New(fault.Forbidden, "input value: an expression cannot stand there; a module reads what it was granted")
	}
	return nil
}

// expression tells whether a value is an expression or has one in it.
func expression(v any) bool {
	switch x := v.(type) {
	case string:
		return expr.IsExpr(x)
	case map[string]any:
		for key, item := range x {
			if strings.HasPrefix(key, expr.Prefix) || expression(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(x, expression)
	}
	return false
}
