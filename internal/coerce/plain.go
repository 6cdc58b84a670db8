package coerce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// plain brings Go's other kinds to the plain ones. Plain values pass as they
// are.
func plain(v any, depth int) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, time.Duration, time.Time:
		return v
	case int:
		return int64(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		if !samePlain(v) && depth < maxDepth {
			return plainList(reflect.ValueOf(v), depth)
		}
		return v
	case map[string]any:
		return v
	}
	return plainReflect(reflect.ValueOf(v), depth)
}

// samePlain tells whether all items of a list are plain already.
func samePlain(list []any) bool {
	for _, item := range list {
		switch item.(type) {
		case nil, bool, int64, float64, string, []any, map[string]any:
		default:
			return false
		}
	}
	return true
}

func plainReflect(v reflect.Value, depth int) any {
	if depth > maxDepth {
		return fmt.Sprint(v.Kind())
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u <= math.MaxInt64 {
			return int64(u)
		}
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.String:
		return v.String()
	case reflect.Slice, reflect.Array:
		return plainList(v, depth)
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for iter := v.MapRange(); iter.Next(); {
			out[fmt.Sprint(iter.Key().Interface())] = plain(iter.Value().Interface(), depth+1)
		}
		return out
	}
	return fmt.Sprint(v.Interface())
}

func plainList(v reflect.Value, depth int) []any {
	out := make([]any, v.Len())
	for i := range out {
		out[i] = plain(v.Index(i).Interface(), depth+1)
	}
	return out
}

// Plain brings what a decoder of JSON gives, json.Number too, to plain values:
// nil, bool, int64, float64, string, []any and map[string]any. It changes lists
// and maps in place.
func Plain(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = Plain(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = Plain(x[k])
		}
	case json.Number:
		return plain(x, 0)
	}
	return v
}

// Decode reads JSON as json.Unmarshal does, but for numbers in values of any
// type, which stay json.Number until Plain makes them int64 or float64.
func Decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}
