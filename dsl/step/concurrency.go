package step

import (
	"math"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Concurrency reads how many of n things are done at once: a number, -1 for all
// but one, 50%, all, unlimited, min(…), max(…), with + and - between. It is at
// least 1.
func Concurrency(text string, n int) (int, error) {
	p := &amount{text: text, n: float64(n)}
	v := p.sum(0)
	if p.space(); p.bad || p.i < len(p.text) {
		return 0, fault.New(fault.Invalid, "concurrency %q: expected a number, a part such as 50%%, all, -N, min(…), max(…), with + and - between", text)
	}
	return int(math.Max(1, math.Min(math.Floor(v), 1<<30))), nil
}

type amount struct {
	text string
	i    int
	n    float64
	bad  bool
}

func (p *amount) space() {
	for p.i < len(p.text) && p.text[p.i] == ' ' {
		p.i++
	}
}

func (p *amount) next(c byte) bool {
	if p.space(); p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *amount) sum(depth int) float64 {
	if depth > 10 {
		p.bad = true
		return 0
	}
	var v float64
	if p.next('-') {
		v = p.n - p.term(depth) // all but so many
	} else {
		v = p.term(depth)
	}
	for !p.bad {
		switch {
		case p.next('+'):
			v += p.term(depth)
		case p.next('-'):
			v -= p.term(depth)
		default:
			return v
		}
	}
	return v
}

func (p *amount) term(depth int) float64 {
	p.space()
	start := p.i
	for p.i < len(p.text) && strings.IndexByte(" +-(),%", p.text[p.i]) < 0 {
		p.i++
	}
	switch word := p.text[start:p.i]; word {
	case "all":
		return p.n
	case "unlimited":
		return math.Max(p.n, 1)
	case "min", "max":
		return p.pick(word, depth)
	default:
		v, err := strconv.ParseFloat(word, 64)
		if p.bad = p.bad || err != nil; p.next('%') {
			v = v / 100 * p.n
		}
		return v
	}
}

func (p *amount) pick(word string, depth int) float64 {
	if !p.next('(') {
		p.bad = true
		return 0
	}
	v := p.sum(depth + 1)
	for !p.bad && p.next(',') {
		other := p.sum(depth + 1)
		if word == "min" {
			v = math.Min(v, other)
		} else {
			v = math.Max(v, other)
		}
	}
	p.bad = p.bad || !p.next(')')
	return v
}
