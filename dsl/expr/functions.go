package expr

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// function is one function of the language.
type function struct {
	name     string
	min, max int // arguments; max is -1 for any number

	// ask works on an entity: the one that it is called on, else the one that
	// owns the expression. run needs none; with both it is the one for the
	// top of a chain.
	ask func(r *run, of Entity, args []any) (any, error)
	run operation

	entity  bool                   // gives an entity or null
	raw     bool                   // its arguments are not expressions
	builtin bool                   // of expr-lang, where a bare word is a variable
	pure    bool                   // the same arguments give the same result
	check   func(args []arg) error // what constant arguments show before anything runs; an *argError
	refer   func(args []arg) *Ref  // what constant arguments refer to
}

// arg is what is known of an argument before anything runs.
type arg struct {
	v     any
	known bool // v is the value
	pos   yamlpos.Pos
}

// argError is a problem of one argument.
type argError struct {
	i   int
	err error
}

func (e *argError) Error() string { return e.err.Error() }

// function finds a function; nil when there is none of that name.
func functionNamed(name string) *function {
	if i, ok := slices.BinarySearchFunc(functions, name, byName); ok {
		return functions[i]
	}
	return nil
}

func byName(f *function, name string) int { return cmp.Compare(f.name, name) }

// functions are all functions of the language, ordered by name.
var functions = func() []*function {
	all := slices.Concat(entityFunctions(), valueFunctions(), builtinFunctions())
	slices.SortFunc(all, func(a, b *function) int { return cmp.Compare(a.name, b.name) })
	return all
}()

// counts checks the number of arguments.
func (f *function) counts(n int) error {
	switch {
	case n >= f.min && (f.max < 0 || n <= f.max):
		return nil
	case f.max < 0:
		return invalid("%s takes at least %s, not %d", f.name, plural(f.min, "argument"), n)
	case f.min == f.max:
		return invalid("%s takes %s, not %d", f.name, plural(f.min, "argument"), n)
	}
	return invalid("%s takes %d to %s, not %d", f.name, f.min, plural(f.max, "argument"), n)
}

// eval computes the function at a site.
func (f *function) eval(r *run, s *site, args []any) (any, error) {
	if !s.method {
		if f.run != nil {
			return f.run(r, args)
		}
		if r.scope == nil || r.scope.Self() == nil {
			return nil, invalid("%s is asked of an entity; here is none", f.name)
		}
		return f.ask(r, r.scope.Self(), args)
	}
	return callOn(r, s, f, args)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// unknownMethod is what a name stands for that no function has: whether it
// is an error shows when it is called on a value.
func unknownMethod(r *run, s *site, args []any) (any, error) { return callOn(r, s, nil, args) }

func callOn(r *run, s *site, f *function, args []any) (any, error) {
	if args[0] == nil {
		return nil, invalid("%s evaluates to null", s.recv)
	}
	if f == nil {
		return nil, invalid("%s", noFunction(s.name, true))
	}
	of, ok := entityOf(args[0])
	if !ok {
		return nil, invalid("%s is %s; %s is asked of an entity", s.recv, kindOf(args[0]), s.name)
	}
	return f.ask(r, of, args[1:])
}

// noFunction says that a name is no function and which one is nearest.
func noFunction(name string, onEntity bool) string {
	var names []string
	for _, f := range functions {
		if f.ask != nil || !onEntity {
			names = append(names, f.name)
		}
	}
	text := "No such function '" + name + "'"
	if near := nearest.Word(name, names); near != "" {
		text += "; did you mean " + near + "?"
	}
	return text
}

// Functions gives the names of Brooklyn's functions, sorted; those of expr-lang
// are not among them.
func Functions() []string {
	var out []string
	for _, f := range functions {
		if !f.builtin {
			out = append(out, f.name)
		}
	}
	return out
}
