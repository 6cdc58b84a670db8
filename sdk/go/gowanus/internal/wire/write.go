package wire

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unsafe"
)

// Append adds the JSON of a value. Error is the type of all errors; what was
// added before one does not count.
func Append(to []byte, value any) ([]byte, error) {
	w := writer{out: to}
	w.any(value)
	if w.err != nil {
		return to, w.err
	}
	return w.out, nil
}

// Quote gives a text as JSON.
func Quote(text string) string {
	var w writer
	w.text(text)
	return string(w.out)
}

type writer struct {
	out   []byte
	depth int
	keys  []string // of the maps that are being written
	err   *Error
}

func (w *writer) fail(expected, got string) {
	if w.err == nil {
		w.err = &Error{Offset: -1, Expected: expected, Got: got}
	}
}

// within tells where the value is that an error is about.
func (w *writer) within(key string) bool {
	if w.err == nil {
		return false
	}
	w.err.Path = Join(clip(key), w.err.Path)
	return true
}

// byte and text are not inlined, since growing a slice is much code.
//
//go:noinline
func (w *writer) byte(c byte) { w.out = append(w.out, c) }

func (w *writer) null() { w.plain("null") }

//go:noinline
func (w *writer) plain(s string) { w.out = append(w.out, s...) }

func (w *writer) any(value any) {
	switch x := value.(type) {
	case nil:
		w.null()
	case string:
		w.text(x)
	case bool:
		w.out = strconv.AppendBool(w.out, x)
	case float64:
		w.float(x, 64)
	case int:
		w.out = strconv.AppendInt(w.out, int64(x), 10)
	case map[string]any:
		w.object(x)
	case []any:
		w.list(x)
	default:
		v := reflect.ValueOf(value)
		w.value(planOf(v.Type()), v, false)
	}
}

// open goes into a list, object or pointer.
func (w *writer) open() bool {
	if w.depth++; w.depth > MaxDepth {
		w.fail("at most "+strconv.Itoa(MaxDepth)+" levels of lists, objects and pointers (MaxDepth)", "more, or a value that contains itself")
	}
	return w.err == nil
}

func (w *writer) list(list []any) {
	if list == nil {
		w.null()
		return
	}
	if !w.open() {
		return
	}
	w.byte('[')
	for i, item := range list {
		if i > 0 {
			w.byte(',')
		}
		if w.any(item); w.err != nil && w.within(index(i)) {
			return
		}
	}
	w.byte(']')
	w.depth--
}

func (w *writer) object(m map[string]any) {
	if m == nil {
		w.null()
		return
	}
	if !w.open() {
		return
	}
	mark := len(w.keys)
	for key := range m {
		w.keys = append(w.keys, key)
	}
	keys := w.keys[mark:]
	slices.Sort(keys)
	w.byte('{')
	for i, key := range keys {
		w.member(i, key)
		if w.any(m[key]); w.within(key) {
			return
		}
	}
	w.byte('}')
	w.keys = w.keys[:mark]
	w.depth--
}

// member writes the key of member i.
func (w *writer) member(i int, key string) {
	if i > 0 {
		w.byte(',')
	}
	w.text(key)
	w.byte(':')
}

// value writes v. quoted is the option "string" of its field's tag.
func (w *writer) value(p *plan, v reflect.Value, quoted bool) {
	if w.err != nil || w.method(p, v) {
		return
	}
	switch {
	case p.kind == reflect.Interface:
		w.content(v)
	case p.kind == reflect.Pointer:
		if v.IsNil() {
			w.null()
		} else if w.open() {
			w.value(p.elem, v.Elem(), quoted)
			w.depth--
		}
	case p.kind == reflect.Struct:
		w.fields(p, v)
	case p.form == formObject:
		w.object(objectOf(v))
	case p.kind == reflect.Map:
		w.entries(p, v)
	case p.form == formBytes:
		w.bytes(v)
	case p.kind == reflect.Slice, p.kind == reflect.Array:
		w.items(p, v)
	default:
		w.scalar(p, v, quoted)
	}
}

