package transform

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// notation is how the operators json, yaml and bash read and write text.
type notation struct {
	write func(l *Limits, v any) (string, error)
	read  func(l *Limits, text string) (any, error)
	only  func(text string) string // the part of a text that counts
}

func whole(text string) string { return text }

func readJSON(s *statement) operator {
	return s.notation(notation{writeJSON, parseJSON, whole}, "json")
}

func readYAML(s *statement) operator {
	return s.notation(notation{writeYAML, parseYAML, lastDocument}, "yaml")
}

// notation reads what json and yaml are to do:
//
//	string  text as it is, anything else written
//	parse   text read, anything else written and read
//	encode  anything written, text too
//
// and without a word, text read, and anything else as it is.
func (s *statement) notation(n notation, name string) operator {
	set := s.only("string", "parse", "encode", name)
	s.exclude(set, "parse", "string")
	s.exclude(set, "parse", "encode")
	return func(c *call, v any) (any, error) {
		text, isText := v.(string)
		if isText && !set["encode"] {
			if text = n.only(text); set["string"] {
				return text, nil
			}
			return n.read(c.lim, text)
		}
		if !set["encode"] && !set["string"] && !set["parse"] {
			return c.lim.document(v)
		}
		out, err := n.write(c.lim, v)
		if err != nil || !set["parse"] {
			return out, err
		}
		return n.read(c.lim, out)
	}
}

func writeJSON(l *Limits, v any) (string, error) {
	v, err := l.document(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", invalid("%w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func parseJSON(l *Limits, text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if err == io.EOF {
			return nil, invalid("the text is empty, expected JSON")
		}
		return nil, invalid("%s is no JSON: %w", shown(text), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("%s is no JSON: there is more behind the first value", shown(text))
	}
	if _, err := l.document(v); err != nil {
		return nil, err
	}
	return coerce.Plain(v), nil
}

// writeYAML writes a value in block style. The line end of what is one line, or
// ends in a quote, is left out.
func writeYAML(l *Limits, v any) (string, error) {
	v, err := l.document(v)
	if err != nil {
		return "", err
	}
	text := yamlpos.Format(yamlpos.FromAny(v, yamlpos.Pos{}))
	short := strings.TrimSuffix(text, "\n")
	if !strings.Contains(short, "\n") || strings.HasSuffix(short, `"`) || strings.HasSuffix(short, "'") {
		return short, nil
	}
	return text, nil
}

func parseYAML(l *Limits, text string) (any, error) {
	n, err := yamlpos.Parse("", []byte(text), yamlpos.Limits{Bytes: l.Text, Depth: l.Depth})
	if err != nil {
		return nil, invalid("%s is no YAML: %w", shown(text), err)
	}
	return n.Any(), nil
}

// lastDocument gives what is behind the last line of three dashes, so that a
// script may print what it likes before.
func lastDocument(text string) string {
	for end := len(text); ; {
		start := strings.LastIndexByte(text[:end], '\n') + 1
		if line := strings.TrimRight(text[start:end], " \t\r"); line == "---" {
			return strings.TrimPrefix(text[end:], "\n")
		}
		if start == 0 {
			return text
		}
		end = start - 1
	}
}

// readBash reads how a value becomes a word of a shell: text as it is or, with
// encode, written as JSON; anything else as JSON.
func readBash(s *statement) operator {
	set := s.only("string", "encode", "json", "bash")
	return func(c *call, v any) (any, error) {
		text, isText := v.(string)
		if !isText || set["encode"] {
			var err error
			if text, err = writeJSON(c.lim, v); err != nil {
				return nil, err
			}
		}
		return quoteBash(text), nil
	}
}

// inDoubleQuotes escapes what means something between double quotes. History
// expansion knows no escape there, so its mark stands in quotes of its own.
var inDoubleQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`", `!`, `"'!'"`)

func quoteBash(text string) string { return `"` + inDoubleQuotes.Replace(text) + `"` }
