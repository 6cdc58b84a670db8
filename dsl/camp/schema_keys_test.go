package camp

import "testing"

// TestSchemaKeys finds every key that is read among those of the schema.
func TestSchemaKeys(t *testing.T) {
	s := Schema(nil)
	defs := s["$defs"].(object)
	for _, level := range []struct {
		name string
		keys []string
		in   object
	}{
		{"blueprint", rootKeys, s}, {"service", entityKeys, defs["service"].(object)},
		{"parameter", parameterKeys, defs["parameter"].(object)["anyOf"].([]any)[1].(object)},
	} {
		for _, key := range level.keys {
			if level.in["properties"].(object)[key] == nil {
				t.Errorf("%s: the schema has no %s", level.name, key)
			}
		}
	}
}
