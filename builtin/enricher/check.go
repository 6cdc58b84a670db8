package enricher

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// What the values of some keys are, beyond their types.
var (
	oneSensor = []string{
		"enricher.sourceSensor", "enricher.targetSensor", "enricher.keySensor", "enricher.valueSensor",
		"enricher.percentage.sourceCurrentSensor", "enricher.percentage.sourceTotalSensor", "enricher.percentage.targetSensor",
	}
	manySensors = []string{
		"enricher.triggerSensors", "enricher.sourceSensors", "enricher.propagating.inclusions", "enricher.propagating.propagatingAllBut",
	}
	functions  = []string{"enricher.transformation", "enricher.transformation.untyped"}
	predicates = []string{"enricher.aggregating.entityFilter", "enricher.aggregating.valueFilter"}
)

// words are the functions over values that blueprints name.
var words = []string{"average", "mean", "sum", "min", "max", "isQuorate", "list", "first"}

// checks tell before an enricher begins what it would refuse then, for the keys
// that have a rule of their own. Expressions are left for that time.
func checks(keys []hook.ConfigKey) catalog.Checks {
	out := catalog.Checks{}
	for i := range keys {
		name := keys[i].Name
		var check func(n *yamlpos.Node) string
		switch {
		case slices.Contains(oneSensor, name):
			check = func(n *yamlpos.Node) string { return isSensor(n, "the name of a sensor") }
		case slices.Contains(manySensors, name):
			check = areSensors
		case slices.Contains(functions, name):
			check = isFunction
		case slices.Contains(predicates, name):
			out[name] = func(n *yamlpos.Node) error {
				_, err := predicate.Compile(n, predicate.Limits{})
				return err
			}
			continue
		case name == "quorum.check.type":
			check = isQuorum
		default:
			continue
		}
		out[name] = func(n *yamlpos.Node) error {
			if n.Kind == yamlpos.Null || expr.IsExpr(n.Any()) {
				return nil
			}
			if wrong := check(n); wrong != "" {
				return fault.New(fault.Invalid, "Invalid value for %s: %s", name, wrong)
			}
			return nil
		}
	}
	return out
}

func isSensor(n *yamlpos.Node, want string) string {
	if _, ok := sensorName(n.Any()); ok || expr.IsExpr(n.Any()) {
		return ""
	}
	return "expected " + want + ", not " + coerce.Text(n.Any())
}

func areSensors(n *yamlpos.Node) string {
	items := n.Items
	if n.Kind != yamlpos.List {
		items = []*yamlpos.Node{n}
	}
	for _, item := range items {
		if wrong := isSensor(item, "names of sensors"); wrong != "" {
			return wrong
		}
	}
	return ""
}

func isFunction(n *yamlpos.Node) string {
	word, is := n.Any().(string)
	if !is || word == "" || slices.Contains(words, word) {
		return ""
	}
	return "unknown transformation \"" + word + "\"" + nearest.Hint(word, words) + "; expected one of " + strings.Join(words, ", ")
}

func isQuorum(n *yamlpos.Node) string {
	if _, ok := entity.Quorum(n.Any()); ok {
		return ""
	}
	return "unknown check \"" + n.Text + "\"" + nearest.Hint(n.Text, entity.Quorums()) + "; expected a number or one of " + strings.Join(entity.Quorums(), ", ")
}

// required makes keys of a type such as must be given.
func required(t *catalog.Type, names ...string) *catalog.Type {
	t.Config = slices.Clone(t.Config)
	for i := range t.Config {
		t.Config[i].Required = slices.Contains(names, t.Config[i].Name)
	}
	return t
}

// together lets a type refuse config whose keys do not make sense with one
// another. wrong gives the reason, "" for none.
func together(t *catalog.Type, wrong func(config map[string]any) string) *catalog.Type {
	t.Initializer = func(config map[string]any) (*catalog.Contribution, error) {
		if reason := wrong(config); reason != "" {
			return nil, fault.New(fault.Invalid, "%s", reason)
		}
		return &catalog.Contribution{}, nil
	}
	return t
}
