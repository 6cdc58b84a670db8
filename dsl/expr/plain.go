package expr

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// handle carries an Entity through the virtual machine, which follows every
// pointer that it sees to the end.
type handle struct{ of Entity }

func entityOf(v any) (Entity, bool) {
	switch v := v.(type) {
	case handle:
		return v.of, true
	case Entity:
		return v, true
	}
	return nil, false
}

// opaque carries a pointer that Names gave out through the machine.
type opaque struct{ of any }

// inside gives a value of a Scope the form it has in a program.
func inside(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64, float64, int, handle, opaque, time.Duration, time.Time:
		return v
	case Entity:
		return handleOf(v)
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return nil
		}
		return opaque{v}
	}
	return v
}

func handleOf(e Entity) any {
	if e == nil || reflect.ValueOf(e).Kind() == reflect.Pointer && reflect.ValueOf(e).IsNil() {
		return nil
	}
	return handle{e}
}

// number gives a number as int64 or float64, the two types of plain values.
func number(v any) (any, bool) {
	switch v := v.(type) {
	case int64, float64:
		return v, true
	case int:
		return int64(v), true
	case float32:
		return float64(v), true
	case int8, int16, int32:
		return reflect.ValueOf(v).Int(), true
	case uint, uint8, uint16, uint32, uint64:
		n := reflect.ValueOf(v).Uint()
		if n > math.MaxInt64 {
			return float64(n), true
		}
		return int64(n), true
	}
	return nil, false
}

// out gives a value of a program the form it has outside. Lists and maps are
// copied, since they may belong to the scope or stand in the value twice.
func (r *run) out(v any) (any, error) { return r.outAt(v, 0) }

func (r *run) outAt(v any, depth int) (any, error) {
	if depth > r.lim.Depth {
		return nil, exceeded("Depth", r.lim.Depth, "lists within lists")
	}
	switch v := v.(type) {
	case nil, bool, Sensor, Replacement:
		return v, nil
	case string:
		return v, r.spend(len(v))
	case handle:
		return v.of, nil
	case opaque:
		return v.of, nil
	case Entity:
		return v, nil
	case Object:
		spec, err := r.outAt(v.Spec, depth+1)
		return Object{v.Kind, spec}, err
	}
	if n, ok := number(v); ok {
		if f, ok := n.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, fault.New(fault.Invalid, "%v is not a number that a value can hold", f)
		}
		return n, nil
	}
	if l, ok := elements(v); ok {
		return r.outList(l, depth)
	}
	if d, ok := entries(v); ok {
		return r.outMap(d, depth)
	}
	return v, nil
}

func (r *run) outList(l list, depth int) (any, error) {
	out := make([]any, 0, min(l.len(), r.lim.Memory/elementBytes))
	for i := range l.len() {
		if err := r.element(); err != nil {
			return nil, err
		}
		item, err := r.outAt(l.at(i), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

func (r *run) outMap(d dict, depth int) (any, error) {
	out := make(map[string]any, min(len(d), r.lim.Memory/elementBytes))
	for _, key := range d.keys() {
		if err := r.element(); err != nil {
			return nil, err
		}
		item, err := r.outAt(d.get(key), depth+1)
		if err != nil {
			return nil, err
		}
		out[key] = item
	}
	return out, nil
}

func (r *run) element() error {
	if err := r.tick(1); err != nil {
		return err
	}
	return r.spend(elementBytes)
}

// list is any list that comes up in a program.
type list struct {
	any  []any
	refl reflect.Value
}

func elements(v any) (list, bool) {
	if l, ok := v.([]any); ok {
		return list{any: l}, true
	}
	rv := reflect.ValueOf(v)
	if k := rv.Kind(); k == reflect.Slice || k == reflect.Array {
		return list{refl: rv}, true
	}
	return list{}, false
}

func (l list) len() int {
	if l.refl.IsValid() {
		return l.refl.Len()
	}
	return len(l.any)
}

func (l list) at(i int) any {
	if l.refl.IsValid() {
		return inside(l.refl.Index(i).Interface())
	}
	return inside(l.any[i])
}

// dict is a map of a program.
type dict map[string]any

func entries(v any) (dict, bool) {
	m, ok := v.(map[string]any)
	return m, ok
}

// keys gives the keys in their order, so that no result depends on the order
// in which Go walks a map.
func (d dict) keys() []string { return slices.Sorted(maps.Keys(d)) }

func (d dict) find(key string) (any, bool) {
	v, ok := d[key]
	return inside(v), ok
}

func (d dict) get(key string) any { return inside(d[key]) }

// scalarText writes what is not a list or map, as Java would; whole floats
// lose their ".0", since JSON does not tell them from integers.
func scalarText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case Sensor:
		return v.Name
	case time.Duration, time.Time:
		return coerce.Text(v)
	}
	if e, ok := entityOf(v); ok {
		return e.EntityID()
	}
	switch n, _ := number(v); n := n.(type) {
	case int64:
		return strconv.FormatInt(n, 10)
	case float64:
		if abs := math.Abs(n); abs != 0 && (abs < 1e-3 || abs >= 1e15) {
			return strconv.FormatFloat(n, 'g', -1, 64)
		}
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return kindOf(v)
}

// kindOf names the type of a value for people.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "text"
	case Object, opaque:
		return "an object"
	case time.Duration:
		return "a duration"
	case time.Time:
		return "an instant"
	case Sensor:
		return "a sensor"
	case Replacement:
		return "a function"
	}
	if _, ok := entityOf(v); ok {
		return "an entity"
	}
	if _, ok := number(v); ok {
		return "a number"
	}
	if _, ok := elements(v); ok {
		return "a list"
	}
	if _, ok := entries(v); ok {
		return "a map"
	}
	return "a value"
}
