package pattern

import "strings"

// Wild tells whether a text is as a pattern says in which * stands for any
// text, and nothing else has a meaning.
func Wild(glob, text string) bool {
	parts := strings.Split(glob, "*")
	if len(parts) == 1 {
		return glob == text
	}
	last := len(parts) - 1
	if !strings.HasPrefix(text, parts[0]) || len(text) < len(parts[0])+len(parts[last]) || !strings.HasSuffix(text, parts[last]) {
		return false
	}
	text = text[len(parts[0]) : len(text)-len(parts[last])]
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}
