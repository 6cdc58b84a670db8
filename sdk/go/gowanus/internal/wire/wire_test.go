package wire_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// call is like the documents of the engine.
type call struct {
	Type   string
	Entity struct {
		Config map[string]any `json:"config"`
		Port   uint16         `json:"port"`
		Up     bool           `json:"up"`
	} `json:"entity"`
	Outputs []struct {
		ID    string  `json:"id"`
		Score float32 `json:"score"`
		Data  []byte  `json:"data"`
	} `json:"outputs"`
	Ranks map[int8]string `json:"ranks"`
	Args  map[string]any  `json:"args"`
	Loud  loud            `json:"loud"`
	Point *point          `json:"point"`
	Text  int             `json:"text,string"`
	Chan  chan int        `json:"chan"`
	*hidden
}

type hidden struct{ Inside int }

func TestReadErrors(t *testing.T) {
	deep := strings.Repeat("[", wire.MaxDepth+1)
	for text, want := range map[string]string{
		``:                               "byte 0: expected a value, got the end",
		`[]`:                             "byte 0: expected an object, got a list",
		`"x"`:                            "byte 0: expected an object, got a text",
		`{"type": "a"} x`:                "byte 14: expected the end, got 'x'",
		`{"type": "a"`:                   "byte 12: expected ',' or '}', got the end",
		`{"type": "a",}`:                 "byte 13: expected a key, got '}'",
		`{"type" "a"}`:                   "byte 8: expected ':', got '\"'",
		`{"type": }`:                     "byte 9, type: expected a value, got '}'",
		`{"type": "a`:                    "byte 11, type: expected '\"', got the end",
		`{"type": "\x"}`:                 "byte 11, type: expected one of \"\\/bfnrtu after a backslash, got 'x'",
		`{"type": "\u12x4"}`:             "byte 14, type: expected four hexadecimal digits, got 'x'",
		"{\"type\": \"a\tb\"}":           `byte 11, type: expected a text without control characters, got byte 9`,
		"{\"type\": \xff}":               "byte 9, type: expected a value, got byte 255",
		`{"type": é}`:                    "byte 9, type: expected a value, got 'é'",
		`{"type": 3}`:                    "byte 9, type: expected a text, got 3",
		`{"type": -}`:                    "byte 10, type: expected a digit, got '}'",
		`{"type": tru}`:                  "byte 9, type: expected a value, got 't'",
		`{"entity": {"config": [1, 2]}}`: "byte 22, entity.config: expected an object, got a list",
		`{"entity": {"port": 70000}}`:    "byte 20, entity.port: expected a whole number (uint16), got 70000",
		`{"entity": {"port": 1.5}}`:      "byte 20, entity.port: expected a whole number (uint16), got 1.5",
		`{"entity": {"port": "secret"}}`: "byte 20, entity.port: expected a whole number (uint16), got a text",
		`{"entity": {"up": {}}}`:         "byte 18, entity.up: expected true or false, got an object",
		`{"entity": true}`:               "byte 11, entity: expected an object, got true",
		`{"outputs": [{}, {"id": null}, {"id": false, "score": "x"}]}`: "byte 38, outputs[2].id: expected a text, got false",
		`{"outputs": [{"score": 1e39}]}`:                               "byte 23, outputs[0].score: expected a number (float32), got 1e39",
		`{"outputs": [{"data": "?"}]}`:                                 "byte 22, outputs[0].data: expected base64, got a text that is none",
		`{"outputs": [{"data": 1}]}`:                                   "byte 22, outputs[0].data: expected base64, got 1",
		`{"outputs": {"a": 1}}`:                                        "byte 12, outputs: expected a list, got an object",
		`{"outputs": [{]}`:                                             "byte 14, outputs[0]: expected a key, got ']'",
		`{"ranks": {"1": "a", "300": "b"}}`:                            "byte 21, ranks: expected a whole number (int8) as the key, got another text",
		`{"ranks": {"1": 2}}`:                                          "byte 16, ranks.1: expected a text, got 2",
		`{"args": {"a": [1, {"b c": [0, 1e999]}]}}`:                    "byte 31, args.a[1].b c[1]: expected a number (float64), got 1e999",
		`{"args": {"a": [1, {"b": [0, nul]}]}}`:                        "byte 29, args.a[1].b[1]: expected a value, got 'n'",
		`{"args": {"a": ` + strings.Repeat("7", 50) + `x}}`:            "byte 65, args: expected ',' or '}', got 'x'",
		`{"entity": {"port": ` + strings.Repeat("7", 50) + `}}`:        "byte 20, entity.port: expected a whole number (uint16), got " + strings.Repeat("7", 40) + "…",
		`{"unknown": ["` + "\x01" + `"]}`:                              `byte 14, unknown[0]: expected a text without control characters, got byte 1`,
		`{"loud": [1]}`:                                                "byte 9, loud: no lists",
		`{"point": "1"}`:                                               "byte 10, point: no point",
		`{"point": 1}`:                                                 "byte 10, point: expected a text, got 1",
		`{"text": 1}`:                                                  "byte 9, text: expected a whole number (int) within a text, got another value",
		`{"text": "x"}`:                                                "byte 9, text: expected a whole number (int) within a text, got another text",
		`{"text": "1.5"}`:                                              "byte 9, text: expected a whole number (int) within a text, got another text",
		`{"text": "01"}`:                                               "byte 9, text: expected a whole number (int) within a text, got another text",
		`{"chan": 1}`:                                                  "byte 9, chan: expected null, since nothing else can be read into a chan int, got 1",
		`{"inside": 1}`:                                                "byte 11, inside: expected an exported struct around the field, got one that is not, embedded by a pointer",
		`{"args": {"a": ` + deep:                                       "byte 1013, args.a" + strings.Repeat("[0]", 14) + ": expected at most 1000 levels of lists and objects (MaxDepth), got more",
	} {
		var c call
		var typed *wire.Error
		if err := wire.Unmarshal([]byte(text), &c); err == nil || err.Error() != want || !errors.As(err, &typed) {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestReadTargets(t *testing.T) {
	var nothing *int
	var self any
	self = &self
	var one, other any
	one, other = &other, &one
	for _, c := range []struct {
		target any
		want   string
	}{
		{nil, "expected a pointer to read into, got nil"},
		{3, "expected a pointer to read into, got int"},
		{nothing, "expected a pointer to read into, got *int"},
		{&one, "byte 0: expected a pointer to a value, got pointers that lead back to themselves"},
		{&self, "<nil>"},
	} {
		got := "<nil>"
		if err := wire.Unmarshal([]byte(`1`), c.target); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%T: got %s, want %s", c.target, got, c.want)
		}
	}
	if self != 1.0 {
		t.Errorf("got %v", self)
	}
}

// TestMisfits reads on after what does not fit, as encoding/json does.
func TestMisfits(t *testing.T) {
	var c call
	err := wire.Unmarshal([]byte(`{"type": 1, "entity": {"port": "x", "up": true}, "args": {"a": 1}}`), &c)
	if err == nil || err.Error() != "byte 9, type: expected a text, got 1" || !c.Entity.Up || c.Args["a"] != 1.0 {
		t.Errorf("got %v, %+v", err, c)
	}
}

// TestExisting reads into what is there.
func TestExisting(t *testing.T) {
	number := 1
	type target struct {
		Map   map[string]any
		Typed map[string]int
		List  []int
		Array [2]int
		Held  any
		Ptr   *int
	}
	v := target{Map: map[string]any{"a": 1.0}, Typed: map[string]int{"a": 1}, List: make([]int, 3, 8), Array: [2]int{5, 6}, Held: &number, Ptr: &number}
	list := &v.List[0]
	err := wire.Unmarshal([]byte(`{"map": {"b": 2}, "typed": {"b": 2}, "list": [7], "array": [8], "held": 9, "unknown": [1]}`), &v)
	if err != nil {
		t.Fatal(err)
	}
	want := target{Map: map[string]any{"a": 1.0, "b": 2.0}, Typed: map[string]int{"a": 1, "b": 2}, List: []int{7}, Array: [2]int{8, 0}, Held: &number, Ptr: &number}
	if !reflect.DeepEqual(v, want) || &v.List[0] != list || number != 9 {
		t.Errorf("got %+v, %d", v, number)
	}
}

// ring contains itself.
type ring struct{ Next *ring }

// wrong writes what is no JSON.
type wrong string

func (w wrong) MarshalJSON() ([]byte, error) {
	if w == "" {
		return nil, errors.New("nothing to write")
	}
	return []byte(w), nil
}

func TestWriteErrors(t *testing.T) {
	round := &ring{}
	round.Next = round
	list := []any{nil}
	list[0] = list
	nan := 0.0
	nan /= nan
	for _, c := range []struct {
		value any
		want  string
	}{
		{nan, "expected a finite number, got NaN"},
		{map[string]any{"a": []any{1, map[string]float64{"b": nan}}}, "a[1].b: expected a finite number, got NaN"},
		{struct{ C []any }{[]any{func() {}}}, "C[0]: expected a value that JSON can hold, got a func()"},
		{map[struct{}]int{}, "expected a value that JSON can hold, got a map[struct {}]int"},
		{[]wrong{"1", ""}, "[1]: nothing to write"},
		{map[string]any{"w": wrong("[1,}")}, "w: expected JSON of wire_test.wrong, got at byte 3 '}' instead of a value"},
		{struct{ N any }{json.Number("1x")}, `N: expected a number, got "1x"`},
	} {
		out, err := wire.Append([]byte("x"), c.value)
		if err == nil || err.Error() != c.want || string(out) != "x" {
			t.Errorf("%T: got %q, %v, want %s", c.value, out, err, c.want)
		}
	}
	for _, endless := range []any{round, list} {
		_, err := wire.Append(nil, endless)
		want := ": expected at most 1000 levels of lists, objects and pointers (MaxDepth), got more, or a value that contains itself"
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%T: got %v", endless, err)
		}
	}
}

func FuzzErrors(f *testing.F) {
	for _, text := range corpus {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c call
		err := wire.Unmarshal([]byte(text), &c)
		var e *wire.Error
		if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text)) {
			t.Errorf("%q: got %v", text, err)
		}
	})
}
