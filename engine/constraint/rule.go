package constraint

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// subject is the value that is checked, and what stands around it.
type subject struct {
	ctx    context.Context
	key    string
	value  any
	state  State
	values Values
}

type verdict uint8

const (
	fine verdict = iota
	wrong
	unknown // it depends on what is Deferred
)

// outcome is a verdict; reason says what is wrong.
type outcome struct {
	verdict verdict
	reason  string
}

func isWrong(format string, args ...any) outcome {
	return outcome{wrong, fmt.Sprintf(format, args...)}
}

type rule func(s *subject) outcome

// present tells whether a value counts as set.
func present(v any, s State) bool { return s == Known && v != nil && v != "" }

func required(s *subject) outcome {
	switch {
	case s.state == Deferred:
		return outcome{verdict: unknown}
	case present(s.value, s.state):
		return outcome{}
	}
	return isWrong("a value is required")
}

func notNull(s *subject) outcome {
	switch {
	case s.state == Deferred:
		return outcome{verdict: unknown}
	case s.state == Unset || s.value == nil:
		return isWrong("it must not be null")
	}
	return outcome{}
}

func isBlank(s *subject) outcome {
	text, isText := s.value.(string)
	switch {
	case s.state == Deferred:
		return outcome{verdict: unknown}
	case s.state == Known && s.value != nil && (!isText || strings.TrimSpace(text) != ""):
		return isWrong("it must be blank")
	}
	return outcome{}
}

// all holds when each rule does; the first that is wrong counts.
func all(rules []rule) rule {
	return func(s *subject) outcome {
		var sum outcome
		for _, r := range rules {
			switch o := r(s); o.verdict {
			case wrong:
				return o
			case unknown:
				sum = o
			}
		}
		return sum
	}
}

// anyOf holds when one rule does.
func anyOf(rules []rule) rule {
	return func(s *subject) outcome {
		var reasons []string
		open := false
		for _, r := range rules {
			switch o := r(s); o.verdict {
			case fine:
				return o
			case wrong:
				reasons = append(reasons, o.reason)
			case unknown:
				open = true
			}
		}
		if open {
			return outcome{verdict: unknown}
		}
		return isWrong("%s", strings.Join(reasons, ", and "))
	}
}

// crossing relates whether the value is set to whether one of other keys is:
// it is wrong when they are as given.
func crossing(others []string, whenSet, whenOther bool, reason string) rule {
	return func(s *subject) outcome {
		if s.state != Deferred && present(s.value, s.state) != whenSet {
			return outcome{}
		}
		set, open := false, false
		for _, other := range others {
			v, state := s.values(other)
			set = set || present(v, state)
			open = open || state == Deferred
		}
		open = open && !set
		switch {
		case set != whenOther && !open:
			return outcome{}
		case open || s.state == Deferred:
			return outcome{verdict: unknown}
		}
		return isWrong("%s", reason)
	}
}

// matching tests a predicate on the value; reason says what a value is that
// fails.
func matching(p *predicate.Predicate, reason string) rule {
	return func(s *subject) outcome {
		value := s.value
		switch {
		case s.state == Deferred:
			return outcome{verdict: unknown}
		case s.state == Unset || value == nil:
			if !p.AboutAbsence() {
				return outcome{}
			}
			if s.state == Unset {
				value = predicate.Missing{}
			}
		}
		ok, err := p.Test(s.ctx, predicate.Subject{Value: value, Env: env{s}})
		switch {
		case errors.Is(err, errDeferred):
			return outcome{verdict: unknown}
		case err != nil:
			return isWrong("%s", err)
		case ok:
			return outcome{}
		}
		return isWrong("%s %s", s.shown(), reason)
	}
}

// maxShown is how much of a value a reason quotes, in bytes.
const maxShown = 60

// shown quotes the value, unless it is a secret.
func (s *subject) shown() string {
	if secret.Named(s.key) {
		return "the value"
	}
	if s.state == Unset {
		return "no value"
	}
	text := coerce.Text(secret.Mask("", s.value))
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	if _, ok := s.value.(string); ok {
		return strconv.Quote(text)
	}
	return text
}
