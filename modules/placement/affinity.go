package main

import (
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const rulesKey = "affinity.rules"

func affinityType() gowanus.Type {
	return strategy("affinity-rules", "affinity.DockerAffinityRuleStrategy", affinity, gowanus.Type{
		Description: "refuses hosts whose entities do not satisfy the rules",
		Columns:     []string{"entity.ids", "entity.names", "entity.types", "entity.applications", "label:" + rulesKey},
		Aliases:     []string{"brooklyn.location.affinity.DockerAffinityRuleStrategy", "brooklyn.location.docker.strategy.affinity.DockerAffinityRuleStrategy"},
		Config: []gowanus.ConfigKey{{
			Name: rulesKey, Flags: []string{"affinityRules", "rules"}, Type: "list",
			Description: "rules, all of which must hold; those of the entity, of the location and of the host count as well",
		}},
	})
}

func affinity(in *gowanus.Hosts, out *gowanus.Ranking) {
	var rules []rule
	for i, item := range in.Config.List(rulesKey) {
		text, ok := item.(string)
		at := element(rulesKey, i)
		if !ok {
			invalid(out, at, at+": expected text, got "+display(item))
			return
		}
		more, err := readRules(text)
		if err != nil {
			invalid(out, at, at+": "+err.Error())
			return
		}
		rules = append(rules, more...)
	}
	j := judge{placed: in.Entity, own: map[string]ownRules{}, hosts: residents{
		ids: in.Strings("entity.ids"), names: in.Strings("entity.names"), types: in.Strings("entity.types"), applications: in.Strings("entity.applications"),
	}}
	labels := in.Strings("label:" + rulesKey)
	for i := range in.Len() {
		reason := j.refuses(i, rules)
		if text := labels.At(i); text != "" && reason == "" {
			own := j.rulesOf(text)
			if reason = own.problem; reason == "" {
				reason = j.refuses(i, own.rules)
			}
		}
		if reason != "" {
			out.Refuse(i, reason)
		}
	}
}

// residents are the columns that tell what runs on the hosts: a line each.
type residents struct{ ids, names, types, applications gowanus.Strings }

// ownRules are those of a host's label.
type ownRules struct {
	rules   []rule
	problem string
}

type judge struct {
	placed gowanus.Ref
	hosts  residents
	own    map[string]ownRules // by text, because many hosts have the same
	last   struct {
		rule *rule
		line string
		has  bool
	}
}

func (j *judge) rulesOf(text string) ownRules {
	own, known := j.own[text]
	if !known {
		var err error
		if own.rules, err = readRules(text); err != nil {
			own.problem = "its label " + rulesKey + " cannot be read: " + err.Error()
		}
		j.own[strings.Clone(text)] = own
	}
	return own
}

// refuses says which rule host i breaks, or nothing.
func (j *judge) refuses(i int, rules []rule) string {
	if len(rules) == 0 {
		return ""
	}
	empty := j.hosts.ids.At(i) == ""
	for k := range rules {
		r := &rules[k]
		if r.verb == verbEmpty {
			if empty && r.not {
				return "runs nothing, against the rule " + r.text
			}
			continue
		}
		if empty {
			continue
		}
		if reason := j.breaks(i, r); reason != "" {
			return reason
		}
	}
	return ""
}

// breaks asks a rule about what runs on host i.
func (j *judge) breaks(i int, r *rule) string {
	lines := j.column(r).At(i)
	for k := 0; ; k++ {
		// Entities on a host often are alike: the last answer holds as long as
		// its line does.
		n := len(j.last.line)
		if j.last.rule != r || len(lines) < n || lines[:n] != j.last.line || len(lines) > n && lines[n] != '\n' {
			line, _, _ := strings.Cut(lines, "\n")
			n = len(line)
			j.last.rule, j.last.line, j.last.has = r, line, j.has(r, line)
		}
		switch ok := j.last.has != r.not; {
		case ok && r.any:
			return ""
		case !ok && !r.any:
			return "runs " + nth(j.hosts.names.At(i), k) + " (" + nth(j.hosts.types.At(i), k) + "), against the rule " + r.text
		}
		if len(lines) == n {
			break
		}
		lines = lines[n+1:]
	}
	if r.any {
		return "nothing that it runs satisfies the rule " + r.text
	}
	return ""
}

// nth gives one of the lines of a text.
func nth(lines string, n int) string {
	for range n {
		_, lines, _ = strings.Cut(lines, "\n")
	}
	line, _, _ := strings.Cut(lines, "\n")
	return line
}

// column gives what a rule asks about.
func (j *judge) column(r *rule) gowanus.Strings {
	switch r.verb {
	case verbType:
		return j.hosts.types
	case verbName:
		return j.hosts.names
	case verbID:
		return j.hosts.ids
	}
	return j.hosts.applications
}

// has tells whether an entity has the property of a rule, by its line in the
// rule's column.
func (j *judge) has(r *rule, line string) bool {
	switch r.verb {
	case verbType:
		return sameType(or(r.param, j.placed.Type), line)
	case verbName:
		return strings.Contains(strings.ToLower(line), strings.ToLower(r.param))
	case verbID:
		return or(r.param, j.placed.ID) == line
	}
	return or(r.param, j.placed.Application) == line
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// sameType compares full names, or simple ones: when one is asked for, or a
// class in a package that the type may have moved out of.
func sameType(wanted, typ string) bool {
	if strings.EqualFold(wanted, typ) {
		return true
	}
	simple := simpleName(wanted)
	moved := strings.HasPrefix(wanted, "brooklyn.") || strings.HasPrefix(wanted, "org.apache.brooklyn.") || strings.HasPrefix(wanted, "clocker.")
	return (simple == wanted || moved) && strings.EqualFold(simple, simpleName(typ))
}

func simpleName(typ string) string {
	if strings.Contains(typ, ":") { // an image, whose name may have dots
		return typ
	}
	return typ[strings.LastIndexByte(typ, '.')+1:]
}
