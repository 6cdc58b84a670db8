package camp

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// schemaDialect is the version of JSON Schema that Schema writes.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

type object = map[string]any

// Schema gives a JSON Schema of blueprints, for editors: the keys that Parse
// reads and, for each of the types, its config. Any value may also be an
// expression.
func Schema(types []hook.Type) map[string]any {
	defs := object{
		"expression": object{"anyOf": []any{
			object{"type": "string", "pattern": `^\$brooklyn:`},
			object{"type": "object", "minProperties": 1, "maxProperties": 1, "patternProperties": object{`^\$brooklyn:`: true}, "additionalProperties": false},
		}},
		"config":    object{"type": "object"},
		"location":  object{"anyOf": []any{object{"type": "string"}, object{"type": "object", "minProperties": 1, "maxProperties": 1}}},
		"parameter": parameterSchema(),
		"service":   serviceSchema(types),
	}
	for _, kind := range []adjunctKind{policies, enrichers, initializers} {
		defs[kind.noun] = partSchema(kind, types)
	}
	for _, t := range types {
		defs[definition(t)] = configSchema(t)
	}
	properties := commonProperties()
	properties["services"] = object{"type": "array", "items": ref("service"), "description": "what the application consists of"}
	properties["wrappedApp"] = object{"type": "boolean", "description": "whether a single service is put into an application of its own"}
	properties["tags"] = object{"type": "array"}
	return object{
		"$schema": schemaDialect, "title": "Gowanus blueprint", "type": "object", "properties": properties,
		"propertyNames": spelt(slices.Concat(rootKeys, entityKeys)),
		"anyOf":         []any{object{"required": []any{"services"}}, ref("service")}, "$defs": defs,
	}
}

