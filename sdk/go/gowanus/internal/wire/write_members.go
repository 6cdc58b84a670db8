package wire

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

func (w *writer) fields(p *plan, v reflect.Value) {
	if !w.open() {
		return
	}
	start := len(w.out)
	w.byte('{')
	for i := range p.fields {
		f := &p.fields[i]
		value, ok := f.get(v)
		if !ok {
			continue
		}
		if len(w.out) > start+1 {
			w.byte(',')
		}
		w.plain(f.head)
		if w.value(f.plan, value, f.quoted); w.within(f.name) {
			return
		}
	}
	w.byte('}')
	w.depth--
}

func (w *writer) items(p *plan, v reflect.Value) {
	if p.kind == reflect.Slice && v.IsNil() {
		w.null()
		return
	}
	if !w.open() {
		return
	}
	w.byte('[')
	for i := range v.Len() {
		if i > 0 {
			w.byte(',')
		}
		if w.value(p.elem, v.Index(i), false); w.err != nil && w.within(index(i)) {
			return
		}
	}
	w.byte(']')
	w.depth--
}

// objectOf gives the map of a value whose type is another name of it.
func objectOf(v reflect.Value) map[string]any {
	if v.CanAddr() {
		return *(*map[string]any)(v.Addr().UnsafePointer())
	}
	var m map[string]any
	reflect.ValueOf(&m).Elem().Set(v)
	return m
}

// entries writes a map in the order of its keys' texts.
func (w *writer) entries(p *plan, v reflect.Value) {
	if !p.key.writesText && p.key.kind != reflect.String && !p.key.isInt() && !p.key.isUint() {
		w.fail("a value that JSON can hold", "a "+p.typ.String())
		return
	}
	if v.IsNil() {
		w.null()
		return
	}
	if !w.open() {
		return
	}
	texts, keys := make([]string, 0, v.Len()), make(map[string]reflect.Value, v.Len())
	for all := v.MapRange(); all.Next(); {
		text, err := keyText(p.key, all.Key())
		if err != nil {
			w.err = &Error{Offset: -1, Cause: err}
			return
		}
		texts = append(texts, text)
		keys[text] = all.Value()
	}
	slices.Sort(texts)
	w.byte('{')
	for i, text := range texts {
		w.member(i, text)
		if w.value(p.elem, keys[text], false); w.within(text) {
			return
		}
	}
	w.byte('}')
	w.depth--
}

func keyText(p *plan, key reflect.Value) (string, error) {
	switch {
	case p.kind == reflect.String:
		return key.String(), nil
	case p.writesText:
		if p.kind == reflect.Pointer && key.IsNil() {
			return "", nil
		}
		text, err := key.Interface().(encoding.TextMarshaler).MarshalText()
		return string(text), err
	case p.isInt():
		return strconv.FormatInt(key.Int(), 10), nil
	}
	return strconv.FormatUint(key.Uint(), 10), nil
}

// text writes a text in quotes.
func (w *writer) text(s string) {
	w.byte('"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		char, size := rune(c), 1
		if c >= utf8.RuneSelf {
			char, size = utf8.DecodeRuneInString(s[i:])
			if (char != utf8.RuneError || size > 1) && char != '\u2028' && char != '\u2029' {
				i += size
				continue
			}
		}
		w.plain(s[start:i])
		w.escape(char)
		i += size
		start = i
	}
	w.plain(s[start:])
	w.byte('"')
}

// escapes has the characters that have a short form, and that.
const escapes = "\"\"\\\\\bb\ff\nn\rr\tt"

func (w *writer) escape(char rune) {
	w.byte('\\')
	for i := 0; i < len(escapes); i += 2 {
		if rune(escapes[i]) == char {
			w.byte(escapes[i+1])
			return
		}
	}
	w.byte('u')
	for shift := 12; shift >= 0; shift -= 4 {
		w.byte("0123456789abcdef"[char>>shift&15])
	}
}

// compact writes JSON without the space between its tokens.
func (w *writer) compact(raw string) {
	text, escaped := false, false
	for i := range len(raw) {
		c := raw[i]
		switch {
		case escaped:
			escaped = false
		case text && c == '\\':
			escaped = true
		case c == '"':
			text = !text
		case !text && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			continue
		}
		w.byte(c)
	}
}
