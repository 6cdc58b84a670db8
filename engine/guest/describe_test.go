package guest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
)

func TestLoadRefuses(t *testing.T) {
	head := `{"name": "m", "version": "1", "abi": [1, 1], "types": [`
	typ := func(body string) string { return head + `{"name": "t", ` + body + `}]}` }
	of := "description of module m: "
	for _, c := range []struct {
		text string
		kind fault.Kind
		want string
	}{
		{``, fault.Invalid, "the description cannot be read: it is empty"},
		{`{"nam": 1}`, fault.Invalid, `the description cannot be read: unknown field "nam", before byte 10; did you mean "name"?`},
		{`{"error": {"kind": "conflict", "message": "two types x"}}`, fault.Conflict, "the module cannot describe itself: two types x"},
		{`{"version": "1"}`, fault.Invalid, `description of module "": expected a name of letters, digits, and . _ - between them, and a version like 1.2.0; the version is "1"`},
		{`{"name": "m", "version": "1", "abi": [2, 3]}`, fault.Invalid, of + "it speaks the ABI versions 2 to 3, this engine version 1"},
		{`{"name": "m", "version": "1", "abi": [1, 1], "capabilities": [{"kind": "host", "value": "x", "reason": "r"}]}`, fault.Invalid,
			of + `capability 1: kind "host": expected one of step, http, image, config, sensor, secret`},
		{`{"name": "m", "version": "1", "abi": [1, 1], "capabilities": [{"kind": "step", "value": "log"}]}`, fault.Invalid,
			of + `capability 1, of kind step: expected a value and a reason, got value "log", reason ""`},
		{`{"name": "m", "version": "1", "abi": [1, 1], "capabilities": [{"kind": "step", "value": "log", "reason": "r\u001b[2A\u001b[J"}]}`, fault.Invalid,
			of + `capability 1, of kind step: its reason: expected one line of at most 500 characters, without those that control a terminal, got "r\x1b[2A\x1b[J"`},
		{`{"name": "m", "version": "1", "abi": [1, 1], "capabilities": [{"kind": "http", "value": "\u202egro.elpmaxe", "reason": "r"}]}`, fault.Invalid,
			of + `capability 1, of kind http: its value: expected one line of at most 500 characters, without those that control a terminal, got "\u202egro.elpmaxe"`},
		{head + `{"name": "a", "kind": "entity"}, {"name": "b", "aliases": ["a"], "kind": "entity"}]}`, fault.Invalid, of + `type 2: expected a name of its own, got "a"`},
		{head + `{"kind": "entity"}]}`, fault.Invalid, of + `type 1: expected a name of its own, got ""`},
		{typ(`"kind": "bean"`), fault.Invalid, of + `type t: kind "bean": expected one of entity, policy, enricher, strategy, step, network, location, format`},
		{typ(`"kind": "policy", "prefix": "t:"`), fault.Invalid, of + "type t: only an entity has a prefix, effectors or init"},
		{typ(`"kind": "step", "init": true`), fault.Invalid, of + "type t: only an entity has a prefix, effectors or init"},
		{typ(`"kind": "format"`), fault.Invalid, of + "type t: a format, and nothing else, has formats"},
		{typ(`"kind": "step", "formats": [".x"]`), fault.Invalid, of + "type t: a format, and nothing else, has formats"},
		{typ(`"kind": "entity", "related": [{"of": "members"}]`), fault.Invalid, of + "type t: only a policy, enricher or step has related"},
		{typ(`"kind": "policy", "events": [{"of": "friends"}]`), fault.Invalid,
			of + `type t: event 1: of is "friends": expected nothing, members, children, or config: and a config key of the type`},
		{typ(`"kind": "policy", "events": [{"of": "config:a"}], "config": [{"name": "a", "type": "entity"}]`), fault.Invalid,
			of + "type t: event 1: expected a sensor, or in sensorFrom a config key of the type"},
		{typ(`"kind": "enricher", "related": [{"of": "config:a"}]`), fault.Invalid,
			of + `type t: related 1: of is "config:a": expected members, children, or config: and a config key of the type`},
		{typ(`"kind": "enricher", "related": [{"of": "members", "sensors": ["config:a"]}]`), fault.Invalid,
			of + `type t: related 1: sensor "config:a": expected a name, or config: and a config key of the type`},
		{typ(`"kind": "enricher", "related": [{"of": "members", "config": ["config:a"]}]`), fault.Invalid,
			of + `type t: related 1: config key "config:a": expected a name, or config: and a config key of the type`},
		{typ(`"kind": "entity", "prefix": "t"`), fault.Invalid, of + `type t: prefix "t": expected a colon at its end`},
		{`{"name": "m", "version": "one two", "abi": [1, 1]}`, fault.Invalid,
			`description of module "m": expected a name of letters, digits, and . _ - between them, and a version like 1.2.0; the version is "one two"`},
		{head + `{"name": "gw z", "kind": "step"}]}`, fault.Invalid, of + `type 1: expected a name of its own, got "gw z"`},
		{typ(`"kind": "entity", "effectors": [{"name": "e", "parameters": [{"name": "p", "type": "nonsense"}]}]`), fault.Invalid,
			of + `type t: parameter "p" of effector e: expected a name and a known type, got the type "nonsense"`},
		{typ(`"kind": 5`), fault.Invalid, "the description cannot be read: types.kind: expected a string, got number"},
		{head, fault.Invalid, "the description cannot be read: the JSON ends in the middle"},
		{`null`, fault.Invalid, "the description cannot be read: it is null, expected an object"},
		{typ(`"kind": "entity", "effectors": [{}]`), fault.Invalid, of + "type t: effector 1: expected a name, got \"\""},
		{typ(`"kind": "entity", "events": [{"sensor": "x"}]`), fault.Invalid, of + "type t: only a policy or enricher has events or wakeAfter"},
		{typ(`"kind": "policy", "wakeAfter": "soon"`), fault.Invalid, of + `type t: wakeAfter: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{typ(`"kind": "entity", "columns": ["x"]`), fault.Invalid, of + "type t: only a strategy has columns"},
		{typ(`"kind": "policy", "events": [{"sensorFrom": "x"}]`), fault.Invalid,
			of + "type t: event 1: expected a sensor, or in sensorFrom a config key of the type"},
		{typ(`"kind": "entity", "config": [{"name": "a", "flags": ["a"], "type": "string"}]`), fault.Invalid,
			of + `type t: config key 1: expected names and flags of its own, got "a"`},
		{typ(`"kind": "entity", "config": [{"name": "a", "type": "strange"}]`), fault.Invalid, of + `type t: config key a: unknown type "strange"`},
		{typ(`"kind": "entity", "config": [{"name": "a", "type": "any", "default": ["$brooklyn:external(\"vault\", \"k\")"]}]`), fault.Invalid,
			of + "type t: default of config key a: an expression cannot stand there"},
		{typ(`"kind": "entity", "config": [{"name": "a", "type": "string", "inherit": "maybe"}]`), fault.Invalid,
			of + `type t: config key a: inherit is "maybe", expected nothing or never`},
	} {
		_, err := guest.Load([]byte(c.text), &fake{}, guest.Limits{})
		if fault.KindOf(err) != c.kind || err == nil || err.Error() != c.want {
			t.Errorf("%s:\ngot  %v (%s)\nwant %s", c.text, err, fault.KindOf(err), c.want)
		}
	}
	_, err := guest.Load([]byte(typ(`"kind": "entity", "config": [{"name": "a", "type": "integer", "default": "x"}]`)), &fake{}, guest.Limits{})
	if err == nil || !strings.HasPrefix(err.Error(), of+`type t: default of config key a: cannot read "x" as integer`) {
		t.Errorf("got %v", err)
	}
	for _, l := range []guest.Limits{{Types: 2}, {DescriptionBytes: 100}, {Values: 10}} {
		if _, err := guest.Load([]byte(fakeDescription), &fake{}, l); fault.KindOf(err) != fault.Limit {
			t.Errorf("%+v: got %v", l, err)
		}
	}
}

func TestStrategyConfig(t *testing.T) {
	make := load(t, &fake{}, guest.Limits{})["picky"].Strategy
	for _, c := range []struct {
		config map[string]any
		want   string
	}{
		{map[string]any{"must": "x"}, ""},
		{map[string]any{"must": "x", "max": "7"}, ""},
		{map[string]any{}, "picky needs the config key must"},
		{map[string]any{"must": "x", "max.sise": 7}, `picky has no config key "max.sise"; did you mean "max.size"?`},
		{map[string]any{"must": "x", "colour": 7}, `picky has no config key "colour"`},
	} {
		s, err := make(c.config)
		if got := fmt.Sprint(err); c.want != "" && (got != c.want || fault.KindOf(err) != fault.Invalid) || c.want == "" && (err != nil || s.Name() != "picky" || s.Columns()[0] != "containers") {
			t.Errorf("%v: got %v, %v, want %q", c.config, s, err, c.want)
		}
	}
	if _, err := make(map[string]any{"must": "x", "max": "many"}); err == nil || !strings.HasPrefix(err.Error(), `max of picky: cannot read "many" as integer`) {
		t.Errorf("got %v", err)
	}
}
