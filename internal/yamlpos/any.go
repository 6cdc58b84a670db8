package yamlpos

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// maxAnyDepth ends FromAny on values that contain themselves.
const maxAnyDepth = 1000

// FromAny gives the node of a plain value, every part of it at pos. Maps are
// ordered by key. It knows the values that Any gives and those of
// encoding/json, and any other bool, number, string, list or map by its kind;
// what is none of these becomes its printed text.
func FromAny(v any, pos Pos) *Node { return fromAny(v, pos, 0) }

func fromAny(v any, pos Pos, depth int) *Node {
	node := &Node{Pos: pos}
	if depth > maxAnyDepth {
		return node
	}
	switch v := v.(type) {
	case nil:
	case *Node:
		return v
	case json.Number:
		node.setScalar(number(v.String()))
	case string, bool, int64, float64:
		node.setScalar(v)
	case []any:
		node.Kind = List
		node.Items = make([]*Node, len(v))
		for i, item := range v {
			node.Items[i] = fromAny(item, pos, depth+1)
		}
	case map[string]any:
		node.Kind = Map
		node.Entries = make([]Entry, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			node.Entries = append(node.Entries, Entry{key, pos, fromAny(v[key], pos, depth+1)})
		}
	default:
		return fromReflect(reflect.ValueOf(v), pos, depth)
	}
	return node
}

// fromReflect brings other kinds to those that fromAny knows.
func fromReflect(v reflect.Value, pos Pos, depth int) *Node {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return &Node{Pos: pos}
		}
		return fromAny(v.Elem().Interface(), pos, depth+1)
	case reflect.Bool:
		return fromAny(v.Bool(), pos, depth)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fromAny(v.Int(), pos, depth)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fromAny(number(strconv.FormatUint(v.Uint(), 10)), pos, depth)
	case reflect.Float32, reflect.Float64:
		return fromAny(v.Float(), pos, depth)
	case reflect.String:
		return fromAny(v.String(), pos, depth)
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = v.Index(i).Interface()
		}
		return fromAny(list, pos, depth)
	case reflect.Map:
		plain := make(map[string]any, v.Len())
		for iter := v.MapRange(); iter.Next(); {
			plain[fmt.Sprint(iter.Key().Interface())] = iter.Value().Interface()
		}
		return fromAny(plain, pos, depth)
	}
	return fromAny(fmt.Sprint(v.Interface()), pos, depth)
}

func (n *Node) setScalar(v any) {
	n.Kind, n.Value = Scalar, v
	switch v := v.(type) {
	case string:
		n.Text, n.Quoted = v, true
	case float64:
		n.Text = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		n.Text = fmt.Sprint(v)
	}
}
