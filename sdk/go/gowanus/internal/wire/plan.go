package wire

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
)

// plan is how the values of a type are read and written.
type plan struct {
	typ    reflect.Type
	kind   reflect.Kind
	form   form
	named  bool
	elem   *plan   // of pointers, maps, slices and arrays
	key    *plan   // of maps
	fields []field // of structs

	// What a pointer to a value can do.
	readsJSON, readsText bool
	// What a value can do, and, of types other than pointers, only a pointer to it.
	writesJSON, writesText         bool
	addrWritesJSON, addrWritesText bool
}

// form marks the types that need no reflection, or get special treatment.
type form uint8

const (
	formOther  form = iota
	formAny         // any
	formObject      // map[string]any, under whatever name
	formList        // []any
	formRaw         // json.RawMessage
	formNumber      // json.Number
	formBytes       // bytes that are written as base64
)

var (
	anyType    = reflect.TypeFor[any]()
	stringType = reflect.TypeFor[string]()
	rawType    = reflect.TypeFor[json.RawMessage]()
	numberType = reflect.TypeFor[json.Number]()
)

// plans keeps what was made, since that takes some microseconds for a type.
// Whoever has a plan may use it without the lock: it is complete.
var plans = struct {
	sync.Mutex
	of map[reflect.Type]*plan
}{of: map[reflect.Type]*plan{}}

func planOf(t reflect.Type) *plan {
	plans.Lock()
	defer plans.Unlock()
	return makePlan(t)
}

// makePlan enters a plan before it is complete, for types that contain
// themselves.
func makePlan(t reflect.Type) *plan {
	if p := plans.of[t]; p != nil {
		return p
	}
	p := &plan{typ: t, kind: t.Kind(), named: t.Name() != ""}
	plans.of[t] = p
	p.methods()
	switch p.kind {
	case reflect.Map:
		p.key = makePlan(t.Key())
		fallthrough
	case reflect.Pointer, reflect.Slice, reflect.Array:
		p.elem = makePlan(t.Elem())
	case reflect.Struct:
		p.fields = structFields(t)
	}
	p.form = p.special()
	return p
}

func (p *plan) special() form {
	switch {
	case p.typ == anyType:
		return formAny
	case p.typ == rawType:
		return formRaw
	case p.typ == numberType:
		return formNumber
	case p.kind == reflect.Map && p.key.typ == stringType && p.elem.typ == anyType:
		return formObject
	case p.kind == reflect.Slice && p.elem.typ == anyType:
		return formList
	case p.kind == reflect.Slice && p.elem.kind == reflect.Uint8 && !p.elem.addrWritesJSON && !p.elem.addrWritesText:
		return formBytes
	}
	return formOther
}

// methods asks a zero value and a pointer to it. Not all compilers can ask a
// type.
func (p *plan) methods() {
	if p.kind == reflect.Interface {
		return // what is in it counts
	}
	zero, pointer := reflect.Zero(p.typ).Interface(), reflect.New(p.typ).Interface()
	_, p.readsJSON = pointer.(json.Unmarshaler)
	_, p.readsText = pointer.(encoding.TextUnmarshaler)
	_, p.writesJSON = zero.(json.Marshaler)
	_, p.writesText = zero.(encoding.TextMarshaler)
	_, p.addrWritesJSON = pointer.(json.Marshaler)
	_, p.addrWritesText = pointer.(encoding.TextMarshaler)
}

func (p *plan) isInt() bool { return p.kind >= reflect.Int && p.kind <= reflect.Int64 }

func (p *plan) isUint() bool { return p.kind >= reflect.Uint && p.kind <= reflect.Uintptr }

func (p *plan) isFloat() bool { return p.kind == reflect.Float32 || p.kind == reflect.Float64 }

// isKey says whether keys of objects can be read into values.
func (p *plan) isKey() bool {
	return p.kind == reflect.String || p.isInt() || p.isUint() || p.readsText
}

// expects says what is read into values.
func (p *plan) expects() string {
	switch {
	case p.kind == reflect.Pointer:
		return p.elem.expects()
	case p.form == formNumber:
		return "a number"
	case p.readsText:
		return "a text"
	case p.kind == reflect.Bool:
		return "true or false"
	case p.isInt(), p.isUint():
		return "a whole number (" + p.kind.String() + ")"
	case p.isFloat():
		return "a number (" + p.kind.String() + ")"
	case p.kind == reflect.String:
		return "a text"
	case p.kind == reflect.Slice && p.elem.kind == reflect.Uint8:
		return "base64"
	case p.kind == reflect.Slice, p.kind == reflect.Array:
		return "a list"
	case p.kind == reflect.Struct, p.kind == reflect.Map && p.key.isKey():
		return "an object"
	}
	return "null, since nothing else can be read into a " + p.typ.String()
}
