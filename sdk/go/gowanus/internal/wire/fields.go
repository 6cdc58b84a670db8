package wire

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// field is a member of the objects that stand for a struct.
type field struct {
	name  string
	head  string // the name in quotes, and a colon
	place int    // in the plan's fields
	index []int  // the way to it through embedded structs
	plan  *plan

	tagged    bool // the name comes from a tag
	omitEmpty bool
	omitZero  bool
	asksZero  bool // of omitZero: by a method of the value
	quoted    bool
}

// zeroer has its own idea of what is zero.
type zeroer interface{ IsZero() bool }

// embedded is a struct whose fields count as those of the struct around it.
type embedded struct {
	typ   reflect.Type
	index []int
	twice bool // it stands there more than once, so that its fields hide each other
}

// structFields gives the fields of a struct in their order. Of several with
// one name the least deep counts, then the tagged one, and else none.
func structFields(t reflect.Type) []field {
	var all, fields []field
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: t}}; len(level) > 0; {
		var below []embedded
		for _, e := range level {
			if !seen[e.typ] {
				seen[e.typ] = true
				all, below = e.scan(all, below)
			}
		}
		level = below
	}
	for i := range all {
		if all[i].dominates(all) {
			fields = append(fields, all[i])
			for at := len(fields) - 1; at > 0 && slices.Compare(fields[at].index, fields[at-1].index) < 0; at-- {
				fields[at], fields[at-1] = fields[at-1], fields[at]
			}
		}
	}
	for i := range fields {
		fields[i].place = i
	}
	return fields
}

// scan adds the fields of a struct to all, and those that it embeds to below.
func (e *embedded) scan(all []field, below []embedded) ([]field, []embedded) {
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		inner := sf.Type
		if inner.Kind() == reflect.Pointer && inner.Name() == "" {
			inner = inner.Elem()
		}
		tag := jsonTag(string(sf.Tag))
		if tag == "-" || !sf.IsExported() && (!sf.Anonymous || inner.Kind() != reflect.Struct) {
			continue
		}
		index := append(slices.Clone(e.index), i)
		name, options, _ := strings.Cut(tag, ",")
		if !isName(name) {
			name = ""
		}
		if name == "" && sf.Anonymous && inner.Kind() == reflect.Struct {
			if k := slices.IndexFunc(below, func(b embedded) bool { return b.typ == inner }); k >= 0 {
				below[k].twice = true
			} else {
				below = append(below, embedded{typ: inner, index: index})
			}
			continue
		}
		f := makeField(sf, name, options, inner.Kind())
		f.index = index
		all = append(all, f)
		if e.twice {
			all = append(all, f)
		}
	}
	return all, below
}

func makeField(sf reflect.StructField, name, options string, kind reflect.Kind) field {
	f := field{name: name, tagged: name != "", plan: makePlan(sf.Type)}
	if name == "" {
		f.name = sf.Name
	}
	f.head = `"` + f.name + `":`
	for options != "" {
		var option string
		option, options, _ = strings.Cut(options, ",")
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
			_, f.asksZero = reflect.New(sf.Type).Interface().(zeroer)
			if _, value := reflect.Zero(sf.Type).Interface().(zeroer); value {
				f.asksZero = true
			}
			if sf.Type.Kind() == reflect.Interface && sf.Type.NumMethod() > 0 {
				f.asksZero = sf.Type.Implements(reflect.TypeFor[zeroer]())
			}
		case "string":
			f.quoted = kind >= reflect.Bool && kind <= reflect.Float64 || kind == reflect.String
		}
	}
	return f
}

// jsonTag finds the tag of JSON. Escapes in it stay, since no name may have
// one; reflect would bring much code to resolve them.
func jsonTag(tags string) string {
	for {
		key, rest, _ := strings.Cut(strings.TrimLeft(tags, " "), `:"`)
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return ""
		}
		if key == "json" {
			return rest[:end]
		}
		tags = rest[end+1:]
	}
}

// dominates says whether a field is the one that counts of its name.
func (f *field) dominates(all []field) bool {
	for i := range all {
		o := &all[i]
		if o == f || o.name != f.name {
			continue
		}
		if len(o.index) < len(f.index) || len(o.index) == len(f.index) && (o.tagged || !f.tagged) {
			return false
		}
	}
	return true
}

// isName says whether a tag's name can be used.
func isName(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return s != ""
}

// find gives the field of a name, or else one that differs in case only.
// Objects have their members mostly in the order of the fields, so that it
// looks at next first.
func (p *plan) find(name string, next int) *field {
	if next < len(p.fields) && p.fields[next].name == name {
		return &p.fields[next]
	}
	for i := range p.fields {
		if p.fields[i].name == name {
			return &p.fields[i]
		}
	}
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].name, name) {
			return &p.fields[i]
		}
	}
	return nil
}

// reach gives the field of a struct to be read into. Embedded pointers on the
// way get their structs; it is the zero Value if one cannot.
func (f *field) reach(v reflect.Value) reflect.Value {
	for i, k := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return reflect.Value{}
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(k)
	}
	return v
}

// get gives the field of a struct to be written. ok is false if an embedded
// pointer on the way is nil, or if the field is omitted.
func (f *field) get(v reflect.Value) (_ reflect.Value, ok bool) {
	for i, k := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(k)
	}
	return v, !(f.omitEmpty && isEmpty(v) || f.omitZero && f.isZero(v))
}

// isEmpty says what the option omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return false
	case reflect.String, reflect.Map, reflect.Slice, reflect.Array:
		return v.Len() == 0
	}
	return v.IsZero()
}

// isZero says what the option omitzero leaves out.
func (f *field) isZero(v reflect.Value) bool {
	if !f.asksZero {
		return v.IsZero()
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() {
			return true
		}
	case reflect.Pointer:
		if v.IsNil() {
			return true
		}
	}
	if z, ok := v.Interface().(zeroer); ok {
		return z.IsZero()
	}
	if !v.CanAddr() {
		boxed := reflect.New(v.Type()).Elem()
		boxed.Set(v)
		v = boxed
	}
	return v.Addr().Interface().(zeroer).IsZero()
}
