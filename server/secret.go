package server

import (
	"bytes"
	"strings"
)

// suppressed stands in for a secret value.
const suppressed = "<suppressed>"

// secretWords mark the names whose values are secrets. Letters are compared
// without case, and without the separators of names.
var secretWords = [...]string{
	"password", "passwd", "passphrase", "secret", "credential", "token", "authorization",
	"privatekey", "accesskey", "apikey", "accesscert", "privatecert",
}

// isSecret tells whether a name of config, a sensor or an argument is one
// whose value must not be shown.
func isSecret(name string) bool {
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

// mask gives a value without the secrets: all of it when the name is that of
// a secret, else what stands under such names inside it. The value itself is
// not changed.
func mask(name string, v any) any {
	if v == nil {
		return nil
	}
	if isSecret(name) {
		return suppressed
	}
	switch x := v.(type) {
	case map[string]any:
		return maskMap(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = mask("", item)
		}
		return out
	}
	return v
}

func maskMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = mask(k, v)
	}
	return out
}

// maskLines hides the values of secrets in lines of the form NAME=value, as
// the stream env has them.
func maskLines(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		name, _, found := bytes.Cut(line, []byte("="))
		if !found || !isSecret(string(name)) {
			continue
		}
		end := ""
		if bytes.HasSuffix(line, []byte("\n")) {
			end = "\n"
		}
		lines[i] = []byte(string(name) + "=" + suppressed + end)
	}
	return bytes.Join(lines, nil)
}
