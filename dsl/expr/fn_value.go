package expr

import (
	"net/url"
	"strings"

	patterns "github.com/gowanus-project/gowanus/internal/pattern"
)

// valueFunctions are Brooklyn's functions that ask nobody, and template.
func valueFunctions() []*function {
	return []*function{
		{name: "formatString", min: 1, max: -1, pure: true, run: formatString, check: checkFormat},
		{name: "urlEncode", min: 1, max: 1, pure: true, run: urlEncode},
		{name: "regexReplacement", min: 3, max: 3, pure: true, run: regexReplacement, check: checkReplacement(1)},
		{name: "function.regexReplacement", min: 2, max: 2, pure: true, run: replacementFunction, check: checkReplacement(0)},
		{name: "literal", min: 1, max: 1, pure: true, raw: true, run: func(_ *run, args []any) (any, error) { return args[0], nil }},
		{name: "entitySpec", min: 1, max: 1, pure: true, raw: true, run: objectOf("entitySpec")},
		{name: "object", min: 1, max: 1, pure: true, raw: true, run: objectOf("object")},
		{name: "template", min: 1, max: 2, ask: template},
	}
}

func objectOf(kind string) operation {
	return func(_ *run, args []any) (any, error) {
		spec := args[0]
		if text, ok := spec.(string); ok {
			spec = map[string]any{"type": text}
		}
		if _, ok := entries(spec); !ok {
			return nil, invalid("%s is described by a map or by the name of a type, not %s", kind, kindOf(spec))
		}
		if kind == "object" {
			if v, made, err := bean(spec); made || err != nil {
				return v, err
			}
		}
		return Object{kind, spec}, nil
	}
}

// urlEncode encodes as an HTML form does, with Java's choice of characters.
func urlEncode(r *run, args []any) (any, error) {
	text, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	if err := r.makeString(3 * len(text)); err != nil {
		return nil, err
	}
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(text)), nil
}

func regexReplacement(r *run, args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	texts, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	re, err := compileRegexp(texts[1])
	if err != nil {
		return nil, err
	}
	return replaceAll(r, re, texts[0], texts[2])
}

func replacementFunction(r *run, args []any) (any, error) {
	texts, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	return Replacement{texts[0], texts[1]}, nil
}

// texts writes every argument as text.
func (r *run) texts(args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, v := range args {
		var err error
		if out[i], err = r.text(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkReplacement checks a pattern and the replacement that follows it.
func checkReplacement(at int) func(args []arg) error {
	return func(args []arg) error {
		if !args[at].known {
			return nil
		}
		re, err := compileRegexp(scalarText(args[at].v))
		if err != nil {
			return &argError{at, err}
		}
		if with := args[at+1]; with.known {
			if _, err := patterns.ParseReplacement(scalarText(with.v), re.NumSubexp()); err != nil {
				return &argError{at + 1, err}
			}
		}
		return nil
	}
}

// template replaces each ${config['key']} and ${attribute['name']} of a text
// by the entity's config or, once it is ready, sensor. ${name} takes the value
// of a substitution.
func template(r *run, of Entity, args []any) (any, error) {
	text, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	substitutions := dict{}
	if len(args) == 2 {
		var ok bool
		if substitutions, ok = entries(args[1]); !ok {
			return nil, invalid("the substitutions are a map, not %s", kindOf(args[1]))
		}
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), r.makeString(b.Len())
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, invalid("${%s is not closed", rest)
		}
		v, err := templateValue(r, of, strings.TrimSpace(name), substitutions)
		if err != nil {
			return nil, err
		}
		part, err := r.text(v)
		if err != nil {
			return nil, err
		}
		if b.WriteString(part); b.Len() > r.lim.String {
			return nil, exceeded("String", r.lim.String, "bytes")
		}
		text = after
	}
}

func templateValue(r *run, of Entity, name string, substitutions dict) (any, error) {
	if v, ok := substitutions.find(name); ok {
		return v, nil
	}
	var v any
	err := invalid("${%s} names nothing; expected config['KEY'], attribute['SENSOR'] or a substitution", name)
	if key, ok := quotedKey(name, "config"); ok {
		v, err = config(r, of, []any{key})
	} else if key, ok := quotedKey(name, "attribute"); ok {
		v, err = attribute(false)(r, of, []any{key})
	}
	if v == nil && err == nil {
		err = invalid("${%s} evaluates to null", name)
	}
	return v, err
}

// quotedKey reads word['key'] or word["key"].
func quotedKey(text, word string) (string, bool) {
	rest, ok := strings.CutPrefix(text, word)
	if !ok || len(rest) < 5 || rest[0] != '[' || rest[len(rest)-1] != ']' {
		return "", false
	}
	key := rest[2 : len(rest)-2]
	mark := rest[1]
	if mark != '\'' && mark != '"' || rest[len(rest)-2] != mark || strings.IndexByte(key, mark) >= 0 {
		return "", false
	}
	return key, true
}
