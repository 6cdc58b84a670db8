package stepinput_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/stepinput"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct{ step, input, want string }{
		{"log", `{"message": "a", "level": "warn"}`, ""},
		{"log", `{"message": null}`, ""},
		{"sleep", `{"duration": null}`, "it needs the input duration"},
		{"no-op", `{"message": "a"}`, `it has no input "message"; it has none`},
		{"nobody-has-it", `{"message": "a"}`, ""},
		{"set-sensor", `{"sensor": {"name": "a", "type": "integer"}, "value": null}`, ""},
		{"set-sensor", `{"name": "a", "value": 1}`, ""},
		{"set-sensor", `{"value": 1}`, "it needs the input sensor or name"},
		{"set-sensor", `{"sensor": "", "name": ""}`, "it needs the input sensor or name"},
		{"set-config", `{"config": "a", "value": 1, "unlessSet": "true"}`, "input unlessSet: expected true or false, not this text"},
		{"invoke-children", `{"effector": "stop", "parallel": "5", "inOrder": false}`, ""},
		{"invoke-children", `{"effector": "stop", "parallel": -1}`, "input parallel: expected a whole number from 0, not a number"},
		{"invoke-children", `{"effector": "stop", "parallel": 1.5}`, "input parallel: expected a whole number from 0, not a number"},
		{"invoke-children", `{"effector": "stop", "args": [1]}`, "input args: expected an object, not a list"},
		{"wait", `{"sensor": "a", "read": "b"}`, "input read: expected a list, not this text"},
		{"wait", `{"sensor": "a", "entity": ""}`, "input entity: expected an entity, not this text"},
		{"wait", `{"sensor": "a", "entity": 7}`, "input entity: expected an entity, not a number"},
		{"wait", `{"sensor": "a", "timeout": "1m 30s"}`, ""},
		{"wait", `{"sensor": true}`, "input sensor: expected a text, not a truth value"},
		{"sleep", `{"duration": "soon"}`, `input duration: expected a duration such as "10s" or "1m 30s", not this text`},
		{"suspend-policy", `{"policy": "p", "reason": []}`, "input reason: expected a text, a number, true or false, not a list"},
		{"http", `{"url": "http://a/", "headers": {"a": {"$secret": "k"}}, "password": {"$secret": "k"}}`, ""},
		{"http", `{"url": "http://a/", "password": {"$secret": "k", "more": 1}}`, "input password: expected a text, a number, true or false, not an object"},
		{"create-container", `{"image": "a", "name": "b", "volume": []}`, `it has no input "volume"; did you mean "volumes"?`},
		{"create-container", `{"image": "a"}`, "it needs the input name"},
	} {
		var input map[string]any
		d := json.NewDecoder(strings.NewReader(c.input))
		d.UseNumber()
		if err := d.Decode(&input); err != nil {
			t.Fatal(err)
		}
		coerce.Plain(input)
		got, err := "", stepinput.Check(c.step, input)
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s %s:\n got %s\nwant %s", c.step, c.input, got, c.want)
		}
	}
}

func TestKeys(t *testing.T) {
	keys, ok := stepinput.Keys("sleep")
	if !ok || len(keys) != 1 || keys[0] != (stepinput.Key{Name: "duration", Type: stepinput.Duration, Required: true}) {
		t.Errorf("%v %v", keys, ok)
	}
	keys[0].Name = "changed"
	if again, _ := stepinput.Keys("sleep"); again[0].Name != "duration" {
		t.Error("what is given is not a copy")
	}
	if _, ok := stepinput.Keys("nobody-has-it"); ok {
		t.Error("a step that there is not")
	}
}

// FuzzCheck: no input makes it panic, and what it refuses it tells without the
// value.
func FuzzCheck(f *testing.F) {
	f.Add("wait", `{"sensor": "a", "timeout": "1s", "read": [1]}`)
	f.Add("set-sensor", `{"sensor": {"$secret": "k"}, "entity": {"$entity": null}}`)
	f.Add("invoke-children", `{"effector": "", "parallel": 1e99}`)
	f.Fuzz(func(t *testing.T, step, text string) {
		var input map[string]any
		if json.Unmarshal([]byte(text), &input) != nil {
			return
		}
		coerce.Plain(input)
		err := stepinput.Check(step, input)
		for _, v := range input {
			if s, is := v.(string); is && len(s) > 40 && err != nil && strings.Contains(err.Error(), s) && input[s] == nil {
				t.Errorf("%s shows %s", err, s)
			}
		}
	})
}
