package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// How long an entity is looked for, by name and by number.
const (
	findTimeout  = 5 * time.Second
	indexTimeout = 10 * time.Second
)

var index = regexp.MustCompile(`([/@])(\d+)`)

// find locates an entity: $app, a plan id, a display name, name:X, LOC/n (a
// child), LOC@n (a member), A:LOC (in another application).
func (r *caseRun) find(loc string) (entity, error) {
	app := r.app
	if a, rest, ok := strings.Cut(loc, ":"); ok && a != "name" {
		if id, known := r.apps[a]; known {
			app, loc = id, rest
		}
	}
	head := loc
	if i := strings.IndexAny(loc, "/@"); i >= 0 {
		head = loc[:i]
	}
	e, err := r.findNamed(app, head)
	if err != nil {
		return e, err
	}
	for _, m := range index.FindAllStringSubmatch(loc[len(head):], -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return e, err
		}
		if e, err = r.nth(e, m[1], n); err != nil {
			return e, fmt.Errorf("%s: %w", loc, err)
		}
	}
	return e, nil
}

// nth gives a child ("/") or member ("@") by its number, as soon as there is one.
func (r *caseRun) nth(of entity, what string, n int) (entity, error) {
	read := r.c.children
	if what == "@" {
		read = r.c.members
	}
	var found entity
	err := r.holds(func() error {
		list, err := read(of)
		if err != nil {
			return err
		}
		if n >= len(list) {
			return fmt.Errorf("%d there, number %d wanted", len(list), n)
		}
		found = list[n]
		return nil
	}, nil, indexTimeout)
	return found, err
}

func (r *caseRun) findNamed(app, name string) (entity, error) {
	if e, ok := r.remembered[name]; ok {
		return e, nil
	}
	if name == "$app" {
		return entity{app: app, id: app}, nil
	}
	name, byName := strings.CutPrefix(name, "name:")
	var found entity
	err := r.holds(func() error {
		list, err := r.c.descendants(app)
		if err != nil {
			return err
		}
		if !byName {
			for _, e := range list {
				if id, err := r.c.config(e, "camp.plan.id", time.Second); err == nil && id == name {
					found = e
					return nil
				}
			}
		}
		for _, e := range list {
			if e.name == name {
				found = e
				return nil
			}
		}
		return fmt.Errorf("no entity with plan id or name %q among %d", name, len(list))
	}, nil, findTimeout)
	return found, err
}

// substitute replaces {$entity: LOC} and {$entity_id: LOC} in an argument by ids.
func (r *caseRun) substitute(v any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		for _, form := range []string{"$entity", "$entity_id"} {
			if loc, ok := x[form]; ok && len(x) == 1 {
				e, err := r.find(fmt.Sprint(loc))
				return e.id, err
			}
		}
		out := make(map[string]any, len(x))
		for k, y := range x {
			z, err := r.substitute(y)
			if err != nil {
				return nil, err
			}
			out[k] = z
		}
		return out, nil
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			z, err := r.substitute(y)
			if err != nil {
				return nil, err
			}
			out[i] = z
		}
		return out, nil
	}
	return v, nil
}
