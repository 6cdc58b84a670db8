package wire

import (
	"encoding"
	"reflect"
)

func (r *reader) intoObject(p *plan, v reflect.Value) {
	switch {
	case p.form == formObject:
		m := (*map[string]any)(v.Addr().UnsafePointer())
		*m = r.object(*m)
	case p.kind == reflect.Struct:
		r.intoStruct(p, v)
	case p.kind == reflect.Map && p.key.isKey():
		r.intoMap(p, v)
	default:
		r.refuse(p)
	}
}

func (r *reader) intoStruct(p *plan, v reflect.Value) {
	if !r.open() {
		return
	}
	next := 0
	for n := 0; r.next(n, '}'); n++ {
		key := r.key()
		if r.err != nil {
			return
		}
		f := p.find(key, next)
		if f == nil {
			r.skip()
			continue
		}
		next = f.place + 1
		to := f.reach(v)
		if !to.IsValid() {
			r.space()
			r.misfit(r.at, "an exported struct around the field", "one that is not, embedded by a pointer")
			r.skip()
			continue
		}
		if f.quoted {
			r.quoted(f.plan, to)
		} else {
			r.into(f.plan, to, false)
		}
	}
}

// quoted reads a value within a text, as the option "string" of a tag asks.
// That must be JSON, where encoding/json takes what strconv takes.
func (r *reader) quoted(p *plan, v reflect.Value) {
	c := r.peek()
	at := r.at
	if c == 'n' {
		r.into(p, v, false)
		return
	}
	if c != '"' {
		r.skip()
		r.misfit(at, p.expects()+" within a text", "another value")
		return
	}
	inner := reader{data: r.text()}
	if r.err != nil {
		return
	}
	probe := inner
	probe.skip()
	fits := probe.err == nil && probe.at == len(probe.data) && !probe.blank
	if fits {
		inner.into(p, v, false)
	}
	if !fits || inner.err != nil || inner.first != nil {
		r.misfit(at, p.expects()+" within a text", "another text")
	}
}

func (r *reader) intoMap(p *plan, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(p.typ))
	}
	if !r.open() {
		return
	}
	elem := reflect.New(p.elem.typ).Elem()
	for n := 0; r.next(n, '}'); n++ {
		r.space()
		at := r.at
		text := r.key()
		if r.err != nil {
			return
		}
		elem.SetZero()
		if r.into(p.elem, elem, false); r.err != nil {
			return
		}
		if key := r.mapKey(p.key, text, at); key.IsValid() {
			v.SetMapIndex(key, elem)
		}
	}
}

// mapKey turns a member's key into one of the map; the zero Value when it is
// none.
func (r *reader) mapKey(p *plan, text string, at int) reflect.Value {
	key := reflect.New(p.typ)
	switch n := (number{text: text}); {
	case p.readsText:
		if err := key.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			r.err = &Error{Offset: at, Cause: err}
		}
	case p.kind == reflect.String:
		key.Elem().SetString(text)
	case !p.setNumber(key.Elem(), &n):
		r.misfit(at, p.expects()+" as the key", "another text")
		return reflect.Value{}
	}
	return key.Elem()
}

// intoList reads into a slice, whose elements are used again, or an array,
// of which what is too much is dropped.
func (r *reader) intoList(p *plan, v reflect.Value) {
	if p.kind != reflect.Slice && p.kind != reflect.Array {
		r.refuse(p)
		return
	}
	if p.form == formList && v.Cap() == 0 {
		*(*[]any)(v.Addr().UnsafePointer()) = r.list()
		return
	}
	if !r.open() {
		return
	}
	n := 0
	for ; r.next(n, ']'); n++ {
		if p.kind == reflect.Slice {
			if n >= v.Cap() {
				v.Grow(1)
			}
			if n >= v.Len() {
				v.SetLen(n + 1)
			}
		}
		if n < v.Len() {
			r.into(p.elem, v.Index(n), false)
		} else {
			r.skip()
		}
	}
	switch {
	case r.err != nil:
	case p.kind == reflect.Array:
		for ; n < v.Len(); n++ {
			v.Index(n).SetZero()
		}
	case n == 0:
		v.Set(reflect.MakeSlice(p.typ, 0, 0))
	default:
		v.SetLen(n)
	}
}
