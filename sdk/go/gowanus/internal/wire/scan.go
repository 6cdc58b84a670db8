package wire

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// reader goes through a document. Texts that it gives are parts of the
// document where they can be.
type reader struct {
	data  string
	at    int
	depth int
	blank bool   // there was space between the tokens
	err   *Error // what ended it
	first *Error // the first value that does not fit; it goes on after that

	hops, hopped int // pointers that were followed, and at which byte
}

// syntax ends the reading.
func (r *reader) syntax(expected string) {
	if r.err != nil {
		return
	}
	got := "the end"
	if r.at < len(r.data) {
		c, _ := utf8.DecodeRuneInString(r.data[r.at:])
		got = "'" + string(c) + "'"
		if c < ' ' || c == utf8.RuneError {
			got = "byte " + strconv.Itoa(int(r.data[r.at]))
		}
	}
	r.err = &Error{Offset: r.at, Expected: expected, Got: got}
}

func (r *reader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\n', '\r', '\t':
			r.at++
			r.blank = true
		default:
			return
		}
	}
}

// peek gives the first byte of the next token, 0 at the end.
func (r *reader) peek() byte {
	r.space()
	if r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

// open goes into a list or object.
func (r *reader) open() bool {
	if r.depth++; r.depth > MaxDepth {
		r.err = &Error{Offset: r.at, Expected: "at most " + strconv.Itoa(MaxDepth) + " levels of lists and objects (MaxDepth)", Got: "more"}
		return false
	}
	r.at++
	return true
}

// next goes to member n of a list or object, or out of it, past the closing
// bracket.
func (r *reader) next(n int, closing byte) bool {
	if r.err != nil {
		return false
	}
	c := r.peek()
	if c == closing {
		r.at++
		r.depth--
		return false
	}
	if n == 0 {
		return true
	}
	if c != ',' {
		r.syntax("',' or '" + string(rune(closing)) + "'")
		return false
	}
	r.at++
	return true
}

// key reads a member's key and the colon.
func (r *reader) key() string {
	if r.peek() != '"' {
		r.syntax("a key")
		return ""
	}
	key := r.text()
	if r.err != nil {
		return ""
	}
	if r.peek() != ':' {
		r.syntax("':'")
		return ""
	}
	r.at++
	return key
}

// end refuses what follows the document.
func (r *reader) end() {
	r.space()
	if r.at < len(r.data) {
		r.syntax("the end")
	}
}

// word reads true, false or null.
func (r *reader) word() string {
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(r.data[r.at:], word) {
			r.at += len(word)
			return word
		}
	}
	r.syntax("a value")
	return ""
}

// skip goes past a value.
func (r *reader) skip() {
	c := r.peek()
	switch c {
	case '"':
		r.text()
	case '{', '[':
		if !r.open() {
			return
		}
		for n := 0; r.next(n, c+2); n++ {
			if c == '{' {
				r.key()
			}
			if r.err == nil {
				r.skip()
			}
		}
	default:
		if isNumber(c) {
			r.number()
		} else {
			r.word()
		}
	}
}

// raw gives a value as it stands.
func (r *reader) raw() string {
	r.space()
	start := r.at
	r.skip()
	if r.err != nil {
		return ""
	}
	return r.data[start:r.at]
}

func isNumber(c byte) bool { return c == '-' || isDigit(c) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number is a number's text.
type number struct {
	text  string
	whole int64 // its value, if it is exact
	exact bool  // it has neither a point nor an exponent, and few digits
}

// maxDigits are the digits of whole numbers that a float64 holds exactly.
const maxDigits = 15

func (r *reader) number() number {
	start := r.at
	var n number
	negative := r.data[r.at] == '-'
	if negative {
		r.at++
	}
	first := r.at
	for r.at < len(r.data) && isDigit(r.data[r.at]) {
		n.whole = n.whole*10 + int64(r.data[r.at]-'0') // may overflow; it does not count then
		r.at++
		if r.at == first+1 && r.data[first] == '0' {
			break
		}
	}
	if r.at == first {
		r.syntax("a digit")
		return n
	}
	n.exact = r.at-first <= maxDigits
	if negative {
		n.whole = -n.whole
	}
	if r.at < len(r.data) && r.data[r.at] == '.' {
		r.digits()
		n.exact = false
	}
	if r.at < len(r.data) && r.data[r.at]|0x20 == 'e' {
		if r.at+1 < len(r.data) && (r.data[r.at+1] == '+' || r.data[r.at+1] == '-') {
			r.at++
		}
		r.digits()
		n.exact = false
	}
	n.text = r.data[start:r.at]
	return n
}

// digits goes past one byte, and the digits that must follow.
func (r *reader) digits() {
	r.at++
	first := r.at
	for r.at < len(r.data) && isDigit(r.data[r.at]) {
		r.at++
	}
	if r.at == first {
		r.syntax("a digit")
	}
}

// float gives the value. ok is false when it is too large.
func (n *number) float(bits int) (f float64, ok bool) {
	if n.exact && bits == 64 {
		f = float64(n.whole)
		if n.whole == 0 && n.text[0] == '-' {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(n.text, bits)
	return f, err == nil
}
