package wire

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
)

// Unmarshal reads a document into what target points to. A value that does
// not fit is left out, and the first such is the error; a mistake in the
// document ends the reading. Error is the type of all errors.
func Unmarshal(document []byte, target any) error {
	if e := Read(document, target); e != nil {
		return e
	}
	return nil
}

// Read is Unmarshal for who asks an error for its parts; nil is none.
func Read(document []byte, target any) *Error {
	to := reflect.ValueOf(target)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		got := "nil"
		if target != nil {
			got = to.Type().String()
		}
		return &Error{Offset: -1, Expected: "a pointer to read into", Got: got}
	}
	r := reader{data: string(document)}
	r.into(planOf(to.Type().Elem()), to.Elem(), true)
	r.end()
	e := r.err
	if e == nil {
		e = r.first
	}
	if e == nil {
		return nil
	}
	again := reader{data: r.data}
	e.Path = again.trace(e.Offset, 0)
	return e
}

// any reads a value of any kind.
func (r *reader) any() any {
	switch c := r.peek(); c {
	case '"':
		return r.text()
	case '{':
		return r.object(nil)
	case '[':
		return r.list()
	default:
		if isNumber(c) {
			return r.anyNumber()
		}
	}
	switch r.word() {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}

func (r *reader) anyNumber() any {
	start := r.at
	n := r.number()
	if r.err != nil {
		return nil
	}
	f, ok := n.float(64)
	if !ok {
		r.misfit(start, "a number (float64)", clip(n.text))
		return nil
	}
	return f
}

// object reads into m, or into a new map.
func (r *reader) object(m map[string]any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	if !r.open() {
		return m
	}
	for n := 0; r.next(n, '}'); n++ {
		key := r.key()
		if r.err != nil {
			break
		}
		m[key] = r.any()
	}
	return m
}

func (r *reader) list() []any {
	list := []any{}
	if !r.open() {
		return list
	}
	for n := 0; r.next(n, ']'); n++ {
		list = append(list, r.any())
	}
	return list
}

// misfit notes a value that does not fit.
func (r *reader) misfit(at int, expected, got string) {
	if r.first == nil && r.err == nil {
		r.first = &Error{Offset: at, Expected: expected, Got: got}
	}
}

// refuse skips a value that does not fit.
func (r *reader) refuse(p *plan) {
	at, got := r.at, "a text" // which may be a secret
	switch c := r.data[r.at]; {
	case c == '{':
		got = "an object"
	case c == '[':
		got = "a list"
	case c != '"':
		got = ""
	}
	r.skip()
	if got == "" {
		got = clip(r.data[at:r.at])
	}
	r.misfit(at, p.expects(), got)
}

// into reads a value into v, which is addressable. pointed says that a
// pointer led to it; then methods count even if its type has no name.
func (r *reader) into(p *plan, v reflect.Value, pointed bool) {
	c := r.peek()
	switch {
	case p.kind == reflect.Pointer:
		r.pointer(p, v, c)
		return
	case p.kind == reflect.Interface:
		r.dynamic(p, v, c)
		return
	case p.form == formRaw:
		if raw := r.raw(); r.err == nil {
			v.SetBytes([]byte(raw))
		}
		return
	case (p.readsJSON || p.readsText && c != 'n') && (pointed || p.named) && v.Addr().CanInterface():
		r.method(p, v, c)
		return
	}
	switch {
	case c == '"':
		r.intoText(p, v)
	case c == '{':
		r.intoObject(p, v)
	case c == '[':
		r.intoList(p, v)
	case isNumber(c):
		r.intoNumber(p, v)
	case c == 't' && p.kind == reflect.Bool, c == 'f' && p.kind == reflect.Bool:
		v.SetBool(r.word() == "true")
	case c == 'n':
		if r.word(); r.err == nil && (p.kind == reflect.Map || p.kind == reflect.Slice) {
			v.SetZero()
		}
	case c == 't', c == 'f':
		r.refuse(p)
	default:
		r.syntax("a value")
	}
}

func (r *reader) pointer(p *plan, v reflect.Value, c byte) {
	if c == 'n' {
		if r.word(); r.err == nil {
			v.SetZero()
		}
		return
	}
	if v.IsNil() {
		v.Set(reflect.New(p.elem.typ))
	}
	if r.hopped != r.at {
		r.hopped, r.hops = r.at, 0
	}
	if r.hops++; r.hops > maxHops {
		r.err = &Error{Offset: r.at, Expected: "a pointer to a value", Got: "pointers that lead back to themselves"}
		return
	}
	r.into(p.elem, v.Elem(), true)
}

// maxHops are the pointers that may follow one another.
const maxHops = 100

// dynamic reads into an interface: into what a pointer in it points to, or a
// new value.
func (r *reader) dynamic(p *plan, v reflect.Value, c byte) {
	if e := v.Elem(); e.Kind() == reflect.Pointer && !e.IsNil() && (c != 'n' || e.Elem().Kind() == reflect.Pointer) &&
		e.UnsafePointer() != v.Addr().UnsafePointer() {
		r.pointer(planOf(e.Type()), e, 0)
		return
	}
	switch {
	case p.form == formAny:
		*(*any)(v.Addr().UnsafePointer()) = r.any()
	case c == 'n':
		if r.word(); r.err == nil {
			v.SetZero()
		}
	case p.typ.NumMethod() > 0:
		if c == 0 {
			r.syntax("a value")
			return
		}
		r.refuse(p)
	default:
		if x := r.any(); r.err == nil && x != nil {
			v.Set(reflect.ValueOf(x))
		}
	}
}

// method has the value read itself.
func (r *reader) method(p *plan, v reflect.Value, c byte) {
	at := r.at
	var err error
	if p.readsJSON {
		if raw := r.raw(); r.err == nil {
			err = v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON([]byte(raw))
		}
	} else if c == '"' {
		if text := r.text(); r.err == nil {
			err = v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
		}
	} else if c == 0 {
		r.syntax("a value")
	} else {
		r.refuse(p)
	}
	if err != nil && r.err == nil {
		r.err = &Error{Offset: at, Cause: err}
	}
}

func (r *reader) intoText(p *plan, v reflect.Value) {
	at := r.at
	switch {
	case p.form == formNumber:
		text := r.text()
		if r.err == nil && !validNumber(text) {
			r.err = &Error{Offset: at, Expected: p.expects(), Got: "a text"}
			return
		}
		v.SetString(text)
	case p.kind == reflect.String:
		v.SetString(r.text())
	case p.kind == reflect.Slice && p.elem.kind == reflect.Uint8:
		text := r.text()
		if r.err != nil {
			return
		}
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			r.misfit(at, "base64", "a text that is none")
			return
		}
		v.SetBytes(b)
	default:
		r.refuse(p)
	}
}

