package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// defaultWithin is how long a state is waited for unless the step says so.
const defaultWithin = 10 * time.Second

// args are the fields of a step.
type args map[string]any

func (a args) text(key string) string { s, _ := a[key].(string); return s }
func (a args) is(key string) bool     { b, _ := a[key].(bool); return b }
func (a args) within() time.Duration  { return duration(a["within"], defaultWithin) }

// general are the steps that are not about one entity.
var general = map[string]func(*caseRun, args) error{
	"deploy":              (*caseRun).deploy,
	"add_catalog":         (*caseRun).stepAddCatalog,
	"delete_catalog":      (*caseRun).deleteCatalog,
	"expect_catalog":      (*caseRun).expectCatalog,
	"await":               (*caseRun).await,
	"expect_task_running": (*caseRun).expectTaskRunning,
	"expect_sensor_count": (*caseRun).expectSensorCount,
}

// ofEntity are the steps about the entity that their field "entity" names.
var ofEntity = map[string]func(*caseRun, entity, args) error{
	"remember":              (*caseRun).remember,
	"unmanage":              (*caseRun).unmanage,
	"effector":              (*caseRun).effector,
	"effector_async":        (*caseRun).effectorAsync,
	"set_sensor":            (*caseRun).setSensor,
	"expect_sensor":         (*caseRun).expectSensor,
	"expect_config":         (*caseRun).expectConfig,
	"expect_config_pending": (*caseRun).expectConfigPending,
	"expect_children":       (*caseRun).expectChildren,
	"expect_members":        (*caseRun).expectMembers,
	"expect_name":           (*caseRun).expectSummary,
	"expect_type":           (*caseRun).expectSummary,
	"expect_status":         (*caseRun).expectStatus,
	"expect_tag":            (*caseRun).expectTag,
	"add_policy":            (*caseRun).addPolicy,
	"set_policy_config":     (*caseRun).setPolicyConfig,
	"policy":                (*caseRun).changePolicy,
	"expect_policies":       (*caseRun).expectPolicies,
	"expect_policy":         (*caseRun).expectPolicy,
}

// step runs one step of a case.
func (r *caseRun) step(kind string, v any) error {
	if kind == "sleep" {
		time.Sleep(duration(v, 0))
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("got %v, want a map", v)
	}
	a := args(m)
	if do, ok := general[kind]; ok {
		return do(r, a)
	}
	do, ok := ofEntity[kind]
	if !ok {
		return errors.New("there is no such step")
	}
	e, err := r.find(a.text("entity"))
	if err != nil {
		return err
	}
	return do(r, e, a)
}

func (r *caseRun) deploy(a args) error {
	app, deployErr, err := r.c.deploy(a.text("blueprint"))
	if err != nil {
		return err
	}
	if app != "" {
		r.apps[a.text("as")] = app
	}
	if want, ok := a["expect_deploy_error"]; ok {
		return matchError("deploy", deployErr, want)
	}
	if a.is("or_ok") {
		return nil
	}
	return deployErr
}

func (r *caseRun) stepAddCatalog(a args) error {
	err := r.addCatalog(a.text("bom"), a.is("force"))
	if want, ok := a["expect_error"]; ok {
		return matchError("add_catalog", err, want)
	}
	return err
}

func (r *caseRun) deleteCatalog(a args) error {
	_, _, err := r.c.do("DELETE", "/catalog/entities/"+url.PathEscape(a.text("id"))+"/"+url.PathEscape(fmt.Sprint(a["version"])), nil, "")
	return err
}

