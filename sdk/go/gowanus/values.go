package gowanus

import "github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"

// Values is a JSON object with readers that give the zero value for a key that
// is absent or of another type. Plain indexing works as well.
type Values map[string]any

// Has says whether the key is present and not null.
func (v Values) Has(key string) bool { return v[key] != nil }

// String gives a text, or "".
func (v Values) String(key string) string {
	s, _ := v[key].(string)
	return s
}

// Float gives a number, or 0.
func (v Values) Float(key string) float64 {
	f, _ := v[key].(float64)
	return f
}

// Int gives a number without its fraction, or 0. JSON numbers are exact up to
// 2^53.
func (v Values) Int(key string) int64 { return int64(v.Float(key)) }

// Bool gives a truth value, or false.
func (v Values) Bool(key string) bool {
	b, _ := v[key].(bool)
	return b
}

// List gives a list, or nil.
func (v Values) List(key string) []any {
	l, _ := v[key].([]any)
	return l
}

// Strings gives the texts of a list; a single text is a list of one.
func (v Values) Strings(key string) []string {
	if s, ok := v[key].(string); ok {
		return []string{s}
	}
	var texts []string
	for _, item := range v.List(key) {
		if s, ok := item.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// Map gives an object, or nil.
func (v Values) Map(key string) Values {
	m, _ := v[key].(map[string]any)
	return m
}

// Entity gives the entity that a value refers to; ok is false when the value
// is not one.
func (v Values) Entity(key string) (ref Ref, ok bool) { return EntityRef(v[key]) }

// EntityRef reads an entity value, {"$entity": ID, "planId": …, "name": …}.
func EntityRef(value any) (ref Ref, ok bool) {
	m, _ := value.(map[string]any)
	id, ok := m["$entity"].(string)
	if !ok {
		return Ref{}, false
	}
	f := Values(m)
	return Ref{ID: id, Application: f.String("application"), PlanID: f.String("planId"), Name: f.String("name"), Type: f.String("type")}, true
}

// EntityValue makes the value that stands for an entity in a step's input.
func EntityValue(id string) map[string]any { return map[string]any{"$entity": id} }

// Decode reads the value of key into target as encoding/json would. An absent
// key leaves target as it is.
func (v Values) Decode(key string, target any) error {
	if !v.Has(key) {
		return nil
	}
	b, err := wire.Append(nil, v[key])
	if err != nil {
		return refuse("invalid", key+": "+err.Error())
	}
	if e := wire.Read(b, target); e != nil {
		at := wire.Join(key, e.Path)
		return &Error{Kind: "invalid", Message: at + ": " + e.Problem(), At: at}
	}
	return nil
}
