package constraint_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gowanus-project/gowanus/engine/constraint"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

type deferred struct{}

// read gives the key that a parameter p with these constraints becomes, as it
// comes back from the store.
func read(t *testing.T, text string) (*hook.ConfigKey, error) {
	t.Helper()
	n, err := yamlpos.Parse("b", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	key := hook.ConfigKey{Name: "p"}
	if key.Required, key.Constraints, err = constraint.Read(n.Items); err != nil {
		return nil, err
	}
	stored, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	out := &hook.ConfigKey{}
	if err := json.Unmarshal(stored, out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

func check(key *hook.ConfigKey, config map[string]any) error {
	return constraint.Check(context.Background(), key, func(name string) (any, constraint.State) {
		switch v, ok := config[name]; {
		case !ok:
			return nil, constraint.Unset
		case v == deferred{}:
			return nil, constraint.Deferred
		default:
			return v, constraint.Known
		}
	})
}

func TestCheck(t *testing.T) {
	type m = map[string]any
	later := deferred{}
	for _, tt := range []struct {
		constraints string
		config      m
		want        string // "" is allowed
	}{
		{`[required]`, m{"p": "x"}, ""},
		{`[required]`, m{"p": false}, ""},
		{`[required]`, m{}, "a value is required"},
		{`[required]`, m{"p": nil}, "a value is required"},
		{`[required]`, m{"p": ""}, "a value is required"},
		{`[required]`, m{"p": later}, ""},
		{`[notNull]`, m{"p": ""}, ""},
		{`[notNull]`, m{"p": nil}, "it must not be null"},
		{`[notNull]`, m{}, "it must not be null"},
		{`[notNull]`, m{"p": later}, ""},
		{`[isBlank]`, m{"p": " "}, ""},
		{`[isBlank]`, m{"p": 0}, "it must be blank"},
		{`[isBlank]`, m{"p": later}, ""},
		{`[{regex: myprefix.*}]`, m{"p": "myprefix-x"}, ""},
		{`[{regex: myprefix.*}]`, m{"p": "wrong"}, `"wrong" does not match regex "myprefix.*"`},
		{`[{regex: myprefix.*}]`, m{}, ""},
		{`[{regex: myprefix.*}]`, m{"p": nil}, ""},
		{`[{regex: myprefix.*}]`, m{"p": later}, ""},
		{`[{glob: "a*"}]`, m{"p": 5}, `5 does not match glob "a*"`},
		{`[required, {regex: '\d\d?-\d\d(\d\d)?'}]`, m{"p": "DEC-2000"}, `"DEC-2000" does not match regex "\\d\\d?-\\d\\d(\\d\\d)?"`},
		{`[required, {regex: x}]`, m{}, "a value is required"},
		{`[{or: [{regex: val1}, {regex: val2}]}]`, m{"p": "val2"}, ""},
		{`[{any: [{regex: a}, {glob: b}]}]`, m{"p": "c"}, `"c" does not match regex "a", and "c" does not match glob "b"`},
		{`[{any: [isBlank, {requiredIf: x}]}]`, m{"p": later}, ""},
		{`[{any: [isBlank, {forbiddenIf: x}]}]`, m{"p": "v", "x": later}, ""},
		{`[{and: [required, {less-than: 5}]}]`, m{"p": 7}, `7 does not satisfy {"less-than":5}`},
		{`[{all: [{forbiddenIf: x}, {less-than: 5}]}]`, m{"p": 7, "x": later}, `7 does not satisfy {"less-than":5}`},
		{`[{in-range: [1, 10]}]`, m{}, ""},
		{`[{in-range: [1, 10]}]`, m{"p": 11}, `11 does not satisfy {"in-range":[1,10]}`},
		{`[{when: present}]`, m{}, `no value does not satisfy {"when":"present"}`},
		{`[{any: [{when: absent}, {size: 2}]}]`, m{"p": []any{1}}, `[1] does not satisfy {"when":"absent"}, and [1] does not satisfy {"size":2}`},
		{`[{config: x, equals: a}]`, m{"p": 1, "x": "a"}, ""},
		{`[{config: x, equals: a}]`, m{"p": 1, "x": "b"}, `1 does not satisfy {"config":"x","equals":"a"}`},
		{`[{config: x, equals: a}]`, m{"p": 1, "x": later}, ""},
		{`[{target: child, equals: a}]`, m{"p": 1}, `1 does not satisfy {"equals":"a","target":"child"}`},
		{`[{assert: 2}]`, m{"p": 1}, `Assertion in DSL predicate failed`},
		{`[{regex: "${x}"}]`, m{"p": "x"}, `"x" does not match regex "${x}"`},
		{`[{forbiddenIf: x}]`, m{"p": "v"}, ""},
		{`[{forbiddenIf: x}]`, m{"x": "v"}, ""},
		{`[{forbiddenIf: x}]`, m{"p": "v", "x": "w"}, "it must not be set because x is set"},
		{`[{forbiddenIf: x}]`, m{"p": later, "x": "w"}, ""},
		{`[{forbiddenIf: x}]`, m{"p": "v", "x": later}, ""},
		{`[{forbiddenUnless: x}]`, m{"p": "v"}, "it must not be set unless x is set"},
		{`[{forbiddenUnless: x}]`, m{"p": "v", "x": "w"}, ""},
		{`[{forbiddenUnless: x}]`, m{"p": later}, ""},
		{`[{requiredIf: x}]`, m{}, ""},
		{`[{requiredIf: x}]`, m{"x": "w"}, "a value is required because x is set"},
		{`[{requiredIf: x}]`, m{"p": "v", "x": "w"}, ""},
		{`[{requiredIf: x}]`, m{"x": later}, ""},
		{`[{requiredUnless: x}]`, m{}, "a value is required unless x is set"},
		{`[{requiredUnless: x}]`, m{"x": later}, ""},
		{`[{requiredUnless: x}]`, m{"x": "w"}, ""},
		{`[{requiredUnlessAnyOf: [x, y]}]`, m{"x": ""}, "a value is required unless one of x, y is set"},
		{`[{requiredUnlessAnyOf: [x, y]}]`, m{"x": later, "y": 1}, ""},
		{`[{requiredUnlessAnyOf: x}]`, m{}, "a value is required unless x is set"},
		{`[{forbiddenUnlessAnyOf: [x, y]}]`, m{"p": 1}, "it must not be set unless one of x, y is set"},
		{`[{forbiddenUnlessAnyOf: [x, y]}]`, m{"p": 1, "y": 2}, ""},
	} {
		key, err := read(t, tt.constraints)
		if err != nil {
			t.Errorf("%s: %v", tt.constraints, err)
			continue
		}
		got := ""
		if err := check(key, tt.config); err != nil {
			if got = err.Error(); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: kind %v", tt.constraints, fault.KindOf(err))
			}
		}
		if tt.want != "" {
			tt.want = "Invalid value for p: " + tt.want
		}
		if got != tt.want {
			t.Errorf("%s of %v:\n got %s\nwant %s", tt.constraints, tt.config, got, tt.want)
		}
	}
}

func TestSecretIsNotShown(t *testing.T) {
	key := &hook.ConfigKey{Name: "db.password", Constraints: []any{map[string]any{"regex": "x"}}}
	err := check(key, map[string]any{"db.password": "hunter2"})
	if want := `Invalid value for db.password: the value does not match regex "x"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRead(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`[requird]`, `b:1:2: unknown constraint "requird"; did you mean "required"?`},
		{`[x]`, `b:1:2: unknown constraint "x"; expected required, notNull, isBlank or a map such as "regex: ..."`},
		{`[regex]`, `b:1:2: constraint regex needs an argument: "regex: ..."`},
		{`[requiredIf]`, `b:1:2: constraint requiredIf needs an argument: "requiredIf: ..."`},
		{`[required: x]`, `b:1:2: constraint required takes no argument`},
		{`[{regex: "("}]`, "b:1:10: regex: invalid regular expression: missing closing ): `(`"},
		{`[{requiredf: x}]`, `b:1:3: unknown constraint "requiredf"; did you mean "required"?`},
		{`[{forbidenUnless: x}]`, `b:1:3: unknown constraint "forbidenUnless"; did you mean "forbiddenUnless"?`},
		{`[{regx: x}]`, `b:1:3: unknown key "regx" of a predicate; did you mean "regex"?`},
		{`[{requiredIf: [x]}]`, `b:1:15: requiredIf: expected the name of a config key`},
		{`[{requiredUnlessAnyOf: {a: b}}]`, `b:1:24: requiredUnlessAnyOf: expected a list of names of config keys`},
		{`[{requiredIf: x, regex: y}]`, `b:1:3: requiredIf stands alone; write each constraint as an item of the list`},
		{`[{urlExists: x}]`, `b:1:3: constraint urlExists is not supported: addresses are not contacted to check a blueprint; use "regex: https?://.+" for the form of one`},
		{`[urlExists]`, `b:1:2: constraint urlExists is not supported: addresses are not contacted to check a blueprint; use "regex: https?://.+" for the form of one`},
		{`[{$brooklyn:object: {type: x}}]`, `b:1:2: an expression cannot stand in a constraint; write a predicate, such as "regex: ..."`},
		{`[{equals: $brooklyn:config("x")}]`, `b:1:11: an expression cannot stand in a constraint; write a predicate, such as "regex: ..."`},
		{`[[x]]`, `b:1:2: expected a constraint: a word such as required, or a map such as "regex: ..."`},
		{`[{any: x}]`, `b:1:8: any: expected a list of constraints`},
		{`[{any: [x, {not: 5}]}]`, `b:1:9: unknown constraint "x"; expected required, notNull, isBlank or a map such as "regex: ..."`},
	} {
		if _, err := read(t, tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestConstraintsOfATypeAreWrong(t *testing.T) {
	err := check(&hook.ConfigKey{Name: "p", Constraints: []any{"sometimes"}}, nil)
	if want := `constraints of config key p: unknown constraint "sometimes"; expected required, notNull, isBlank or a map such as "regex: ..."`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