func (r *caseRun) expectCatalog(a args) error {
	_, err := r.c.get("/catalog/types/" + url.PathEscape(a.text("id")) + "/" + url.PathEscape(fmt.Sprint(a["version"])))
	if !a.is("absent") {
		return err
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return fmt.Errorf("%s:%v should be absent (%v)", a.text("id"), a["version"], err)
}

func (r *caseRun) await(a args) error {
	t, err := r.c.await(r.tasks[a.text("task")], a.within())
	if err != nil {
		return err
	}
	if want, ok := a["expect_error"]; ok {
		if !t.failed {
			return fmt.Errorf("the task succeeded with %v, an error was expected", t.result)
		}
		return matchError("task", errors.New(t.text), want)
	}
	want, ok := a["expect_result"]
	switch {
	case !ok:
		return nil
	case t.failed:
		return errors.New(t.text)
	}
	return r.equal(want, t.result)
}

func (r *caseRun) expectTaskRunning(a args) error {
	return r.holds(func() error {
		t, err := r.c.task(r.tasks[a.text("task")])
		if err == nil && t.ended {
			err = fmt.Errorf("the task has ended: %s", t.text)
		}
		return err
	}, or(a["for"], "1s"), 0)
}

func or(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}

func (r *caseRun) expectSensorCount(a args) error {
	locs, _ := a["entities"].([]any)
	check := func() error {
		n := 0
		for _, loc := range locs {
			e, err := r.find(fmt.Sprint(loc))
			if err != nil {
				return err
			}
			if got, err := r.c.sensor(e, a.text("sensor")); err == nil && r.equal(a["value"], got) == nil {
				n++
			}
		}
		return count(n, a["count"])
	}
	if err := r.holds(check, nil, a.within()); err != nil || a["for"] == nil {
		return err
	}
	return r.holds(check, a["for"], 0)
}

func (r *caseRun) remember(e entity, a args) error {
	r.remembered[a.text("as")] = e
	return nil
}

func (r *caseRun) unmanage(e entity, _ args) error {
	_, _, err := r.c.do("POST", e.path()+"/expunge?release=false&timeout=10s", nil, "application/json")
	return err
}

// invoke starts an effector as a task; its result is read from the activity,
// where it is typed JSON.
func (r *caseRun) invoke(e entity, a args) (task string, err error) {
	in, _ := a["args"].(map[string]any)
	body, err := r.substitute(map[string]any(in))
	if err != nil {
		return "", err
	}
	_, got, err := r.c.postJSON(e.path()+"/effectors/"+url.PathEscape(a.text("name"))+"?timeout=0", body)
	if err != nil {
		return "", err
	}
	m, _ := got.(map[string]any)
	id, _ := m["id"].(string)
	if id == "" {
		return "", fmt.Errorf("timeout=0 answered without a task id: %v", got)
	}
	return id, nil
}

func (r *caseRun) effectorAsync(e entity, a args) error {
	id, err := r.invoke(e, a)
	r.tasks[a.text("as")] = id
	return err
}

func (r *caseRun) effector(e entity, a args) error {
	var t taskState
	id, err := r.invoke(e, a)
	if err == nil {
		t, err = r.c.await(id, taskTimeout)
	}
	if err == nil && t.failed {
		err = errors.New(t.text)
	}
	if want, ok := a["expect_error"]; ok {
		return matchError("effector", err, want)
	}
	if err != nil {
		return err
	}
	if want, ok := a["expect_result"]; ok {
		return r.equal(want, t.result)
	}
	if pattern := a.text("expect_matches"); pattern != "" {
		return matches(pattern, t.result)
	}
	return nil
}

func (r *caseRun) setSensor(e entity, a args) error {
	body, err := r.substitute(a["value"])
	if err != nil {
		return err
	}
	_, _, err = r.c.postJSON(e.path()+"/sensors/"+url.PathEscape(a.text("sensor")), body)
	return err
}

// absent checks that a read gave nothing.
func absent(name string, got any, err error) error {
	if errors.Is(err, errGone) || err == nil && got == nil {
		return nil
	}
	return fmt.Errorf("%s is %v (%v), want it absent", name, got, err)
}

func (r *caseRun) expectSensor(e entity, a args) error {
	name := a.text("sensor")
	return r.holds(func() error {
		got, err := r.c.sensor(e, name)
		if a.is("absent") {
			return absent(name, got, err)
		}
		if err != nil {
			return err
		}
		if pattern := a.text("matches"); pattern != "" {
			return matches(pattern, got)
		}
		if floor, ok := a["greater_than"]; ok {
			return greater(name, got, floor)
		}
		if err := r.equal(a["value"], got); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}, a["for"], a.within())
}

func greater(name string, got, floor any) error {
	g, ok1 := got.(json.Number)
	f, ok2 := floor.(json.Number)
	if ok1 && ok2 {
		x, err1 := g.Float64()
		y, err2 := f.Float64()
		if err1 == nil && err2 == nil && x > y {
			return nil
		}
	}
	return fmt.Errorf("%s is %v, want more than %v", name, got, floor)
}

func (r *caseRun) expectConfig(e entity, a args) error {
	key := a.text("key")
	got, err := r.c.config(e, key, a.within())
	if want, ok := a["expect_error"]; ok {
		return matchError("config", err, want)
	}
	if a.is("absent") {
		return absent(key, got, err)
	}
	if err == nil {
		err = r.equal(a["value"], got)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func (r *caseRun) expectConfigPending(e entity, a args) error {
	wait := duration(a["for"], time.Second)
	start := time.Now()
	got, err := r.c.config(e, a.text("key"), wait)
	if err == nil && time.Since(start) < wait {
		return fmt.Errorf("%s resolved to %v, it should still be pending", a.text("key"), got)
	}
	return nil
}

func (r *caseRun) expectChildren(e entity, a args) error {
	return r.holds(func() error {
		list, err := r.c.children(e)
		if err != nil {
			return err
		}
		return count(len(list), a["count"])
	}, nil, a.within())
}

func (r *caseRun) expectMembers(e entity, a args) error {
	return r.holds(func() error {
		list, err := r.c.members(e)
		if err != nil {
			return err
		}
		if n, ok := a["count"]; ok {
			if err := count(len(list), n); err != nil {
				return err
			}
		}
		have := map[string]bool{}
		for _, m := range list {
			have[m.id] = true
		}
		for key, want := range map[string]bool{"are": true, "are_not": false} {
			locs, _ := a[key].([]any)
			for _, loc := range locs {
				m, err := r.find(fmt.Sprint(loc))
				if err != nil {
					return err
				}
				if have[m.id] != want {
					return fmt.Errorf("%v is a member: %v, want %v", loc, have[m.id], want)
				}
			}
		}
		return nil
	}, nil, a.within())
}

// expectSummary compares fields of the entity's summary.
func (r *caseRun) expectSummary(e entity, a args) error {
	return r.holds(func() error {
		m, err := r.c.summary(e)
		if err != nil {
			return err
		}
		for key, field := range map[string]string{"name": "name", "type": "type", "catalog_id": "catalogItemId"} {
			if want, ok := a[key]; ok && fmt.Sprint(want) != fmt.Sprint(m[field]) {
				return fmt.Errorf("%s is %v, want %v", field, m[field], want)
			}
		}
		return nil
	}, nil, a.within())
}

func (r *caseRun) expectStatus(e entity, a args) error {
	return r.holds(func() error {
		got, err := r.c.sensor(e, "service.state")
		if err == nil && plainWord(fmt.Sprint(got)) != plainWord(a.text("status")) {
			err = fmt.Errorf("service.state is %v, want %s", got, a.text("status"))
		}
		return err
	}, nil, a.within())
}

// plainWord makes ON_FIRE and on-fire the same.
func plainWord(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
}

func (r *caseRun) expectTag(e entity, a args) error {
	return r.holds(func() error {
		v, err := r.c.get(e.path() + "/tags")
		if err != nil {
			return err
		}
		list, _ := v.([]any)
		for _, tag := range list {
			if r.equal(a["tag"], tag) == nil {
				return nil
			}
		}
		return fmt.Errorf("tags are %v, want %v among them", v, a["tag"])
	}, nil, a.within())
}

func count(got int, want any) error {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%d there, want %v", got, want)
	}
	return nil
}
