package camp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// TestSchemaRefs follows each reference of the schema and looks for each key
// that a blueprint may have.
func TestSchemaRefs(t *testing.T) {
	types := []hook.Type{
		{Name: "org.example.Web", Kind: "entity", Aliases: []string{"web"}, Config: []hook.ConfigKey{
			{Name: "web.port", Flags: []string{"port"}, Type: "port", Default: int64(80), Description: "where it listens"}, {Name: "any", Type: "any"},
			{Name: "mode", Type: "string", Constraints: []any{map[string]any{"regex": "fast|safe"}}},
			{Name: "level", Type: "string", Constraints: []any{map[string]any{"regex": "1|2"}}},
		}},
		{Name: "container", Kind: "entity", Prefix: "docker:", Config: []hook.ConfigKey{{Name: "env", Type: "map"}}},
		{Name: "scaler", Kind: "policy", Config: []hook.ConfigKey{{Name: "max", Type: "integer"}}},
	}
	s := camp.Schema(types)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	defs := s["$defs"].(map[string]any)
	for _, part := range strings.Split(string(text), `"$ref":"#/$defs/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if defs[name] == nil {
			t.Errorf("$ref to %s leads nowhere", name)
		}
	}
	for _, want := range []string{
		`"brooklyn.children"`, `"serviceType"`, `"wrappedApp"`, `"inheritance.runtime"`, `"enum":["org.example.Web","web"]`,
		`"port":{"anyOf":[{"type":["integer","string"]},{"$ref":"#/$defs/expression"},{"type":"null"}],"default":80,"description":"where it listens"}`,
		`"mode":{"anyOf":[{"enum":["fast","safe"]},`, `"level":{"anyOf":[{"type":["string","number","boolean"]},`, `"policy.scaler"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema has no %s", want)
		}
	}
	one, err := json.Marshal(camp.TypeSchema(types[0]))
	if err != nil || !strings.Contains(string(one), `"$defs":{"expression":`) || !strings.Contains(string(one), `"title":"org.example.Web"`) {
		t.Errorf("%v, the type's schema is %s", err, one)
	}
}
