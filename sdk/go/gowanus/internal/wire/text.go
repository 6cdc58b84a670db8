package wire

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a text. What is no UTF-8 becomes U+FFFD.
func (r *reader) text() string {
	start := r.at + 1
	ascii := true
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			if text := r.data[start:i]; ascii || utf8.ValidString(text) {
				r.at = i + 1
				return text
			}
			return r.unquote(start)
		case c == '\\' || c < ' ':
			return r.unquote(start)
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	r.at = len(r.data)
	r.syntax(`'"'`)
	return ""
}

// unquote reads a text that does not stand for itself.
func (r *reader) unquote(start int) string {
	r.at = start
	out := make([]byte, 0, 64)
	for r.at < len(r.data) {
		c := r.data[r.at]
		switch {
		case c == '"':
			r.at++
			return string(out)
		case c < ' ':
			r.syntax("a text without control characters")
			return ""
		case c == '\\':
			r.at++
			if out = r.escape(out); r.err != nil {
				return ""
			}
		case c < utf8.RuneSelf:
			out = append(out, c)
			r.at++
		default:
			char, size := utf8.DecodeRuneInString(r.data[r.at:])
			out = utf8.AppendRune(out, char)
			r.at += size
		}
	}
	r.syntax(`'"'`)
	return ""
}

// escape reads what follows a backslash.
func (r *reader) escape(out []byte) []byte {
	if r.at < len(r.data) {
		c := r.data[r.at]
		switch c {
		case '"', '\\', '/':
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r.at++
			return utf8.AppendRune(out, r.hex())
		default:
			r.syntax(`one of "\/bfnrtu after a backslash`)
			return out
		}
		r.at++
		return append(out, c)
	}
	r.syntax(`one of "\/bfnrtu after a backslash`)
	return out
}

// hex reads the character of \u, which may take two of them. Half of a
// character is U+FFFD.
func (r *reader) hex() rune {
	char := r.four()
	if !utf16.IsSurrogate(char) {
		return char
	}
	rest := r.data[r.at:]
	if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if low, err := strconv.ParseUint(rest[2:6], 16, 16); err == nil {
			if both := utf16.DecodeRune(char, rune(low)); both != utf8.RuneError {
				r.at += 6
				return both
			}
		}
	}
	return utf8.RuneError
}

// four reads four hexadecimal digits.
func (r *reader) four() rune {
	var char rune
	for range 4 {
		c := byte(0)
		if r.at < len(r.data) {
			c = r.data[r.at]
		}
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			r.syntax("four hexadecimal digits")
			return 0
		}
		char = char<<4 | rune(c)
		r.at++
	}
	return char
}
