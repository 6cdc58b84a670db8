package secret

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// shortest is the length, in bytes, from which on a value is hidden wherever
// it stands; shorter ones would hide what is no secret.
const shortest = 4

// learned are the values that Learn was given.
var learned struct {
	mu     sync.Mutex
	values map[string]bool
	hide   atomic.Pointer[strings.Replacer] // nil while there are none
}

// Learn remembers the texts in a value as secrets, for Hide. They are kept as
// long as the program runs.
func Learn(v any) {
	switch x := v.(type) {
	case string:
		learnText(x)
	case []any:
		for _, item := range x {
			Learn(item)
		}
	case map[string]any:
		for _, item := range x {
			Learn(item)
		}
	}
}

func learnText(s string) {
	if len(s) < shortest || s == "true" || s == "false" || s == "null" {
		return
	}
	learned.mu.Lock()
	defer learned.mu.Unlock()
	if learned.values[s] {
		return
	}
	if learned.values == nil {
		learned.values = map[string]bool{}
	}
	learned.values[s] = true
	// As it stands in JSON, in addresses and in headers.
	if text, err := json.Marshal(s); err == nil {
		learned.values[string(text[1:len(text)-1])] = true
	}
	learned.values[url.QueryEscape(s)] = true
	learned.values[base64.StdEncoding.EncodeToString([]byte(s))] = true
	// The longest first: one secret may be a part of another.
	all := slices.SortedFunc(maps.Keys(learned.values), func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(all))
	for _, v := range all {
		pairs = append(pairs, v, Suppressed)
	}
	learned.hide.Store(strings.NewReplacer(pairs...))
}

// Hide gives a text without the secrets that were learned.
func Hide(text string) string {
	if r := learned.hide.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// HideIn is Hide for all texts in a value, which is not changed.
func HideIn(v any) any {
	if learned.hide.Load() == nil {
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
