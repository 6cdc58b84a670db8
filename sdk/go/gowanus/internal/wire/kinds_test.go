package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

type (
	left      struct{ Same, Left string }
	right     struct{ Same, Right string }
	middle    struct{ left }
	beside    struct{ left }
	anything  any
	zeroer    interface{ IsZero() bool }
	textError struct{}
	number    float64
	list      []any
)

// lazy is zero by a method of its pointer.
type lazy struct{ N int }

func (l *lazy) IsZero() bool { return l.N == 9 }

func (textError) MarshalText() ([]byte, error) { return nil, errors.New("no text") }

// embeddings have fields that hide one another.
type (
	both struct { // two fields of one name at one depth: none counts
		left
		right
	}
	tagged struct { // the tagged one counts
		left
		Renamed struct{ X int } `json:"Same"`
	}
	twice struct { // one struct by two ways
		middle
		beside
	}
	named struct { // an embedded struct with a name is a member
		left  `json:"l"`
		Right right
	}
	pointers struct {
		*Base
		*left
		*time.Location
	}
	shadow struct {
		Base
		ID int
	}
	recursive struct {
		List []recursive           `json:"list,omitempty"`
		Map  map[string]*recursive `json:",omitempty"`
	}
)

// omits has what the options of tags leave out.
type omits struct {
	E1 [0]int         `json:"e1,omitempty"`
	E2 map[string]int `json:"e2,omitempty"`
	E3 any            `json:"e3,omitempty"`
	E4 *int           `json:"e4,omitempty"`
	E5 float64        `json:"e5,omitempty"`
	E6 Base           `json:"e6,omitempty"`
	E7 uint16         `json:"e7,omitempty"`
	Z1 [2]int         `json:"z1,omitzero"`
	Z2 Base           `json:"z2,omitzero"`
	Z3 zeroer         `json:"z3,omitzero"`
	Z4 *lazy          `json:"z4,omitzero"`
	Z5 lazy           `json:"z5,omitzero"`
	Z6 any            `json:"z6,omitzero"`
	Z7 float64        `json:"z7,omitzero"`
}

// TestWrites writes values of many types as encoding/json does.
func TestWrites(t *testing.T) {
	one, nothing := 1, (*int)(nil)
	var noPoint *point
	for _, v := range []any{
		both{left{"a", "b"}, right{"c", "d"}}, tagged{left: left{"a", "b"}}, twice{middle{left{"a", "b"}}, beside{left{"c", "d"}}},
		named{left{"a", "b"}, right{"c", "d"}}, &named{}, pointers{}, pointers{Base: &Base{ID: "x"}}, shadow{Base{ID: "x"}, 3},
		recursive{List: []recursive{{Map: map[string]*recursive{"b": nil, "a": {}}}}},
		omits{}, &omits{}, omits{Z3: (*lazy)(nil), Z4: (*lazy)(nil)}, omits{Z3: &lazy{9}, Z4: &lazy{9}, Z5: lazy{9}}, &omits{Z3: &lazy{1}, Z4: &lazy{1}, Z5: lazy{1}},
		omits{E3: 0, E4: &one, E7: 1, Z1: [2]int{0, 1}, Z2: Base{Deep: 1}, Z6: nothing, Z7: math.Copysign(0, -1)},
		[]any(nil), map[string]any(nil), map[int]int(nil), []int(nil), []byte(nil), list{nil, list(nil)}, [2]bool{true}, [3]byte{1, 2, 3}, []octet{255, 254},
		map[point]int{{1, 2}: 3, {0, 1}: 4}, map[*point]int{noPoint: 1, {3, 4}: 2}, map[int64]bool{-1: true, 10: false, 9: true}, map[uint8]any{200: 1, 3: nil}, map[bool]int{true: 1}, map[float64]int{1: 1},
		map[textError]int{{}: 1}, textError{}, []textError{{}}, &point{5, 6}, noPoint, []*point{nil, {7, 8}}, map[string]point{"p": {1, 1}},
		loud{"value"}, &loud{"pointer"}, []loud{{"in a list"}}, map[string]loud{"k": {"not addressable"}}, [1]loud{{"x"}}, &[1]loud{{"x"}},
		json.RawMessage(" { \"a b\\\" \" : [ 1 , 2 ] } "), json.RawMessage("[1,}"), json.RawMessage(""), json.RawMessage(nil), []json.RawMessage{nil, []byte("1 ")}, (*json.RawMessage)(nil),
		json.Number(""), json.Number("1e5"), json.Number("x"), json.Number("-"), []json.Number{"0.1"},
		number(2.5), float32(0.1), float32(16777216), float32(1e-7), int8(-5), uint64(math.MaxUint64), uintptr(7), complex(1, 2), make(chan int), func() {}, errors.New("a struct without fields"),
		time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), 3 * time.Second, anything(3), &one, nothing, struct{ anything }{4},
		map[string]any{"n": number(1), "l": list{int64(1), uint8(2), float32(3.5)}, "s": []string{"<&>"}, "m": map[string]string{"b": "2", "a": "1"}, "p": &one},
		struct {
			A int     `json:"a,string"`
			B string  `json:"b,string"`
			C *bool   `json:"c,string"`
			D float64 `json:",string"`
			//lint:ignore SA5008 it has no effect here
			E []int `json:"e,string"`
			//lint:ignore SA5008 nor here
			F any `json:"f,string"`
		}{1, "a\"b", new(bool), 1e21, []int{1}, 5},
		inTexts{QS: "x", QP: &one},
	} {
		compareWritten(t, v)
	}
}

