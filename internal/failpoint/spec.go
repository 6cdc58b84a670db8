package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const expected = "expected name=[N*]kill, error, error(text), sleep(duration) or pause, or record=FILE, joined by commas"

// action is what one entry of a spec wants done at a point.
type action struct {
	nth   int    // at this hit only; 0 is every one
	verb  string // kill, error, sleep, pause
	text  string // of an error
	delay time.Duration
}

func parse(spec string) (*set, error) {
	if strings.TrimSpace(spec) == "" {
		return nil, nil
	}
	s := &set{actions: map[string][]action{}, hits: map[string]int{}, resumed: make(chan struct{})}
	recordTo := ""
	for _, entry := range split(spec) {
		name, what, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok || name == "" || what == "" || strings.ContainsAny(name, " \t\n(*)") {
			return nil, fmt.Errorf("failpoint %q: %s", entry, expected)
		}
		if name == "record" {
			recordTo = what
			continue
		}
		a, err := parseAction(what)
		if err != nil {
			return nil, fmt.Errorf("failpoint %q: %w", entry, err)
		}
		s.actions[name] = append(s.actions[name], a)
	}
	if recordTo != "" {
		file, err := os.OpenFile(recordTo, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("failpoint: open the record: %w", err)
		}
		s.record = file
	}
	return s, nil
}

// split cuts at the commas that stand outside parentheses.
func split(spec string) []string {
	var entries []string
	depth, start := 0, 0
	for i, c := range spec {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			entries = append(entries, spec[start:i])
			start = i + 1
		}
	}
	return append(entries, spec[start:])
}

func parseAction(what string) (action, error) {
	var a action
	if count, rest, ok := strings.Cut(what, "*"); ok && !strings.Contains(count, "(") {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return a, fmt.Errorf("count %q is not a whole number from 1; %s", count, expected)
		}
		a.nth, what = n, rest
	}
	verb, argument, has := strings.Cut(what, "(")
	if has {
		inner, ok := strings.CutSuffix(argument, ")")
		if !ok {
			return a, fmt.Errorf("the parenthesis is not closed; %s", expected)
		}
		argument = inner
	}
	a.verb = verb
	switch {
	case verb == "error":
		a.text = argument
	case verb == "sleep":
		delay, err := time.ParseDuration(argument)
		if err != nil || delay < 0 {
			return a, fmt.Errorf("%q is not a duration like 100ms; %s", argument, expected)
		}
		a.delay = delay
	case (verb == "kill" || verb == "pause") && !has:
	default:
		return a, fmt.Errorf("cannot do %q; %s", what, expected)
	}
	return a, nil
}
