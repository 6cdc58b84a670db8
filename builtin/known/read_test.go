package known

import (
	"encoding/json"
	"testing"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func read(text string) *reader {
	r := &reader{groups: map[string]*members{}}
	s := &source{file: "x.yaml"}
	s.root, s.err = yamlpos.Parse(s.file, []byte(text), yamlpos.Limits{})
	r.read(s)
	return r
}

func TestRead(t *testing.T) {
	r := read(`
groups:
  g:
    config: {a: integer = 1; a of g, b: string}
    sensors: {s: double; s of g}
    effectors: {stop: of g}
  h:
    like: [g]
    sensors: {u: boolean}
types:
  a.B:
    is: a B
    instead: use C
    aliases: [bee]
    application: true
    like: [h]
    config:
      b: any! (bFlag, b.flag) = x = y; it; and more
      c: list = [1, 2]
      d: port = 80+
    effectors:
      resize(size integer, hard boolean) string: change it
  a.Same: {is: another, instead: use D, kind: policy, like: [g]}
`)
	if err := r.errs.Err(); err != nil {
		t.Fatal(err)
	}
	b := r.types[0]
	if b.Unbuilt != "use C" || !b.Application || b.Version != "0.0.0" || r.types[1].Kind != "policy" {
		t.Errorf("got %+v", b)
	}
	want := `{"name":"a.B","kind":"entity","aliases":["bee"],"description":"a B","config":[` +
		`{"name":"b","flags":["bFlag","b.flag"],"type":"any","default":"x = y","description":"it; and more","required":true},` +
		`{"name":"c","type":"list","default":[1,2]},{"name":"d","type":"port","default":"80+"},` +
		`{"name":"a","type":"integer","default":1,"description":"a of g"}],` +
		`"sensors":[{"name":"u","type":"boolean"},{"name":"s","type":"double","description":"s of g"}],` +
		`"effectors":[{"name":"resize","description":"change it","returnType":"string","parameters":[{"name":"size","type":"integer"},{"name":"hard","type":"boolean"}]},` +
		`{"name":"stop","description":"of g"}]}`
	if got, _ := json.Marshal(b.Type); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadErrors(t *testing.T) {
	typ := func(rest string) string { return "types:\n  a.B:\n    is: a\n    instead: b\n" + rest }
	for _, tt := range []struct{ text, want string }{
		{"- a", "x.yaml:1:1: expected a map"},
		{"typs: {}", `x.yaml:1:1: unknown key "typs"; did you mean "types"?`},
		{"kind: entitty", `x.yaml:1:7: unknown kind "entitty"; did you mean "entity"?`},
		{"types: {a: 1}", "x.yaml:1:12: expected a map"},
		{"types: {a: {is: x}}", "x.yaml:1:9: type a must say what it is, and what to use instead"},
		{"groups: {g: {instead: x}}", `x.yaml:1:14: unknown key "instead"`},
		{typ("    like: [nobody]"), `x.yaml:5:11: unknown group "nobody"`},
		{typ("    like: nobody"), "x.yaml:5:11: expected a list"},
		{typ("    config: [a]"), "x.yaml:5:13: expected a map"},
		{typ("    config: {k: [a]}"), "x.yaml:5:17: expected text"},
		{typ("    config: {k: strin}"), `x.yaml:5:17: k has the unknown type "strin"`},
		{typ("    config: {k: string (f}"), "x.yaml:5:17: the flags of k have no end; expected (FLAG, FLAG)"},
		{typ("    config: {k: integer = x}"), `x.yaml:5:17: default of k: cannot read "x" as integer`},
		{typ("    sensors: {s: what}"), `x.yaml:5:18: s has the unknown type "what"`},
		{typ("    effectors: {\"e(a integer\": x}"), "x.yaml:5:17: the parameters of e have no end; expected NAME(PARAMETER TYPE)"},
		{typ("    effectors: {\"e(a what)\": x}"), `x.yaml:5:17: parameter a of e has the unknown type "what"`},
		{"a: [", "x.yaml:2:1: the text cannot be read as YAML: while parsing a flow node: did not find expected node content"},
	} {
		err := read(tt.text).errs.Err()
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	list, _ := files.ReadDir("types")
	for _, e := range list {
		text, err := files.ReadFile("types/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("types: {a: {is: x, instead: y, config: {k: '! ( = ;'}, effectors: {'(': x, ')': y}}}")
	f.Fuzz(func(t *testing.T, text string) {
		r := read(text)
		if r.errs.Err() != nil {
			return
		}
		for _, typ := range r.types {
			if typ.Unbuilt == "" || typ.Kind == "" {
				t.Errorf("%+v is not a whole type", typ)
			}
		}
	})
}