// TestReads reads into the types whose fields hide one another.
func TestReads(t *testing.T) {
	for _, text := range []string{
		`{"Same":"a","Left":"b","Right":"c"}`, `{"Same":{"X":3},"Left":"b"}`, `{"l":{"Same":"a"},"Right":{"Same":"b"}}`, `{"ID":7,"deep":3}`, `{"ID":"x"}`, `{"Left":"x"}`,
		`{"list":[{"list":[]},{"Map":{"a":{},"b":null}}]}`, `{"z1":[1],"z2":{"ID":"x"},"z3":null,"z4":{"N":1},"z5":{"N":2},"z6":3,"e6":{}}`, `{"z3":{}}`, `{"anything":1}`, `{"A":[1,2],"B":{"c":1},"C":null}`,
		`[1,"a"]`, `3`, `"text"`, `null`, `{}`,
	} {
		compare[both](t, []byte(text))
		compare[tagged](t, []byte(text))
		compare[twice](t, []byte(text))
		compare[named](t, []byte(text))
		compare[shadow](t, []byte(text))
		compare[recursive](t, []byte(text))
		compare[omits](t, []byte(text))
		compare[anything](t, []byte(text))
		compare[struct{ A, B, C anything }](t, []byte(text))
		compare[map[anything]int](t, []byte(text))
		compare[map[textError]int](t, []byte(text))
		compare[*point](t, []byte(text))
		compare[struct{ time.Time }](t, []byte(text))
		compare[[]struct{ time.Time }](t, []byte(text))
		compare[list](t, []byte(text))
		compare[[2]any](t, []byte(text))
		compare[number](t, []byte(text))
	}
	var p pointers
	if err := wire.Unmarshal([]byte(`{"ID": "x", "Left": "y"}`), &p); err == nil || p.Base == nil || p.ID != "x" || p.left != nil {
		t.Errorf("got %v, %+v", err, p)
	}
}

// TestDepth nests what is read and written by all of its ways up to the limit
// and beyond.
func TestDepth(t *testing.T) {
	type lists []lists
	type maps map[string]maps
	for _, c := range []struct {
		open, close string
		target      func() any
	}{
		{"[", "]", func() any { return new(any) }},
		{`{"a":`, "}", func() any { return new(any) }},
		{"[", "]", func() any { return new(lists) }},
		{`{"a":`, "}", func() any { return new(maps) }},
		{`{"Next":`, "}", func() any { return new(ring) }},
		{`{"unknown":`, "}", func() any { return new(ring) }},
		{"[", "]", func() any { return new(json.RawMessage) }},
	} {
		for n, good := range map[int]bool{wire.MaxDepth: true, wire.MaxDepth + 1: false} {
			v := c.target()
			err := wire.Unmarshal([]byte(strings.Repeat(c.open, n)+"null"+strings.Repeat(c.close, n)), v)
			if (err == nil) != good {
				t.Errorf("%d times %s into a %T: %v", n, c.open, v, err)
			}
			if _, err := wire.Append(nil, v); good && err != nil && !strings.Contains(err.Error(), "(MaxDepth)") {
				t.Errorf("%d times %s in a %T: %v", n, c.open, v, err)
			}
		}
	}
}

// TestManyAtOnce reads and writes new types from many goroutines; the race
// detector tells whether they get in each other's way.
func TestManyAtOnce(t *testing.T) {
	type first struct {
		A []struct{ B map[string]recursive }
	}
	done := make(chan error)
	for range 8 {
		go func() {
			var v first
			err := wire.Unmarshal([]byte(`{"a": [{"b": {"c": {"list": [{}]}}}]}`), &v)
			if err == nil {
				_, err = wire.Append(nil, v)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
