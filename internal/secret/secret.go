// Package secret tells by their names which values are secrets, and hides them.
package secret

import (
	"bytes"
	"slices"
	"strings"
)

// Suppressed stands in for a secret value.
const Suppressed = "<suppressed>"

// secretWords mark the names whose values are secrets. Letters are compared
// without case, and without the separators of names.
var secretWords = [...]string{
	"password", "passwd", "passphrase", "secret", "credential", "token", "authorization",
	"privatekey", "accesskey", "apikey", "accesscert", "privatecert",
}

// Words gives the words that mark the names of secrets.
func Words() []string { return slices.Clone(secretWords[:]) }

// Named tells whether a name of config, a sensor or an argument is one
// whose value must not be shown.
func Named(name string) bool {
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '.', '-', '_', ' ':
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, w := range secretWords {
		if strings.Contains(plain, w) {
			return true
		}
	}
	return false
}

// Mask gives a value without the secrets: all of it when the name is that of
// a secret, else what stands under such names inside it. The value itself is
// not changed.
func Mask(name string, v any) any {
	if v == nil {
		return nil
	}
	if Named(name) {
		return Suppressed
	}
	switch x := v.(type) {
	case map[string]any:
		return Map(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = Mask("", item)
		}
		return out
	}
	return v
}

// Map is Mask for a map without a name; nil stays nil.
func Map(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = Mask(k, v)
	}
	return out
}

// Lines hides the values of secrets in lines of the form NAME=value, as
// the stream env has them.
func Lines(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		name, _, found := bytes.Cut(line, []byte("="))
		if !found || !Named(string(name)) {
			continue
		}
		end := ""
		if bytes.HasSuffix(line, []byte("\n")) {
			end = "\n"
		}
		lines[i] = []byte(string(name) + "=" + Suppressed + end)
	}
	return bytes.Join(lines, nil)
}