func validNumber(text string) bool {
	if text == "" || !isNumber(text[0]) {
		return false
	}
	r := reader{data: text}
	r.number()
	return r.err == nil && r.at == len(text)
}

func (r *reader) intoNumber(p *plan, v reflect.Value) {
	at := r.at
	switch {
	case p.form == formNumber || p.isFloat() || p.isInt() || p.isUint():
		if n := r.number(); r.err == nil && !p.setNumber(v, &n) {
			r.misfit(at, p.expects(), clip(n.text))
		}
	default:
		r.refuse(p)
	}
}

// setNumber gives false when the number is too large or has a fraction.
func (p *plan) setNumber(v reflect.Value, n *number) bool {
	switch {
	case p.form == formNumber:
		v.SetString(n.text)
	case p.isFloat():
		f, ok := n.float(p.typ.Bits())
		if !ok {
			return false
		}
		v.SetFloat(f)
	case p.isInt():
		i, err := n.whole, error(nil)
		if !n.exact {
			i, err = strconv.ParseInt(n.text, 10, 64)
		}
		if err != nil || v.OverflowInt(i) {
			return false
		}
		v.SetInt(i)
	default:
		u, err := uint64(n.whole), error(nil)
		if !n.exact || n.text[0] == '-' {
			u, err = strconv.ParseUint(n.text, 10, 64)
		}
		if err != nil || v.OverflowUint(u) {
			return false
		}
		v.SetUint(u)
	}
	return true
}
