package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
)

// shortest is the length, in bytes, from which on a value is hidden wherever
// it stands; shorter ones would hide what is no secret.
const shortest = 4

// Of values that nobody but a blueprint calls secrets, words and numbers that
// stand everywhere must not be taken out of every log: those that are hidden
// have shortestPassed bytes, and more than letters unless they are long.
const (
	shortestPassed = 8
	longWord       = 16
	mostPassed     = 1000 // the oldest are forgotten
)

// known are the values that are hidden.
var known struct {
	mu      sync.Mutex
	learned map[string]bool                  // by Learn
	passed  []string                         // by Pass
	given   atomic.Pointer[strings.Replacer] // those of learned; nil while there are none
	hide    atomic.Pointer[strings.Replacer] // those of both
}

// Learn remembers the texts in a value, which a provider of secrets gave, for
// Hide and Known. They are kept as long as the program runs.
func Learn(v any) {
	eachText(v, func(s string) {
		if len(s) < shortest || s == "true" || s == "false" || s == "null" {
			return
		}
		known.mu.Lock()
		defer known.mu.Unlock()
		if known.learned[s] {
			return
		}
		if known.learned == nil {
			known.learned = map[string]bool{}
		}
		known.learned[s] = true
		known.given.Store(replacer(slices.Collect(maps.Keys(known.learned))))
		rebuild()
	})
}

// Pass remembers the texts in a value that is a secret by its name and is handed
// to a step, for Hide.
func Pass(v any) {
	eachText(v, func(s string) {
		letters := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
		if len(s) < shortestPassed || letters && len(s) < longWord {
			return
		}
		known.mu.Lock()
		defer known.mu.Unlock()
		if known.learned[s] || slices.Contains(known.passed, s) {
			return
		}
		if len(known.passed) == mostPassed {
			known.passed = slices.Delete(known.passed, 0, 1)
		}
		known.passed = append(known.passed, s)
		rebuild()
	})
}

// Known tells whether a text has one in it that was given to Learn.
func Known(text string) bool {
	r := known.given.Load()
	return r != nil && r.Replace(text) != text
}

func eachText(v any, do func(string)) {
	switch x := v.(type) {
	case string:
		do(x)
	case []any:
		for _, item := range x {
			eachText(item, do)
		}
	case map[string]any:
		for _, item := range x {
			eachText(item, do)
		}
	}
}

// rebuild makes what Hide uses. The caller holds mu.
func rebuild() {
	known.hide.Store(replacer(append(slices.Collect(maps.Keys(known.learned)), known.passed...)))
}

// replacer hides texts, also as they stand in JSON, in addresses and in headers.
func replacer(texts []string) *strings.Replacer {
	all := map[string]bool{}
	for _, s := range texts {
		all[s] = true
		if text, err := json.Marshal(s); err == nil {
			all[string(text[1:len(text)-1])] = true
		}
		all[url.QueryEscape(s)] = true
		all[base64.StdEncoding.EncodeToString([]byte(s))] = true
	}
	// The longest first: one secret may be a part of another.
	sorted := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(sorted))
	for _, v := range sorted {
		pairs = append(pairs, v, Suppressed)
	}
	return strings.NewReplacer(pairs...)
}

// Hide gives a text without the secrets that are known.
func Hide(text string) string {
	if r := known.hide.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// HideJSON is Hide for the texts in a JSON document, which stays one: names of
// fields and what is no text are left alone.
func HideJSON(doc string) string {
	r := known.hide.Load()
	if r == nil || !strings.ContainsRune(doc, '\\') && r.Replace(doc) == doc {
		return doc
	}
	var out strings.Builder
	for {
		begin := strings.IndexByte(doc, '"')
		if begin < 0 {
			out.WriteString(doc)
			return out.String()
		}
		end := begin + 1
		for end < len(doc) && doc[end] != '"' {
			if doc[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(doc))
		text, rest := doc[begin+1:end], doc[end:]
		if len(rest) < 2 || rest[1] != ':' {
			text = hideEscaped(r, text)
		}
		out.WriteString(doc[:begin+1])
		out.WriteString(text)
		if doc = rest; doc != "" {
			out.WriteByte('"')
			doc = doc[1:]
		}
	}
}

// hideEscaped hides in what stands between the quotes of a text of JSON.
func hideEscaped(r *strings.Replacer, text string) string {
	escaped := strings.ContainsRune(text, '\\')
	if !escaped {
		return r.Replace(text)
	}
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
		return Suppressed
	}
	hidden := r.Replace(plain)
	if hidden == plain {
		return text
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(hidden) != nil {
		return Suppressed
	}
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}

// HideIn is Hide for all texts in a value, which is not changed.
func HideIn(v any) any {
	if known.hide.Load() == nil {
		return v
	}
	switch x := v.(type) {
	case string:
		return Hide(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = HideIn(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, item := range x {
			out[k] = HideIn(item)
		}
		return out
	}
	return v
}
