package step

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Replayable says where a workflow may be gone back to.
type Replayable struct {
	Point         bool // here, or for a workflow at its start
	Only          bool // and at no place before
	Reset         bool // nothing before can be gone back to any more
	Automatically bool // an interrupted run goes back by itself
	Enabled       Tri  // No: never
}

func (p *parser) replayable(n *yamlpos.Node, workflow bool) Replayable {
	var r Replayable
	if n == nil {
		return r
	}
	known := []string{"from", "start", "here", "only", "automatically", "enabled", "disabled", "reset", "yes", "no", "true", "false", "on", "off"}
	for _, word := range strings.Fields(strings.ToLower(n.Text)) {
		switch word {
		case "from":
		case "start", "here":
			if word == "start" && !workflow {
				p.add(n, "replayable: a step is replayable from here, a workflow from start")
			}
			r.Point = true
		case "only":
			r.Only = true
		case "automatically":
			r.Automatically = true
		case "reset":
			r.Reset = true
		case "enabled", "yes", "true", "on":
			r.Enabled = Yes
		case "disabled", "no", "false", "off":
			r.Enabled = No
		default:
			p.add(n, "replayable: unknown word %q%s; expected: from start, from here, from here only, automatically, reset, enabled, disabled", word, nearest.Hint(word, known))
		}
	}
	return r
}

// Retention says which ended runs are kept. The zero value keeps none.
type Retention struct {
	Hash  *expr.Template // runs of one hash count together; nil: those of one workflow
	Count int            // the newest so many; -1 is no bound by count
	Age   time.Duration  // those that ended so long ago at most; -1 is no bound by age
	Any   []Retention    // max: kept when one of these keeps it; Count and Age do not count then
	All   []Retention    // min: kept when each of these does
}

// Keeps tells whether a run is kept of which so many newer ones there are, and
// which ended so long ago.
func (r *Retention) Keeps(newer int, age time.Duration) bool {
	switch {
	case r.Any != nil:
		return slices.ContainsFunc(r.Any, func(x Retention) bool { return x.Keeps(newer, age) })
	case r.All != nil:
		return !slices.ContainsFunc(r.All, func(x Retention) bool { return !x.Keeps(newer, age) })
	}
	return (r.Count < 0 || newer < r.Count) && (r.Age < 0 || age <= r.Age)
}

// DefaultRetention keeps the three newest.
func DefaultRetention() Retention { return Retention{Count: 3, Age: -1} }

// ParseRetention reads words such as "3", "1d", "forever", "min(5, 1h)",
// "disabled", "2 hash x".
func ParseRetention(s string) (*Retention, error) {
	p := newParser(nil, Limits{})
	r := p.retention(&yamlpos.Node{Kind: yamlpos.Scalar, Value: s, Text: s})
	return r, p.errs.Err()
}

func (p *parser) retention(n *yamlpos.Node) *Retention {
	if n == nil {
		return nil
	}
	line, hash, hashed := strings.Cut(" "+n.Text+" ", " hash ")
	var r Retention
	ok := true
	// What is shown of a run for longer than it can be gone back to is all kept here.
	for _, w := range []string{" soft ", " hard "} {
		line = strings.ReplaceAll(line, w, " ")
	}
	if line = strings.TrimSpace(line); line == "" {
		r = DefaultRetention()
	} else if r, ok = keep(line, 0); !ok {
		p.add(n, "retention %q: expected a number, a duration, forever, disabled, parent, context, system, min(…) or max(…)", n.Text)
		return nil
	}
	if hash = strings.TrimSpace(hash); hashed {
		r.Hash = p.template(&yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Scalar, Value: hash, Text: hash})
	}
	return &r
}

// keep reads one term of a retention.
func keep(s string, depth int) (Retention, bool) {
	s = strings.TrimSpace(s)
	for _, f := range []string{"min", "max"} {
		inner, is := strings.CutPrefix(s, f)
		if inner = strings.TrimSpace(inner); !is || !strings.HasPrefix(inner, "(") || !strings.HasSuffix(inner, ")") || depth > 5 {
			continue
		}
		var list []Retention
		for _, part := range splitTop(inner[1 : len(inner)-1]) {
			r, ok := keep(part, depth+1)
			if !ok {
				return r, false
			}
			list = append(list, r)
		}
		if f == "min" {
			return Retention{All: list}, len(list) > 0
		}
		return Retention{Any: list}, len(list) > 0
	}
	switch s {
	case "forever", "unlimited":
		return Retention{Count: -1, Age: -1}, true
	case "disabled", "none":
		return Retention{}, true
	case "parent", "context", "system", "default":
		return DefaultRetention(), true
	}
	if count, err := strconv.Atoi(s); err == nil && count >= 0 {
		return Retention{Count: count, Age: -1}, true
	}
	d, err := coerce.Duration(s)
	return Retention{Count: -1, Age: d}, err == nil && d >= 0
}

// splitTop parts a list at the commas that are in no brackets.
func splitTop(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, s[from:i]), i+1
			}
		}
	}
	return append(out, s[from:])
}

// Again is how a retry goes back.
type Again struct {
	Replay  Tri  // Yes and No as written; Unsaid by the rules
	Force   bool // also to what is not replayable
	Limits  []Limit
	Backoff *Backoff
	Hash    *expr.Template
}

// Limit bounds how often a retry happens.
type Limit struct {
	Count  int           // -1: as often as Within allows
	Within time.Duration // 0: ever; else in this last while, or with Count -1 since the first
	Text   string        // as written
}

// Backoff is how long a retry waits: the given times first, then longer and
// longer.
type Backoff struct {
	Initial []time.Duration
	Factor  float64 // the time before times this
	Plus    time.Duration
	Max     time.Duration // 0: no bound
	Jitter  float64       // up to this part of the time more or less
}

