package main

import (
	"errors"
	"fmt"
	"net/url"
)

func (e entity) policy(name string) string { return e.path() + "/policies/" + url.PathEscape(name) }

// expected matches an error with what the step says of it.
func expected(what string, err error, a args) error {
	if want, ok := a["expect_error"]; ok {
		return matchError(what, err, want)
	}
	return err
}

func (r *caseRun) addPolicy(e entity, a args) error {
	config, _ := a["config"].(map[string]any)
	body, err := r.substitute(map[string]any(config))
	if err != nil {
		return err
	}
	q := url.Values{"type": {a.text("type")}}
	for _, key := range []string{"name", "id"} {
		if v := a.text(key); v != "" {
			q.Set(key, v)
		}
	}
	_, _, err = r.c.postJSON(e.path()+"/policies?"+q.Encode(), body)
	return expected("add_policy", err, a)
}

func (r *caseRun) setPolicyConfig(e entity, a args) error {
	body, err := r.substitute(a["value"])
	if err != nil {
		return err
	}
	_, _, err = r.c.postJSON(e.policy(a.text("policy"))+"/config/"+url.PathEscape(a.text("key")), body)
	return expected("set_policy_config", err, a)
}

// changePolicy starts, stops or destroys a policy.
func (r *caseRun) changePolicy(e entity, a args) error {
	_, _, err := r.c.do("POST", e.policy(a.text("policy"))+"/"+a.text("do"), nil, "")
	return expected("policy", err, a)
}

func (r *caseRun) expectPolicies(e entity, a args) error {
	return r.holds(func() error {
		v, err := r.c.get(e.path() + "/policies")
		if err != nil {
			return err
		}
		list, _ := v.([]any)
		names := []any{}
		for _, item := range list {
			m, _ := item.(map[string]any)
			names = append(names, m["name"])
		}
		return r.equal(a["are"], names)
	}, nil, a.within())
}

func (r *caseRun) expectPolicy(e entity, a args) error {
	return r.holds(func() error {
		v, err := r.c.get(e.path() + "/adjuncts/" + url.PathEscape(a.text("policy")))
		if a.is("absent") {
			if errors.Is(err, errGone) {
				return nil
			}
			return fmt.Errorf("policy %s is there (%v), want it absent", a.text("policy"), err)
		}
		if err != nil {
			return err
		}
		m, _ := v.(map[string]any)
		if want, ok := a["state"]; ok && m["state"] != want {
			return fmt.Errorf("it is %v, want %v", m["state"], want)
		}
		if want, ok := a["config"]; ok {
			return r.equal(want, m["config"])
		}
		return nil
	}, nil, a.within())
}