// TypeSchema gives a JSON Schema of the config of one type.
func TypeSchema(t hook.Type) map[string]any {
	out := configSchema(t)
	out["$schema"], out["title"] = schemaDialect, t.Name
	out["$defs"] = object{"expression": Schema(nil)["$defs"].(object)["expression"]}
	return out
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

// definition gives a type's name among the definitions.
func definition(t hook.Type) string {
	return t.Kind + "." + strings.NewReplacer("/", "_", "~", "_", "#", "_").Replace(t.Name)
}

func commonProperties() object {
	text := func(doc string) object { return object{"type": "string", "description": doc} }
	list := func(kind, doc string) object {
		return object{"type": "array", "description": doc, "items": ref(kind)}
	}
	locations := object{"anyOf": []any{ref("location"), object{"type": "array", "items": ref("location")}}}
	return object{
		"id": text("the plan id, which expressions find the entity by"), "name": text("the display name"),
		"description": text("for people"), "iconUrl": text("the address of an icon"),
		"location": locations, "locations": locations,
		"brooklyn.config": ref("config"), "brooklyn.flags": ref("config"),
		"brooklyn.parameters":   list("parameter", "config keys that this blueprint declares"),
		"brooklyn.policies":     list("policy", "what acts at events"),
		"brooklyn.enrichers":    list("enricher", "what makes sensors of sensors"),
		"brooklyn.initializers": list("initializer", "effectors and sensors that are added"),
		"brooklyn.tags":         object{"type": "array"},
	}
}

func serviceSchema(types []hook.Type) object {
	properties := commonProperties()
	properties["brooklyn.children"] = object{"type": "array", "items": ref("service"), "description": "the entities below this one"}
	properties["version"] = versionSchema()
	return object{
		"type": "object", "properties": properties, "propertyNames": spelt(entityKeys),
		"anyOf": typed(properties, typeKeys, names(types, "entity")), "allOf": perType(types, "entity", typeKeys),
	}
}

func partSchema(kind adjunctKind, types []hook.Type) object {
	properties := object{
		"id": object{"type": "string"}, "name": object{"type": "string"}, "version": versionSchema(), "brooklyn.config": ref("config"),
	}
	return object{"anyOf": []any{
		object{"type": "string", "examples": names(types, kind.noun)},
		object{
			"type": "object", "properties": properties, "propertyNames": spelt([]string{"brooklyn.config"}),
			"anyOf": typed(properties, kind.types, names(types, kind.noun)), "allOf": perType(types, kind.noun, kind.types),
		},
	}}
}

// typed adds the keys that may hold a type, and says that there must be one.
func typed(properties object, keys []string, known []any) (required []any) {
	for _, key := range keys {
		properties[key] = object{"type": "string", "description": "a type of the catalog", "examples": known}
		required = append(required, object{"required": []any{key}})
	}
	return required
}

// spelt refuses the keys that can only be slips for ours.
func spelt(known []string) object {
	var ours []any
	for _, key := range known {
		if strings.HasPrefix(key, "brooklyn.") {
			ours = append(ours, key)
		}
	}
	return object{"anyOf": []any{object{"enum": ours}, object{"not": object{"pattern": `^brooklyn\.[^.]*$`}}}}
}

func versionSchema() object { return object{"type": []any{"string", "number"}} }

// perType says which config goes with which type: below brooklyn.config, and
// beside the type.
func perType(types []hook.Type, kind string, keys []string) []any {
	out := []any{}
	for _, t := range types {
		if t.Kind != kind || len(t.Config) == 0 {
			continue
		}
		words := []any{t.Name}
		for _, a := range t.Aliases {
			words = append(words, a)
		}
		named := object{"enum": words}
		if t.Prefix != "" {
			named = object{"anyOf": []any{named, object{"pattern": "^" + regexp.QuoteMeta(t.Prefix)}}}
		}
		var is []any
		for _, key := range keys {
			is = append(is, object{"properties": object{key: named}, "required": []any{key}})
		}
		config := ref(definition(t))
		out = append(out, object{
			"if": object{"anyOf": is}, "then": object{"$ref": config["$ref"], "properties": object{"brooklyn.config": config}},
		})
	}
	return out
}

func names(types []hook.Type, kind string) []any {
	out := []any{}
	for _, t := range types {
		if t.Kind == kind {
			out = append(out, t.Name)
		}
	}
	return out
}

func parameterSchema() object {
	modes := []any{"overwrite", "always", "deep_merge", "never", "none", "not_reinherited"}
	return object{"anyOf": []any{object{"type": "string"}, object{
		"type": "object", "required": []any{"name"}, "properties": object{
			"name": object{"type": "string"}, "label": object{"type": "string"}, "description": object{"type": "string"},
			"type":    object{"type": "string", "examples": []any{"string", "boolean", "integer", "double", "duration", "port", "list", "map", "list<string>"}},
			"default": true, "pinned": object{"type": "boolean"}, "constraints": true,
			"inheritance.type": object{"enum": modes}, "inheritance.runtime": object{"enum": modes},
		},
	}}}
}

// configSchema describes the config of a type. Other keys are allowed: those
// below may want them.
func configSchema(t hook.Type) object {
	properties := object{}
	for i := range t.Config {
		k := &t.Config[i]
		s := keySchema(k)
		for _, name := range slices.Concat([]string{k.Name}, k.Flags) {
			properties[name] = s
		}
	}
	out := object{"type": "object", "properties": properties}
	if t.Description != "" {
		out["description"] = t.Description
	}
	return out
}

// keySchema describes the values of a key: what its type is written as, or an
// expression.
func keySchema(k *hook.ConfigKey) object {
	out := object{}
	if k.Description != "" {
		out["description"] = k.Description
	}
	if k.Default != nil {
		out["default"] = k.Default
	}
	if choices := k.Choices(); choices != nil && !slices.ContainsFunc(choices, ambiguous) {
		out["anyOf"] = []any{object{"enum": choices}, ref("expression"), object{"type": "null"}}
		return out
	}
	base, _, _ := strings.Cut(strings.ToLower(k.Type), "<")
	types := map[string][]any{
		"boolean": {"boolean", "string"}, "integer": {"integer", "string"}, "int": {"integer", "string"}, "long": {"integer", "string"},
		"double": {"number", "string"}, "float": {"number", "string"}, "string": {"string", "number", "boolean"}, "map": {"object", "string"},
		"list": {"array", "string", "number", "boolean"}, "duration": {"string", "number"}, "port": {"integer", "string"},
	}[base]
	if types == nil {
		return out
	}
	out["anyOf"] = []any{object{"type": types}, ref("expression"), object{"type": "null"}}
	return out
}

// ambiguous tells whether a text without quotes is something else in YAML, as
// 1 and true are. An editor would then refuse what the server takes.
func ambiguous(choice any) bool {
	text, isText := choice.(string)
	if !isText || text == "" {
		return false
	}
	n, err := yamlpos.Parse("", []byte(text), yamlpos.Limits{})
	if err != nil || n.Kind != yamlpos.Scalar {
		return true
	}
	_, same := n.Value.(string)
	return !same
}
