package engine

import (
	"context"
	"encoding/json"
	"mime"
	"path"
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// format finds the type that reads a request's text; nil is a blueprint in
// YAML.
func (e *Engine) format(r Request) (*catalog.Type, error) {
	if r.Format != "" && r.Format != "auto" && r.Format != "brooklyn-camp" {
		t, err := e.types.Load().Get(catalog.Format, r.Format)
		if t = e.reads(t, r.Format); t == nil {
			return nil, fault.New(fault.Invalid, "unknown blueprint format %q; expected brooklyn-camp, or a type of kind format: %w", r.Format, err)
		}
		return t, nil
	}
	if r.Format == "brooklyn-camp" {
		return nil, nil
	}
	kind, _, _ := mime.ParseMediaType(r.MediaType)
	if t := e.reads(nil, kind); t != nil {
		return t, nil
	}
	return e.reads(nil, path.Ext(r.File)), nil
}

// reads gives t, or else the format that reads a media type or extension.
func (e *Engine) reads(t *catalog.Type, word string) *catalog.Type {
	if t != nil || word == "" {
		return t
	}
	for _, other := range e.types.Load().Types() { // the best version of a name comes first
		if other.Kind == catalog.Format && !other.Disabled && slices.Contains(other.Formats, word) {
			return other
		}
	}
	return nil
}

// translate has a format read a text, and gives the blueprint as JSON, which
// is YAML.
func translate(ctx context.Context, t *catalog.Type, file string, text []byte) ([]byte, error) {
	parsed, err := t.Format(ctx, &hook.ParseCall{File: file, Text: string(text)})
	if err != nil {
		return nil, err
	}
	var errs yamlpos.Errors
	for _, e := range parsed.Errors {
		errs.Add(yamlpos.Pos{File: file, Line: e.Line, Col: e.Column}, "%s", e.Message)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return json.Marshal(parsed.Blueprint)
}