// content writes what is in an interface.
func (w *writer) content(v reflect.Value) {
	switch e := v.Elem(); {
	case !e.IsValid():
		w.null()
	case v.CanInterface():
		w.any(v.Interface())
	default:
		w.value(planOf(e.Type()), e, false)
	}
}

func (w *writer) scalar(p *plan, v reflect.Value, quoted bool) {
	switch {
	case p.kind == reflect.String && p.form != formNumber:
		text := v.String()
		if quoted {
			text = Quote(text)
		}
		w.text(text)
	case quoted:
		w.byte('"')
		w.scalar(p, v, false)
		w.byte('"')
	case p.form == formNumber:
		w.number(v.String())
	case p.kind == reflect.Bool:
		w.out = strconv.AppendBool(w.out, v.Bool())
	case p.isInt():
		w.out = strconv.AppendInt(w.out, v.Int(), 10)
	case p.isUint():
		w.out = strconv.AppendUint(w.out, v.Uint(), 10)
	case p.isFloat():
		w.float(v.Float(), p.typ.Bits())
	default:
		w.fail("a value that JSON can hold", "a "+p.typ.String())
	}
}

// number writes a json.Number, of which the empty one is 0.
func (w *writer) number(text string) {
	if text == "" {
		text = "0"
	}
	if !validNumber(text) {
		w.fail("a number", Quote(clip(text)))
	}
	w.plain(text)
}

// maxWhole is up to which all whole numbers are exact.
const maxWhole = 1e15

// float writes a number as ECMAScript does.
func (w *writer) float(f float64, bits int) {
	if whole := int64(f); bits == 64 && float64(whole) == f && math.Abs(f) < maxWhole && (whole != 0 || !math.Signbit(f)) {
		w.out = strconv.AppendInt(w.out, whole, 10)
		return
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.fail("a finite number", strconv.FormatFloat(f, 'g', -1, 64))
		return
	}
	abs, format := math.Abs(f), byte('f')
	if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
		format = 'e'
	}
	if f == 0 {
		format = 'f'
	}
	w.out = strconv.AppendFloat(w.out, f, format, -1, bits)
	if n := len(w.out); format == 'e' && w.out[n-4] == 'e' && w.out[n-3] == '-' && w.out[n-2] == '0' {
		w.out = append(w.out[:n-2], w.out[n-1]) // e-09 is e-9
	}
}

func (w *writer) bytes(v reflect.Value) {
	if v.IsNil() {
		w.null()
		return
	}
	w.byte('"')
	w.out = base64.StdEncoding.AppendEncode(w.out, v.Bytes())
	w.byte('"')
}

// method lets a value write itself, if it can.
func (w *writer) method(p *plan, v reflect.Value) bool {
	addr := p.addrWritesJSON || p.addrWritesText
	switch {
	case p.form == formRaw:
		w.raw(p, v.Bytes(), nil)
		return true
	case !p.writesJSON && !p.writesText && !(addr && v.CanAddr()) || !v.CanInterface():
		return false
	case p.kind == reflect.Pointer && v.IsNil():
		w.null()
		return true
	}
	value := v.Interface
	if addr && v.CanAddr() {
		value = v.Addr().Interface
	}
	if m, ok := value().(json.Marshaler); ok {
		raw, err := m.MarshalJSON()
		w.raw(p, raw, err)
		return true
	}
	text, err := value().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		w.err = &Error{Offset: -1, Cause: err}
		return true
	}
	w.text(string(text))
	return true
}

// raw writes what a method gave, without the space between its tokens.
func (w *writer) raw(p *plan, raw []byte, err error) {
	if err != nil {
		w.err = &Error{Offset: -1, Cause: err}
		return
	}
	if raw == nil && p.form == formRaw {
		w.null()
		return
	}
	r := reader{data: unsafe.String(unsafe.SliceData(raw), len(raw))} // which does not outlive raw
	r.skip()
	if r.end(); r.err != nil {
		w.fail("JSON of "+p.typ.String(), "at byte "+strconv.Itoa(r.err.Offset)+" "+r.err.Got+" instead of "+r.err.Expected)
		return
	}
	if r.blank {
		w.compact(r.data)
	} else {
		w.plain(r.data)
	}
}
