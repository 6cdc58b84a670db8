package yamlpos

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Limits bound what a text may cost to read. A zero field means its default.
type Limits struct {
	Bytes   int // length of the text; 5 MiB
	Nodes   int // scalars, lists and maps, aliases expanded; 200,000
	Depth   int // lists and maps inside each other, aliases expanded; 100
	Aliases int // nodes that aliases add by repeating others; 10,000
}

const (
	defaultBytes   = 5 << 20
	defaultNodes   = 200_000
	defaultDepth   = 100
	defaultAliases = 10_000
)

func (l Limits) withDefaults() Limits {
	def := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	def(&l.Bytes, defaultBytes)
	def(&l.Nodes, defaultNodes)
	def(&l.Depth, defaultDepth)
	def(&l.Aliases, defaultAliases)
	return l
}

func tooManyNodes(pos Pos, limit int) *Error {
	return exceeded(pos, "Nodes", "the text has more than %d values (limit Nodes)", limit)
}

func tooDeep(pos Pos, limit int) *Error {
	return exceeded(pos, "Depth", "lists and maps are nested more than %d deep (limit Depth)", limit)
}

func tooManyAliases(pos Pos, limit int) *Error {
	return exceeded(pos, "Aliases", "aliases add more than %d values (limit Aliases)", limit)
}

// slack is how far the count of indicators may exceed the limit of nodes. It
// allows for indicators that stand in plain text, as commas in a script.
const slack = 4

// precheck refuses what the library should not see: texts that are too long,
// are not UTF-8, or hold so many indicators that composing them would cost
// more memory than the limit of nodes is meant to allow. The library itself
// has no limit of nodes.
func precheck(file string, text []byte, l Limits) *Error {
	if len(text) > l.Bytes {
		return exceeded(Pos{file, 1, 1}, "Bytes", "the text has %d bytes, more than %d (limit Bytes)", len(text), l.Bytes)
	}
	if at, msg := unreadable(text); msg != "" {
		return &Error{Pos: place(file, text, at), Msg: msg}
	}
	if at, over := countIndicators(text, slack*l.Nodes); over {
		return tooManyNodes(place(file, text, at), l.Nodes)
	}
	return nil
}

// countIndicators adds up how many nodes each character can begin, whatever
// surrounds it, and says where the sum passes the limit.
func countIndicators(text []byte, limit int) (at int, over bool) {
	count := 0
	for i, c := range text {
		switch c {
		case '[', '{':
			count++
		case ',', '?': // a key without a value makes two
			count += 2
		case ':': // map, key and value
			count += 3
		case '&', '*', '!': // the library queues all of them that stand in one line
			if i == 0 || text[i-1] <= ' ' || text[i-1] >= utf8.RuneSelf {
				count += slack
			}
		case '%': // the library compares each directive with all others
			if i == 0 || text[i-1] == '\n' || text[i-1] == '\r' || text[i-1] >= utf8.RuneSelf {
				count += limit / 100
			}
		case '-': // list and item
			if i+1 == len(text) || text[i+1] <= ' ' || text[i+1] >= utf8.RuneSelf { // line breaks beyond ASCII
				count += 2
			}
		}
		if count > limit {
			return i, true
		}
	}
	return 0, false
}

// unreadable finds the first byte that no YAML text may hold.
func unreadable(text []byte) (at int, msg string) {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return i, "the text is not UTF-8"
		case r < ' ', r == 0xfffe, r == 0xffff:
			return i, fmt.Sprintf("control character %#U is not allowed; write it as an escape in double quotes", r)
		}
		i += size
	}
	return 0, ""
}

// place gives the position of a byte.
func place(file string, text []byte, at int) Pos {
	before := text[:at]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Pos{file, bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1}
}
