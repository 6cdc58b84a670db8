package coerce

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// flow reads lists and maps in the flow style of YAML, of which JSON is a
// part: {a: 1, b: [x, "y z"]}. Text values in config and arguments hold
// nothing more than that; whole documents are for internal/yamlpos.
type flow struct {
	text   string
	at     int
	depth  int
	equals bool // "=" parts key and value too
}

var errEnd = errors.New("it ends too early")

func (p *flow) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *flow) peek() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// document reads one value that fills the whole text.
func (p *flow) document() (any, error) {
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.unexpected()
	}
	return v, nil
}

func (p *flow) unexpected() error {
	if p.space(); p.at >= len(p.text) {
		return errEnd
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("unexpected %q at character %d", r, utf8.RuneCountInString(p.text[:p.at])+1)
}

func (p *flow) value() (any, error) {
	switch p.peek() {
	case 0:
		return nil, errEnd
	case '[', '{':
		if p.depth++; p.depth > maxDepth {
			return nil, fmt.Errorf("it is nested more than %d deep", maxDepth)
		}
		defer func() { p.depth-- }()
		if p.text[p.at] == '[' {
			return p.list()
		}
		return p.table()
	case '"', '\'':
		return p.quoted()
	}
	word := p.word(",]}")
	if word == "" {
		return nil, p.unexpected()
	}
	return scalar(word), nil
}

func (p *flow) list() (any, error) {
	out := []any{}
	for p.at++; ; p.at++ {
		if p.peek() == ']' {
			p.at++
			return out, nil
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if c := p.peek(); c == ']' {
			p.at++
			return out, nil
		} else if c != ',' {
			return nil, p.unexpected()
		}
	}
}

func (p *flow) table() (any, error) {
	out := map[string]any{}
	for p.at++; ; p.at++ {
		if p.peek() == '}' {
			p.at++
			return out, nil
		}
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		var v any
		if c := p.peek(); c != ',' && c != '}' {
			if v, err = p.value(); err != nil {
				return nil, err
			}
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("key %q is set twice", key)
		}
		out[key] = v
		if c := p.peek(); c == '}' {
			p.at++
			return out, nil
		} else if c != ',' {
			return nil, p.unexpected()
		}
	}
}

// key reads a key with the ":" behind it.
func (p *flow) key() (string, error) {
	stops, key := ":", ""
	if p.equals && p.depth == 1 {
		stops = ":="
	}
	if c := p.peek(); c == '"' || c == '\'' {
		v, err := p.quoted()
		if err != nil {
			return "", err
		}
		key = v.(string)
	} else if key = p.word(",]}[{" + stops); key == "" {
		return "", p.unexpected()
	}
	if c := p.peek(); c == 0 || strings.IndexByte(stops, c) < 0 {
		return "", fmt.Errorf("expected \":\" after key %q", key)
	}
	p.at++
	return key, nil
}

// word reads plain text up to one of the bytes in stops. A ":" stops only
// before white space, so that URLs and times need no quotes.
func (p *flow) word(stops string) string {
	start := p.at
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if strings.IndexByte(stops, c) < 0 {
			continue
		}
		if c != ':' || p.at+1 == len(p.text) || strings.IndexByte(" \t\r\n,}", p.text[p.at+1]) >= 0 {
			break
		}
	}
	return strings.TrimSpace(p.text[start:p.at])
}

func (p *flow) quoted() (any, error) {
	quote, start := p.text[p.at], p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch {
		case p.text[p.at] == '\\' && quote == '"':
			p.at++
		case p.text[p.at] != quote:
		case quote == '\'' && strings.HasPrefix(p.text[p.at+1:], "'"):
			p.at++
		default:
			p.at++
			return unquote(p.text[start:p.at])
		}
	}
	return nil, errEnd
}

func unquote(text string) (any, error) {
	if text[0] == '\'' {
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), nil
	}
	if s, err := jsonString(text); err == nil {
		return s, nil
	}
	if s, err := strconv.Unquote(text); err == nil {
		return s, nil
	}
	return nil, fmt.Errorf("%s is not text in quotes", show(text))
}

// words reads values with commas between them as text, without their quotes.
// Where nothing stands between commas there is no value.
func (p *flow) words() ([]any, error) {
	var out []any
	for ; p.at <= len(p.text); p.at++ {
		var word any
		if c := p.peek(); c == '"' || c == '\'' {
			v, err := p.quoted()
			if err != nil {
				return nil, err
			}
			word = v
		} else if word = p.word(","); word == "" {
			continue
		}
		if c := p.peek(); c != 0 && c != ',' {
			return nil, p.unexpected()
		}
		out = append(out, word)
	}
	return out, nil
}
