package hook

import "strings"

// Choices gives the values that a constraint of the key lists: any of several
// that are equal to something, or a regular expression that is nothing but
// alternatives, like "red|green". It is nil when no constraint does.
func (k *ConfigKey) Choices() []any {
	for _, c := range k.Constraints {
		m, isMap := c.(map[string]any)
		if !isMap || len(m) != 1 {
			continue
		}
		for word, arg := range m {
			if out := choices(word, arg); out != nil {
				return out
			}
		}
	}
	return nil
}

func choices(word string, arg any) []any {
	switch word {
	case "equals":
		switch arg.(type) {
		case string, bool, int, int64, float64:
			return []any{arg}
		}
	case "regex":
		if text, isText := arg.(string); isText {
			return alternatives(text)
		}
	case "any", "or":
		items, _ := arg.([]any)
		var out []any
		for _, item := range items {
			one, _ := item.(map[string]any)
			listed := choices("equals", one["equals"])
			if len(one) != 1 || listed == nil {
				return nil
			}
			out = append(out, listed...)
		}
		return out
	}
	return nil
}

// alternatives gives the texts that a regular expression matches, if it lists
// them.
func alternatives(re string) []any {
	re = strings.TrimSuffix(strings.TrimPrefix(re, "^"), "$")
	if inner, found := strings.CutPrefix(re, "("); found && strings.HasSuffix(inner, ")") {
		re = strings.TrimPrefix(strings.TrimSuffix(inner, ")"), "?:")
	}
	if re == "" || strings.ContainsAny(re, `\.+*?()[]{}^$`) {
		return nil
	}
	var out []any
	for text := range strings.SplitSeq(re, "|") {
		out = append(out, text)
	}
	return out
}
