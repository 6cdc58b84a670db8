package expr

import (
	"strings"
	"time"
)

// A program can build a value that holds itself many times over, such as
// reduce(1..40, [#acc, #acc], 0). So whoever walks a value goes through the
// functions of this file, which pay for each element they meet.

// measure gives the bytes of all text in a value, and pays for its elements.
func (r *run) measure(v any) (int, error) { return r.measureAt(v, 0) }

func (r *run) measureAt(v any, depth int) (int, error) {
	if s, ok := v.(string); ok {
		return len(s), r.tick(len(s) >> 8)
	}
	if depth > r.lim.Depth {
		return 0, exceeded("Depth", r.lim.Depth, "lists within lists")
	}
	total := 0
	add := func(item any) error {
		if err := r.tick(1); err != nil {
			return err
		}
		n, err := r.measureAt(item, depth+1)
		total += n
		return err
	}
	if l, ok := elements(v); ok {
		for i := range l.len() {
			if err := add(l.at(i)); err != nil {
				return 0, err
			}
		}
	} else if d, ok := entries(v); ok {
		for _, key := range d.keys() {
			total += len(key)
			if err := add(d.get(key)); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}

// equal compares values by what they mean: numbers by their size whatever
// their type, entities by their id.
func (r *run) equal(a, b any) (bool, error) { return r.equalAt(a, b, 0) }

func (r *run) equalAt(a, b any, depth int) (bool, error) {
	if depth > r.lim.Depth {
		return false, exceeded("Depth", r.lim.Depth, "lists within lists")
	}
	if err := r.tick(1); err != nil {
		return false, err
	}
	if la, ok := elements(a); ok {
		lb, ok := elements(b)
		if !ok || la.len() != lb.len() {
			return false, nil
		}
		for i := range la.len() {
			if same, err := r.equalAt(la.at(i), lb.at(i), depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	if da, ok := entries(a); ok {
		db, ok := entries(b)
		if !ok || len(da) != len(db) {
			return false, nil
		}
		for _, key := range da.keys() {
			item, ok := db.find(key)
			if !ok {
				return false, nil
			}
			if same, err := r.equalAt(da.get(key), item, depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	if s, ok := a.(string); ok {
		return scalarEqual(a, b), r.tick(len(s) >> 8)
	}
	return scalarEqual(a, b), nil
}

func scalarEqual(a, b any) bool {
	if na, ok := number(a); ok {
		nb, ok := number(b)
		if !ok {
			return false
		}
		ia, aInt := na.(int64)
		ib, bInt := nb.(int64)
		if aInt && bInt {
			return ia == ib
		}
		return float(na) == float(nb)
	}
	if ea, ok := entityOf(a); ok {
		eb, ok := entityOf(b)
		return ok && ea.EntityID() == eb.EntityID()
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	case Sensor:
		b, ok := b.(Sensor)
		return ok && a == b
	case Replacement:
		b, ok := b.(Replacement)
		return ok && a == b
	case opaque:
		b, ok := b.(opaque)
		return ok && a == b
	case time.Duration:
		b, ok := b.(time.Duration)
		return ok && a == b
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return false
}

func float(n any) float64 {
	if i, ok := n.(int64); ok {
		return float64(i)
	}
	f, _ := n.(float64)
	return f
}

// text writes a value as Java's toString does: [a, b] and {k=v}.
func (r *run) text(v any) (string, error) {
	var b strings.Builder
	if err := r.write(&b, v, 0); err != nil {
		return "", err
	}
	return b.String(), r.makeString(b.Len())
}

func (r *run) write(b *strings.Builder, v any, depth int) error {
	if depth > r.lim.Depth {
		return exceeded("Depth", r.lim.Depth, "lists within lists")
	}
	if b.Len() > r.lim.String {
		return exceeded("String", r.lim.String, "bytes")
	}
	if l, ok := elements(v); ok {
		b.WriteByte('[')
		for i := range l.len() {
			if err := r.writeItem(b, i, "", l.at(i), depth); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	if d, ok := entries(v); ok {
		b.WriteByte('{')
		for i, key := range d.keys() {
			if err := r.writeItem(b, i, key+"=", d.get(key), depth); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	b.WriteString(scalarText(v))
	return nil
}

func (r *run) writeItem(b *strings.Builder, i int, name string, v any, depth int) error {
	if err := r.tick(1); err != nil {
		return err
	}
	if i > 0 {
		b.WriteString(", ")
	}
	b.WriteString(name)
	return r.write(b, v, depth+1)
}
