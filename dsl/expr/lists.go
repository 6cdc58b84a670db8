package expr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
)

// listFunctions are the functions of expr-lang that take lists or maps apart.
// They are written anew so that entities pass through them whole, maps have an
// order, and every element pays.
func listFunctions() []*function {
	return []*function{
		{name: "first", min: 1, max: 1, run: end(0)},
		{name: "last", min: 1, max: 1, run: end(-1)},
		{name: "take", min: 2, max: 2, run: take},
		{name: "reverse", min: 1, max: 1, run: reverse},
		{name: "concat", min: 1, max: -1, run: concat},
		{name: "flatten", min: 1, max: 1, run: flatten},
		{name: "uniq", min: 1, max: 1, run: uniq},
		{name: "keys", min: 1, max: 1, run: fromMap("keys", func(key string, _ any) any { return key })},
		{name: "values", min: 1, max: 1, run: fromMap("values", func(_ string, v any) any { return v })},
		{name: "toPairs", min: 1, max: 1, run: fromMap("toPairs", func(key string, v any) any { return []any{key, v} })},
		{name: "fromPairs", min: 1, max: 1, run: fromPairs},
	}
}

func needList(name string, v any) (list, error) {
	l, ok := elements(v)
	if !ok {
		return list{}, invalid("%s takes a list, not %s", name, kindOf(v))
	}
	return l, nil
}

func end(at int) operation {
	return func(_ *run, args []any) (any, error) {
		l, err := needList("first or last", args[0])
		if err != nil || l.len() == 0 {
			return nil, err
		}
		if at < 0 {
			return l.at(l.len() - 1), nil
		}
		return l.at(at), nil
	}
}

func take(r *run, args []any) (any, error) {
	l, err := needList("take", args[0])
	if err != nil {
		return nil, err
	}
	n, ok := integer(args[1])
	if !ok || n < 0 {
		return nil, invalid("take takes a number of elements, not %s", shown(args[1]))
	}
	return sub(r, l, 0, int(min(n, int64(l.len()))))
}

func reverse(r *run, args []any) (any, error) {
	l, err := needList("reverse", args[0])
	if err != nil {
		return nil, err
	}
	if err := r.makeList(l.len()); err != nil {
		return nil, err
	}
	out := make([]any, l.len())
	for i := range out {
		out[i] = l.at(l.len() - 1 - i)
	}
	return out, nil
}

func concat(r *run, args []any) (any, error) {
	total := 0
	for _, a := range args {
		l, err := needList("concat", a)
		if err != nil {
			return nil, err
		}
		if total += l.len(); total > r.lim.List {
			break
		}
	}
	if err := r.makeList(total); err != nil {
		return nil, err
	}
	out := make([]any, 0, total)
	for _, a := range args {
		l, _ := elements(a)
		for i := range l.len() {
			out = append(out, l.at(i))
		}
	}
	return out, nil
}

func flatten(r *run, args []any) (any, error) {
	l, err := needList("flatten", args[0])
	if err != nil {
		return nil, err
	}
	out, err := r.flat([]any{}, l, 0)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *run) flat(out []any, l list, depth int) ([]any, error) {
	if depth > r.lim.Depth {
		return nil, exceeded("Depth", r.lim.Depth, "lists within lists")
	}
	for i := range l.len() {
		if err := r.element(); err != nil {
			return nil, err
		}
		item := l.at(i)
		if inner, ok := elements(item); ok {
			var err error
			if out, err = r.flat(out, inner, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		if out = append(out, item); len(out) > r.lim.List {
			return nil, exceeded("List", r.lim.List, "elements")
		}
	}
	return out, nil
}

func uniq(r *run, args []any) (any, error) {
	l, err := needList("uniq", args[0])
	if err != nil {
		return nil, err
	}
	out := []any{}
	for i := range l.len() {
		item := l.at(i)
		seen, err := in(r, []any{item, out})
		if err != nil {
			return nil, err
		}
		if seen == false {
			out = append(out, item)
		}
	}
	return out, r.makeList(len(out))
}

func fromMap(name string, part func(key string, v any) any) operation {
	return func(r *run, args []any) (any, error) {
		d, ok := entries(args[0])
		if !ok {
			return nil, invalid("%s takes a map, not %s", name, kindOf(args[0]))
		}
		if err := r.makeList(len(d)); err != nil {
			return nil, err
		}
		out := make([]any, 0, len(d))
		for _, key := range d.keys() {
			out = append(out, part(key, d.get(key)))
		}
		return out, nil
	}
}

func fromPairs(r *run, args []any) (any, error) {
	l, err := needList("fromPairs", args[0])
	if err != nil {
		return nil, err
	}
	if err := r.makeList(l.len()); err != nil {
		return nil, err
	}
	out := make(map[string]any, l.len())
	for i := range l.len() {
		pair, ok := elements(l.at(i))
		if !ok || pair.len() != 2 {
			return nil, invalid("fromPairs takes a list of [key, value], not %s", kindOf(l.at(i)))
		}
		out[scalarText(pair.at(0))] = pair.at(1)
	}
	return out, nil
}

func toJSON(r *run, args []any) (any, error) {
	if n, err := r.measure(args[0]); err != nil || n > r.lim.String {
		return nil, cmp.Or(err, exceeded("String", r.lim.String, "bytes"))
	}
	v, err := r.out(args[0])
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil, invalid("toJSON: %s", err)
	}
	return string(out), r.makeString(len(out))
}

func fromJSON(r *run, args []any) (any, error) {
	texts, err := textArgs("fromJSON", args)
	if err != nil {
		return nil, err
	}
	// A list of empty lists takes most: some forty bytes for each two of text.
	if err := r.spend(20 * len(texts[0])); err != nil {
		return nil, err
	}
	if err := r.tick(len(texts[0])); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(texts[0])))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, invalid("fromJSON: %s", err)
	}
	if decoder.More() {
		return nil, invalid("fromJSON: more than one value")
	}
	return numbers(v, r.lim.Depth)
}

// numbers makes int64 and float64 of JSON's numbers.
func numbers(v any, depth int) (any, error) {
	if depth < 0 {
		return nil, invalid("fromJSON: nested too deep")
	}
	var err error
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil || math.IsInf(f, 0) {
			return nil, invalid("fromJSON: number %s is out of range", v)
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i], depth-1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = numbers(v[key], depth-1); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
