package wire

import "strconv"

// Error is what is wrong with a document or a value.
type Error struct {
	Offset   int    // the byte of the document, from 0; -1 for a value that cannot be written
	Path     string // of the field: "entity.config", "outputs[2].step"; "" for the whole
	Expected string
	Got      string
	Cause    error // what a method of the value said, instead of Expected and Got
}

// Error tells everything.
func (e *Error) Error() string {
	where := e.Path
	if e.Offset >= 0 {
		where = "byte " + strconv.Itoa(e.Offset)
		if e.Path != "" {
			where += ", " + e.Path
		}
	}
	if where == "" {
		return e.Problem()
	}
	return where + ": " + e.Problem()
}

// Problem tells what is wrong, but not where.
func (e *Error) Problem() string {
	if e.Cause != nil {
		return e.Cause.Error()
	}
	return "expected " + e.Expected + ", got " + e.Got
}

// Unwrap gives what a method of the value said.
func (e *Error) Unwrap() error { return e.Cause }

const (
	maxTraced = 16 // levels of a path
	maxShown  = 40 // bytes of a number or key
)

// clip keeps an error short. What it shows may end within a character.
func clip(text string) string {
	if len(text) > maxShown {
		return text[:maxShown] + "…"
	}
	return text
}

// Join puts a key, or an index in brackets, before a path.
func Join(key, path string) string {
	if path == "" || path[0] == '[' {
		return key + path
	}
	return key + "." + path
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// trace gives the path of the value at a byte, before which there is no
// mistake. So nothing needs to keep paths while all is well.
func (r *reader) trace(at, level int) string {
	if level == maxTraced {
		return ""
	}
	open := r.peek()
	if open != '{' && open != '[' || !r.open() {
		return ""
	}
	for n := 0; r.next(n, open+2); n++ {
		key := index(n)
		if open == '{' {
			key = clip(r.key())
		}
		r.space()
		if r.err != nil || r.at > at {
			return ""
		}
		probe := reader{data: r.data, at: r.at, depth: r.depth}
		if probe.skip(); probe.err == nil && probe.at <= at {
			r.at = probe.at
			continue
		}
		return Join(key, r.trace(at, level+1))
	}
	return ""
}
