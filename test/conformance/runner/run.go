package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// caseRun is the state of one case while it runs.
type caseRun struct {
	c          *client
	app        string
	apps       map[string]string // deployments made by steps, by their `as`
	tasks      map[string]string
	remembered map[string]entity
	bundles    []string // name:version, to remove afterwards
}

// runCase runs a case; nil means that it passed.
func runCase(c *client, cs *Case) error {
	r := &caseRun{c: c, apps: map[string]string{}, tasks: map[string]string{}, remembered: map[string]entity{}}
	defer r.cleanUp()
	if err := r.catalog(cs); err != nil {
		return err
	}
	if cs.Blueprint == "" {
		if cs.ExpectCatalogError == nil && len(cs.Steps) == 0 {
			return errors.New("the case asserts nothing")
		}
		return r.steps(cs)
	}
	app, deployErr, err := c.deploy(cs.Blueprint)
	r.app = app
	if err != nil {
		return err
	}
	if cs.ExpectDeployError != nil {
		return matchError("deploy", deployErr, cs.ExpectDeployError)
	}
	var refused *refusal
	if errors.As(deployErr, &refused) {
		if cs.MayFailAtDeploy {
			return nil
		}
		return fmt.Errorf("deploy: %w", deployErr)
	}
	if err := r.steps(cs); err != nil {
		if deployErr != nil {
			return fmt.Errorf("%w (start had failed: %v)", err, deployErr)
		}
		return err
	}
	return nil
}

// catalog adds the case's BOMs; the last one may have to be refused.
func (r *caseRun) catalog(cs *Case) error {
	boms := texts(cs.Catalog)
	for i, bom := range boms {
		err := r.addCatalog(bom, false)
		if i == len(boms)-1 && cs.ExpectCatalogError != nil {
			err = matchError("catalog", err, cs.ExpectCatalogError)
		}
		if err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
	}
	return nil
}

func (r *caseRun) addCatalog(bom string, force bool) error {
	path := "/catalog/bundles"
	if force {
		path += "?force=true"
	}
	_, v, err := r.c.do("POST", path, []byte(bom), "application/yaml")
	if err != nil {
		return err
	}
	if m, ok := v.(map[string]any); ok {
		if b, ok := m["bundle"].(string); ok {
			r.bundles = append(r.bundles, b)
		}
	}
	return nil
}

func (r *caseRun) steps(cs *Case) error {
	for i, step := range cs.Steps {
		if len(step) != 1 {
			return fmt.Errorf("step %d has %d keys, want one", i+1, len(step))
		}
		for kind, v := range step {
			if err := r.step(kind, v); err != nil {
				return fmt.Errorf("step %d %s: %w", i+1, kind, err)
			}
		}
	}
	return nil
}

// cleanUp removes what the case made. It is no part of the case, so it does
// not fail it.
func (r *caseRun) cleanUp() {
	ids := []string{r.app}
	for _, a := range r.apps {
		ids = append(ids, a)
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		e := entity{app: id, id: id}
		_, _, _ = r.c.do("POST", e.path()+"/expunge?release=false&timeout=10s", nil, "application/json")
	}
	for i := len(r.bundles) - 1; i >= 0; i-- {
		name, version, _ := strings.Cut(r.bundles[i], ":")
		_, _, _ = r.c.do("DELETE", "/catalog/bundles/"+url.PathEscape(name)+"/"+url.PathEscape(version)+"?force=true", nil, "")
	}
}

// How often a state is read that has to hold.
const pollEvery = 30 * time.Millisecond

// holds polls check until it passes, at most for within, or, when lasting is
// given, makes sure that it passes all that time.
func (r *caseRun) holds(check func() error, lasting any, within time.Duration) error {
	if lasting != nil {
		for deadline := time.Now().Add(duration(lasting, time.Second)); ; time.Sleep(pollEvery) {
			if err := check(); err != nil || time.Now().After(deadline) {
				return err
			}
		}
	}
	within = r.c.wait(within)
	for deadline := time.Now().Add(within); ; time.Sleep(pollEvery) {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", within, err)
		}
	}
}

// duration reads a duration of a case; or is what an absent one means.
func duration(v any, or time.Duration) time.Duration {
	if v == nil {
		return or
	}
	d, err := time.ParseDuration(fmt.Sprint(v))
	if err != nil {
		return or
	}
	return d
}
