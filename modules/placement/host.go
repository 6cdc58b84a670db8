package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	hostnameKey = "docker.constraint.hostname"
	labelsKey   = "docker.constraint.labels"
)

func hostnameType() gowanus.Type {
	return strategy("hostname", "basic.HostnamePlacementStrategy", hostname, gowanus.Type{
		Description: "refuses hosts whose names do not match",
		Columns:     []string{"name", "id"},
		Config: []gowanus.ConfigKey{{
			Name: hostnameKey, Flags: []string{"hostname"}, Type: "string", Required: true,
			Description: "regular expression for the whole host name, or for the name that the location gives the host",
		}},
	})
}

func hostname(in *gowanus.Hosts, out *gowanus.Ranking) {
	text := in.Config.String(hostnameKey)
	if _, err := regexp.Compile(text); err != nil { // alone, because brackets may close what is put around it
		cause := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		invalid(out, hostnameKey, hostnameKey+": "+display(text)+" is no regular expression: "+cause)
		return
	}
	pattern, err := regexp.Compile(`^(?:` + text + `)$`)
	if err != nil {
		invalid(out, hostnameKey, hostnameKey+": "+err.Error())
		return
	}
	names, ids := in.Strings("name"), in.Strings("id")
	for i := range in.Len() {
		if pattern.MatchString(names.At(i)) || pattern.MatchString(ids.At(i)) {
			continue
		}
		name := names.At(i)
		if name == "" {
			name = ids.At(i)
		}
		out.Refuse(i, "its name "+name+" does not match "+text)
	}
}

func labelType() gowanus.Type {
	return strategy("label", "basic.LabelPlacementStrategy", label, gowanus.Type{
		Description: "refuses hosts without the labels",
		Columns:     []string{"label:{" + labelsKey + "}"},
		Config: []gowanus.ConfigKey{{
			Name: labelsKey, Flags: []string{"labels"}, Type: "list", Default: []any{},
			Description: "what the labels of a host must be: KEY, KEY=VALUE, !KEY, KEY!=VALUE",
		}},
	})
}

// wanted is one condition on a label.
type wanted struct {
	key    string
	value  string
	valued bool // it asks for a value, not for the label alone
	not    bool
	values gowanus.Strings

	seen    []refusal                 // the first few values that were refused
	reasons map[string]gowanus.Reason // of the others
}

// refusal is why a value is not accepted.
type refusal struct {
	value string
	why   gowanus.Reason
}

// maxSeen is up to how many values looking through them beats a map.
const maxSeen = 8

// refuse gives the reason why a value is not accepted. Hosts share them.
func (w *wanted) refuse(value string, out *gowanus.Ranking) gowanus.Reason {
	for k := range w.seen {
		if w.seen[k].value == value {
			return w.seen[k].why
		}
	}
	if why, known := w.reasons[value]; known {
		return why
	}
	why := out.Reason(w.reason(value))
	value = strings.Clone(value) // it is a view of the input
	if len(w.seen) < maxSeen {
		w.seen = append(w.seen, refusal{value, why})
	} else {
		w.reasons[value] = why
	}
	return why
}

// readLabel reads KEY, KEY=VALUE, KEY!=VALUE, or one of these after ! or NOT.
func readLabel(text string) (wanted, error) {
	var w wanted
	rest := strings.TrimSpace(text)
	if bare, ok := strings.CutPrefix(rest, "!"); ok {
		w.not, rest = true, bare
	} else if word, bare, ok := strings.Cut(rest, " "); ok && strings.EqualFold(word, "not") {
		w.not, rest = true, bare
	}
	w.key, w.value, w.valued = strings.Cut(rest, "=")
	if key, ok := strings.CutSuffix(w.key, "!"); ok && w.valued {
		w.key, w.not = key, !w.not
	}
	w.key, w.value = strings.TrimSpace(w.key), strings.TrimSpace(w.value)
	if w.key == "" || strings.ContainsAny(w.key, " \t!") {
		return w, errors.New(display(text) + ": expected KEY, KEY=VALUE, !KEY or KEY!=VALUE")
	}
	return w, nil
}

func label(in *gowanus.Hosts, out *gowanus.Ranking) {
	var all []wanted
	for i, item := range in.Config.List(labelsKey) {
		text, ok := item.(string)
		at := element(labelsKey, i)
		if !ok {
			invalid(out, at, at+": expected text, got "+display(item))
			return
		}
		w, err := readLabel(text)
		if err != nil {
			invalid(out, at, at+": "+err.Error())
			return
		}
		w.values, w.reasons = in.Strings("label:"+w.key), map[string]gowanus.Reason{}
		all = append(all, w)
	}
	for i := range in.Len() {
		for k := range all {
			if w, value := &all[k], all[k].values.At(i); !w.accepts(value) {
				out.RefuseFor(i, w.refuse(value, out))
				break
			}
		}
	}
}

// accepts judges the value of a host's label, "" for none.
func (w *wanted) accepts(value string) bool {
	if w.valued {
		return (value == w.value && value != "") != w.not
	}
	return (value != "") != w.not
}

// reason says why a value is not accepted.
func (w *wanted) reason(value string) string {
	switch {
	case value == "" && w.valued:
		return "it has no label " + w.key + ", expected " + w.value
	case value == "":
		return "it has no label " + w.key
	case !w.valued:
		return "it has the label " + w.key
	case w.not:
		return "its label " + w.key + " is " + value
	}
	return "its label " + w.key + " is " + value + ", expected " + w.value
}
