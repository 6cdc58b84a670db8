package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The verbs of affinity rules.
const (
	verbType        = "TYPE"
	verbName        = "NAME"
	verbID          = "ID"
	verbApplication = "APPLICATION"
	verbPredicate   = "PREDICATE"
	verbEmpty       = "EMPTY"
)

var verbs = []string{verbType, verbName, verbID, verbApplication, verbPredicate, verbEmpty}

// rule is one affinity rule:
//
//	[NOT | SAME] [ANY | ALL] VERB [PARAMETER]
//
// with the first two in any order. ALL is the default: every entity on the
// host must satisfy it. NOT before ANY or ALL negates the whole rule, and
// behind it, or without one, what is asked of each entity.
type rule struct {
	text  string // as it was written
	verb  string
	param string // "" for that of the entity that is placed
	not   bool   // an entity satisfies it by not having the property
	any   bool   // one entity on the host is enough
}

// ruleError is what is wrong with a rule.
type ruleError struct {
	text   string // the rule
	column int    // in it, from 1, in characters
	what   string
}

func (e *ruleError) Error() string {
	return "column " + strconv.Itoa(e.column) + " of " + display(e.text) + ": " + e.what
}

// word is one of a rule; quoted ones are never keywords.
type word struct {
	text   string
	column int
	quoted bool
}

func (w word) is(keyword string) bool { return !w.quoted && strings.EqualFold(w.text, keyword) }

// readRules reads rules that commas or line ends separate. The error is a
// *ruleError.
func readRules(text string) ([]rule, error) {
	var rules []rule
	for _, part := range splitRules(text) {
		r, err := readRule(part)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	if len(rules) == 0 {
		return nil, &ruleError{text: text, column: 1, what: "expected a rule"}
	}
	return rules, nil
}

// splitRules cuts at commas and line ends outside of quotes, and drops what is
// blank.
func splitRules(text string) []string {
	var parts []string
	quoted, from := false, 0
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' || c == ',' && !quoted:
			add(text[from:i])
			quoted, from = false, i+1
		}
	}
	add(text[from:])
	return parts
}

// words cuts a rule at its blanks.
func words(text string) ([]word, error) {
	var out []word
	column := 0
	for rest := text; rest != ""; {
		c, size := utf8.DecodeRuneInString(rest)
		column++
		if unicode.IsSpace(c) {
			rest = rest[size:]
			continue
		}
		end, skip := strings.IndexFunc(rest, unicode.IsSpace), 0
		if c == '"' {
			if end = strings.IndexByte(rest[1:], '"'); end < 0 {
				return nil, &ruleError{text: text, column: column, what: "the quote is not closed"}
			}
			rest, skip = rest[1:], 1
		} else if end < 0 {
			end = len(rest)
		}
		w := word{text: rest[:end], column: column, quoted: skip == 1}
		out = append(out, w)
		rest = rest[end+skip:]
		column += utf8.RuneCountInString(w.text) + 2*skip - 1
	}
	return out, nil
}

// ruleReader reads the words of one rule.
type ruleReader struct {
	rule
	words         []word
	negated, same bool
	quantified    bool
}

func (r *ruleReader) fail(column int, what string) error {
	return &ruleError{text: r.text, column: column, what: what}
}

// end is the column behind the last word.
func (r *ruleReader) end() int { return utf8.RuneCountInString(r.text) + 1 }

func readRule(text string) (rule, error) {
	r := &ruleReader{rule: rule{text: text}}
	var err error
	if r.words, err = words(text); err != nil {
		return rule{}, err
	}
	for len(r.words) > 0 {
		more, err := r.modifier(r.words[0])
		if err != nil {
			return rule{}, err
		}
		if !more {
			break
		}
		r.words = r.words[1:]
	}
	if err := r.verbAndParameter(); err != nil {
		return rule{}, err
	}
	return r.rule, nil
}

// modifier takes NOT, SAME, ANY or ALL; more is false for anything else.
func (r *ruleReader) modifier(w word) (more bool, err error) {
	switch {
	case w.is("NOT"):
		if r.negated || r.same {
			return false, r.fail(w.column, "only one of NOT and SAME may stand in a rule, once")
		}
		r.negated, r.not = true, true
	case w.is("SAME"):
		if r.negated || r.same {
			return false, r.fail(w.column, "only one of NOT and SAME may stand in a rule, once")
		}
		r.same = true
	case w.is("ANY"), w.is("ALL"):
		if r.quantified {
			return false, r.fail(w.column, "only one of ANY and ALL may stand in a rule, once")
		}
		// "NOT ANY x" says the same as "ALL NOT x".
		r.quantified, r.any = true, w.is("ANY") != r.negated
	default:
		return false, nil
	}
	return true, nil
}

func (r *ruleReader) verbAndParameter() error {
	if len(r.words) == 0 {
		return r.fail(r.end(), "expected "+alternatives(verbs))
	}
	first := r.words[0]
	for _, v := range verbs {
		if first.is(v) {
			r.verb = v
		}
	}
	if r.verb == "" {
		return r.fail(first.column, display(first.text)+" is none of "+alternatives(verbs)+hint(first.text))
	}
	if r.verb == verbEmpty && (r.same || r.quantified) {
		return r.fail(first.column, "EMPTY is about the host: SAME, ANY and ALL do not go with it")
	}
	rest := r.words[1:]
	if len(rest) > 0 && r.verb != verbEmpty {
		if r.param = rest[0].text; r.param == "" {
			return r.fail(rest[0].column, "expected more than an empty text")
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return r.fail(rest[0].column, "nothing may follow here, got "+display(rest[0].text)+"; text with blanks stands in double quotes")
	}
	switch {
	case r.verb == verbName && r.param == "":
		return r.fail(r.end(), "NAME needs the text that names contain")
	case r.verb == verbPredicate:
		return r.fail(first.column, "PREDICATE and its expression need a line of their own, in the config of a location, an entity or a strategy")
	}
	return nil
}

func alternatives(list []string) string {
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// hint names the keyword that was meant, if that can be told.
func hint(text string) string {
	if len(text) > 2*len(verbApplication) {
		return ""
	}
	best, least := "", 3
	for _, keyword := range append([]string{"NOT", "SAME", "ANY", "ALL"}, verbs...) {
		if d := distance(strings.ToUpper(text), keyword); d < least && d < len(keyword)-1 {
			best, least = keyword, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance counts the characters to insert, delete, replace or swap.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(last[j]+cost, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last = last, next
	}
	return last[len(b)]
}
