package sign

import (
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// maxRules bounds the rules of a policy.
const maxRules = 1000

// parsePolicy reads the text of policy.yaml:
//
//	keys: {NAME: {notAfter: TIME, repositories: [PATTERN]}}
//	registries: [{match: PATTERN, policy: require|warn|off, identity: PATTERN}]
func (t *Trust) parsePolicy(file string, text []byte) error {
	root, err := yamlpos.Parse(file, text, yamlpos.Limits{})
	if err != nil {
		return err
	}
	var errs yamlpos.Errors
	each(root, &errs, "the policy", map[string]func(*yamlpos.Node){
		"keys": func(n *yamlpos.Node) { t.policyKeys(n, &errs) },
		"registries": func(n *yamlpos.Node) {
			if n.Kind != yamlpos.List || len(n.Items) > maxRules {
				errs.Add(n.Pos, "registries: expected a list of at most %d rules", maxRules)
				return
			}
			for _, item := range n.Items {
				t.Rules = append(t.Rules, readRule(item, &errs))
			}
		},
	})
	return errs.Err()
}

// each reads the keys of a map.
func each(n *yamlpos.Node, errs *yamlpos.Errors, what string, read map[string]func(*yamlpos.Node)) {
	if n.Kind == yamlpos.Null {
		return
	}
	if n.Kind != yamlpos.Map {
		errs.Add(n.Pos, "%s: expected a map", what)
		return
	}
	for _, e := range n.Entries {
		if f := read[e.Key]; f != nil {
			f(e.Value)
			continue
		}
		var known []string
		for k := range read {
			known = append(known, k)
		}
		slices.Sort(known)
		errs.Add(e.KeyPos, "%s: unknown key %q; expected one of %v%s", what, e.Key, known, nearest.Hint(e.Key, known))
	}
}

func (t *Trust) policyKeys(n *yamlpos.Node, errs *yamlpos.Errors) {
	if n.Kind != yamlpos.Map {
		errs.Add(n.Pos, "keys: expected a map by the names of the key files, without %s", keySuffix)
		return
	}
	for _, e := range n.Entries {
		i := slices.IndexFunc(t.Keys, func(k Key) bool { return k.Name == e.Key })
		if i < 0 {
			var names []string
			for _, k := range t.Keys {
				names = append(names, k.Name)
			}
			errs.Add(e.KeyPos, "key %s: there is no file %s%s%s", e.Key, e.Key, keySuffix, nearest.Hint(e.Key, names))
			continue
		}
		k := &t.Keys[i]
		each(e.Value, errs, "key "+k.Name, map[string]func(*yamlpos.Node){
			"notAfter":     func(n *yamlpos.Node) { k.NotAfter = readTime(n, errs) },
			"repositories": func(n *yamlpos.Node) { k.Repositories = readPatterns(n, errs) },
		})
	}
}

func readRule(n *yamlpos.Node, errs *yamlpos.Errors) Rule {
	r := Rule{Policy: Require}
	each(n, errs, "rule", map[string]func(*yamlpos.Node){
		"match": func(n *yamlpos.Node) { r.Match = readPattern(n, errs) },
		"policy": func(n *yamlpos.Node) {
			p, err := ParsePolicy(n.Text)
			if err != nil {
				errs.Append(n.Pos, err)
				return
			}
			r.Policy = p
		},
		"identity": func(n *yamlpos.Node) {
			p := readPattern(n, errs)
			r.Identity = &p
		},
	})
	if n.Kind != yamlpos.Map || n.Get("match") == nil {
		errs.Add(n.Pos, "rule: expected a map with match, a pattern of repositories")
	}
	return r
}

func readTime(n *yamlpos.Node, errs *yamlpos.Errors) time.Time {
	at, err := time.Parse(time.RFC3339, n.Text)
	if err == nil {
		return at
	}
	if at, err = time.Parse(time.DateOnly, n.Text); err != nil {
		errs.Add(n.Pos, "notAfter is %q; expected a day or a time, like 2027-01-31 or 2027-01-31T12:00:00Z", n.Text)
	}
	return at
}

// readPatterns never gives none: a key without patterns may sign for all.
func readPatterns(n *yamlpos.Node, errs *yamlpos.Errors) (out []Pattern) {
	if n.Kind != yamlpos.List || len(n.Items) == 0 || len(n.Items) > maxRules {
		errs.Add(n.Pos, "repositories: expected a list of 1 to %d patterns", maxRules)
		return nil
	}
	for _, item := range n.Items {
		out = append(out, readPattern(item, errs))
	}
	return out
}

func readPattern(n *yamlpos.Node, errs *yamlpos.Errors) Pattern {
	p, err := ParsePattern(n.Text)
	if err != nil {
		errs.Append(n.Pos, err)
	}
	return p
}
