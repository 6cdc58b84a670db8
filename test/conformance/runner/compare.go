package main

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// equal compares an expected value of a case with one of the server.
func (r *caseRun) equal(want, got any) error {
	if r.same(want, got) {
		return nil
	}
	w, _ := json.Marshal(want) // both came from JSON
	g, _ := json.Marshal(got)
	return fmt.Errorf("got %s, want %s", g, w)
}

func (r *caseRun) same(want, got any) bool {
	switch w := want.(type) {
	case nil:
		return got == nil
	case map[string]any:
		if special, is := r.special(w, got); is {
			return special
		}
		return r.sameMap(w, got)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !r.same(w[i], g[i]) {
				return false
			}
		}
		return true
	case string, bool:
		return got == want
	}
	return sameNumber(want, got)
}

func (r *caseRun) sameMap(want map[string]any, got any) bool {
	g, ok := got.(map[string]any)
	if !ok || len(g) != len(want) {
		return false
	}
	for k, x := range want {
		if y, ok := g[k]; !ok || !r.same(x, y) {
			return false
		}
	}
	return true
}

// special compares the forms {$entity: LOC}, {$entity_id: LOC} and {$set: [...]}.
func (r *caseRun) special(want map[string]any, got any) (same, is bool) {
	if len(want) != 1 {
		return false, false
	}
	for key, arg := range want {
		switch key {
		case "$entity", "$entity_id":
			e, err := r.find(fmt.Sprint(arg))
			if err != nil {
				return false, true
			}
			if key == "$entity_id" {
				return got == e.id, true
			}
			text, _ := json.Marshal(got)
			return strings.Contains(string(text), e.id), true
		case "$set":
			w, _ := arg.([]any)
			g, ok := got.([]any)
			return ok && len(w) == len(g) && r.sameSet(w, g), true
		}
	}
	return false, false
}

func (r *caseRun) sameSet(want, got []any) bool {
	used := make([]bool, len(got))
next:
	for _, w := range want {
		for i, g := range got {
			if !used[i] && r.same(w, g) {
				used[i] = true
				continue next
			}
		}
		return false
	}
	return true
}

// sameNumber compares numbers by value: 1 is 1.0. A text is never a number.
func sameNumber(want, got any) bool {
	n, ok := got.(json.Number)
	if !ok {
		return false
	}
	g, err1 := n.Float64()
	w, err2 := strconv.ParseFloat(fmt.Sprint(want), 64)
	return err1 == nil && err2 == nil && (w == g || math.Abs(w-g) < 1e-9*math.Abs(w))
}

// matchError checks that err is there and that its text holds every expected
// part, whatever the case of the letters.
func matchError(what string, err error, want any) error {
	if err == nil {
		return fmt.Errorf("%s succeeded, an error with %v was expected", what, want)
	}
	text := strings.ToLower(err.Error())
	for _, part := range texts(want) {
		if !strings.Contains(text, strings.ToLower(part)) {
			return fmt.Errorf("%s failed with %q, want %q in it", what, oneLine(err.Error()), part)
		}
	}
	return nil
}

// matches checks that a pattern matches the whole of a text, or of the JSON
// of any other value.
func matches(pattern string, got any) error {
	s, ok := got.(string)
	if !ok {
		b, _ := json.Marshal(got)
		s = string(b)
	}
	re, err := regexp.Compile(`(?s)^(?:` + pattern + `)$`)
	if err != nil {
		return err
	}
	if !re.MatchString(s) {
		return fmt.Errorf("got %q, want a match of %q", s, pattern)
	}
	return nil
}