// Delay gives the wait before the n-th retry, n from 1; chance is in [0,1).
func (b *Backoff) Delay(n int, chance float64) time.Duration {
	if b == nil || len(b.Initial) == 0 {
		return 0
	}
	d := float64(b.Initial[min(n, len(b.Initial))-1])
	for range min(max(0, n-len(b.Initial)), 1000) {
		if b.Factor > 0 {
			d *= b.Factor
		}
		if d += float64(b.Plus); b.Max > 0 && d > float64(b.Max) {
			break
		}
	}
	if b.Max > 0 {
		d = min(d, float64(b.Max))
	}
	d += d * b.Jitter * (2*chance - 1)
	return time.Duration(min(d, float64(1<<62)))
}

func (p *parser) retry(s *Step) {
	r := &Again{}
	s.Retry = r
	if a := s.Args["replay"]; a.Raw != nil {
		switch word := strings.ToLower(text(a.Raw)); word {
		case "true", "yes":
			r.Replay = Yes
		case "false", "no":
			r.Replay = No
		case "force":
			r.Replay, r.Force = Yes, true
		default:
			p.add(a.Raw, "retry: invalid replay mode %q; expected true, false or force", word)
		}
	} else if a.Value != nil {
		r.Replay = Yes
	}
	for _, n := range each(s.rawText("limit")) {
		r.limit(p, n)
	}
	if n := s.rawText("backoff"); n != nil {
		r.Backoff = p.backoff(n)
	}
	if n := s.Args["hash"].Raw; n != nil {
		r.Hash = p.template(n)
	}
}

// rawText gives a key as written, whichever form it was written in.
func (s *Step) rawText(key string) *yamlpos.Node { return s.Args[key].Raw }

func each(n *yamlpos.Node) []*yamlpos.Node {
	switch {
	case n == nil || n.Kind == yamlpos.Null:
		return nil
	case n.Kind == yamlpos.List:
		return n.Items
	}
	return []*yamlpos.Node{n}
}

func (r *Again) limit(p *parser, n *yamlpos.Node) {
	count, within, isIn := strings.Cut(n.Text, " in ")
	l := Limit{Count: -1, Text: strings.TrimSpace(n.Text)}
	c, err := strconv.Atoi(strings.TrimSpace(count))
	if err == nil && c >= 0 {
		l.Count = c
	} else if isIn {
		p.add(n, "retry limit %q: expected N, a duration, or N in DURATION", n.Text)
		return
	} else {
		within = count
	}
	if isIn || err != nil {
		d, err := coerce.Duration(strings.TrimSpace(within))
		if err != nil || d < 0 {
			p.add(n, "retry limit %q: expected N, a duration, or N in DURATION", n.Text)
			return
		}
		l.Within = d
	}
	r.Limits = append(r.Limits, l)
}

// backoff reads "1ms 5ms increasing 2x up to 1s jitter 10%", or a map of
// initial, factor, increase, max and jitter.
func (p *parser) backoff(n *yamlpos.Node) *Backoff {
	line := n.Text
	if n.Kind == yamlpos.Map {
		line = ""
		for _, part := range []struct{ key, word string }{{"initial", ""}, {"factor", "increasing"}, {"increase", "increasing"}, {"max", "up to"}, {"jitter", "jitter"}} {
			for _, v := range each(n.Get(part.key)) {
				word := v.Text
				if part.key == "factor" && strings.Trim(word, "0123456789.") == "" {
					word += "x"
				}
				line += " " + part.word + " " + word
			}
		}
	}
	b := &Backoff{}
	if !b.read(strings.Fields(line)) {
		p.add(n, "retry backoff %q: expected DURATION… [increasing BY] [up to DURATION] [jitter PART], where BY is a factor 2x, a part 10%% or a duration", strings.TrimSpace(line))
	}
	return b
}

func (b *Backoff) read(words []string) bool {
	mode := ""
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch word {
		case "increasing", "jitter":
			mode = word
			continue
		case "by", "to":
			continue
		case "up":
			mode = "max"
			continue
		}
		if i+1 < len(words) && strings.Trim(word, "0123456789.") == "" && strings.Trim(words[i+1], "abcdefghijklmnopqrstuvwxyz") == "" && words[i+1] != "up" &&
			words[i+1] != "jitter" && words[i+1] != "increasing" {
			word += words[i+1] // "10 seconds"
			i++
		}
		if !b.term(mode, word) {
			return false
		}
	}
	return len(b.Initial) > 0
}

func (b *Backoff) term(mode, word string) bool {
	if mode == "jitter" || mode == "increasing" {
		if f, ok := factor(word); ok {
			if mode == "jitter" {
				b.Jitter = f
				if strings.HasSuffix(word, "%") {
					b.Jitter = f - 1
				}
			} else {
				b.Factor = f
			}
			return true
		}
	}
	d, err := coerce.Duration(word)
	if err != nil || d < 0 || mode == "jitter" {
		return false
	}
	switch mode {
	case "increasing":
		b.Plus = d
	case "max":
		b.Max = d
	default:
		b.Initial = append(b.Initial, d)
	}
	return true
}

// factor reads 2x, 1.5x and 10%, which is 1.1; a bare number is itself.
func factor(word string) (float64, bool) {
	if n, ok := strings.CutSuffix(word, "%"); ok {
		f, err := strconv.ParseFloat(n, 64)
		return 1 + f/100, err == nil
	}
	n, ok := strings.CutSuffix(word, "x")
	f, err := strconv.ParseFloat(n, 64)
	return f, err == nil && (ok || f < 1)
}
