package workflow

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

func none(string) expr.Entity { return nil }

func TestValues(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, v := range []any{
		nil, true, int64(5), int64(math.MaxInt64), 1.5, 1.0, 1e300, -0.25, "", "a", "ü \" \\ \n \x01", []any{}, []any{int64(1), 1.0, "x", nil}, map[string]any{},
		map[string]any{"a": map[string]any{"b": []any{2.0}}}, time.Minute, at, []any{map[string]any{"t": at, "d": time.Hour}},
		map[string]any{durationKey: int64(5)}, map[string]any{instantKey: "x"}, map[string]any{mapKey: []any{"a"}}, map[string]any{durationKey: int64(5), "more": true},
	} {
		text, err := appendValue(nil, v)
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		if !json.Valid(text) {
			t.Errorf("%v: %s is not JSON", v, text)
		}
		if got, err := readValue(text, none); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v was stored as %s and read as %#v, %v", v, text, got, err)
		}
	}
	for _, v := range []any{math.NaN(), math.Inf(1), make(chan int), []any{math.NaN()}} {
		if text, err := appendValue(nil, v); err == nil {
			t.Errorf("%v was stored as %s", v, text)
		}
	}
}

func TestState(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &state{
		begun: true, input: (*values)(nil).with("i", 1.0), vars: (*values)(nil).with("x", int64(1)).with("d", time.Second), output: map[string]any{"o": nil}, has: true,
		stack: []frame{{Next: 2, Running: true, Count: 3, Until: at}, {Block: "2", Failure: &Failure{"m", "invalid", "2.0"}}}, previous: "1",
		tries: map[string]*tries{"3": {Count: 1, Times: []time.Time{at}}}, lock: &heldLock{"e", "n"}, point: "1",
	}
	i := &info{path: "1", started: 2, completed: 1, vars: s.vars, before: "b", beforeHas: true, output: int64(7), has: true, error: "e", task: "t", previous: "0"}
	step, err := i.encode()
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.encode([][]byte{step})
	if err != nil {
		t.Fatal(err)
	}
	got, steps, err := decodeState(text, none)
	if err != nil || len(steps) != 1 {
		t.Fatal(err, steps)
	}
	again, err := got.encode([][]byte{steps[0]})
	if err != nil || string(again) != string(text) {
		t.Errorf("%v\n was %s\n  is %s", err, text, again)
	}
	j, err := decodeInfo(steps[0], none)
	if err != nil || j.output != int64(7) || j.before != "b" || j.started != 2 || !reflect.DeepEqual(j.vars.m, s.vars.m) {
		t.Errorf("got %+v, %v", j, err)
	}
	for _, bad := range []string{"", "{}", "[]", `[{},{},{},null]`, `[5,{},{},null,null,[]]`, `[{},{},{},null,null,5]`} {
		if _, _, err := decodeState([]byte(bad), none); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// FuzzState: what is stored is read or refused, and what was read is stored the
// same.
func FuzzState(f *testing.F) {
	f.Add([]byte(`[{"begun":true,"stack":[{"b":"","n":0}]},{"a":1},{"x":{"$duration":5}},null,"x",[]]`))
	f.Add([]byte(`[{"stack":[]},{},{"$map":["$entity","x"]},{"$instant":"2026-01-02T03:04:05Z"},1.0,[[{"path":"0"},{},{},null,null]]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, _, err := decodeState(text, none)
		if err != nil {
			return
		}
		first, err := s.encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := decodeState(first, none)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		second, err := again.encode(nil)
		if err != nil || string(first) != string(second) {
			t.Errorf("%v\n%s\n%s", err, first, second)
		}
	})
}
