package coerce

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// list converts to a list or set. Text is a list in brackets or values with
// commas between them; any other value is a list of itself.
func (k *kind) list(v any) (any, error) {
	var items []any
	switch v := v.(type) {
	case []any:
		items = v
	case string:
		parsed, err := listText(v)
		if err != nil {
			return nil, wrong(v, k.name, "%s", err)
		}
		items = parsed
	case map[string]any:
		return nil, wrong(v, k.name, "it is a map")
	case time.Duration, time.Time:
		return nil, wrong(v, k.name, "")
	default:
		items = []any{v}
	}
	out := make([]any, 0, len(items))
	seen := map[string]bool{} // of a set
	for i, item := range items {
		converted, err := k.elem.convert(plain(item, 0))
		if err != nil {
			return nil, fault.Wrap(err, "item "+strconv.Itoa(i+1)+" of the "+k.name, "")
		}
		if k.name == "set" {
			key := fmt.Sprintf("%T %s", converted, Text(converted))
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		out = append(out, converted)
	}
	return out, nil
}

// table converts to a map. Text is a map in braces, or "key: value" or
// key=value with commas between them.
func (k *kind) table(v any) (any, error) {
	var entries map[string]any
	switch v := v.(type) {
	case map[string]any:
		entries = v
	case string:
		parsed, err := mapText(v)
		if err != nil {
			return nil, wrong(v, "map", "%s", err)
		}
		entries = parsed
	default:
		return nil, wrong(v, "map", `expected a map or text such as "{a: 1, b: 2}"`)
	}
	out := make(map[string]any, len(entries))
	for key, value := range entries {
		converted, err := k.elem.convert(plain(value, 0))
		if err != nil {
			return nil, fault.Wrap(err, "key "+strconv.Quote(key), "")
		}
		out[key] = converted
	}
	return out, nil
}

func listText(text string) ([]any, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	p := flow{text: text}
	if text[0] == '[' {
		v, err := p.document()
		if err != nil {
			return nil, err
		}
		return v.([]any), nil
	}
	return p.words()
}

func mapText(text string) (map[string]any, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		text = "{" + text + "}"
	}
	p := flow{text: text, equals: true}
	v, err := p.document()
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil
}
