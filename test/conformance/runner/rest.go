package main

import (
	"fmt"
	"net/url"
	"time"
)

// entity is an entity as the cases know it.
type entity struct{ app, id, name string }

func (e entity) path() string {
	return "/applications/" + url.PathEscape(e.app) + "/entities/" + url.PathEscape(e.id)
}

func (c *client) entities(path, app string) ([]entity, error) {
	v, err := c.get(path)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: not a list: %v", path, v)
	}
	var out []entity
	for _, x := range list {
		m, _ := x.(map[string]any)
		id, _ := m["id"].(string)
		name, _ := m["name"].(string)
		if id == "" {
			return nil, fmt.Errorf("%s: an entity without id: %v", path, x)
		}
		out = append(out, entity{app, id, name})
	}
	return out, nil
}

func (c *client) descendants(app string) ([]entity, error) {
	list, err := c.entities("/applications/"+url.PathEscape(app)+"/descendants?typeRegex=.*", app)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.id == app {
			return list, nil
		}
	}
	root, err := c.summary(entity{app: app, id: app})
	if err != nil {
		return nil, err
	}
	name, _ := root["name"].(string)
	return append([]entity{{app, app, name}}, list...), nil
}

func (c *client) children(e entity) ([]entity, error) { return c.entities(e.path()+"/children", e.app) }

func (c *client) summary(e entity) (map[string]any, error) {
	v, err := c.get(e.path())
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: not an object: %v", e.path(), v)
	}
	return m, nil
}

// members reads the "members" of the entity's details ({id,name} in order).
func (c *client) members(e entity) ([]entity, error) {
	v, err := c.get("/applications/details?includeAllApps=false&items=" + url.QueryEscape(e.id))
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	for _, x := range list {
		m, _ := x.(map[string]any)
		if m["id"] != e.id {
			continue
		}
		var out []entity
		ms, _ := m["members"].([]any)
		for _, y := range ms {
			mm, _ := y.(map[string]any)
			id, _ := mm["id"].(string)
			name, _ := mm["name"].(string)
			out = append(out, entity{e.app, id, name})
		}
		return out, nil
	}
	return nil, fmt.Errorf("GET /applications/details?items=%s does not list that entity", e.id)
}

// config reads a config value resolved, blocking up to wait on values that are not ready.
func (c *client) config(e entity, key string, wait time.Duration) (any, error) {
	return c.get(fmt.Sprintf("%s/config/%s?raw=true&timeout=%s", e.path(), url.PathEscape(key), c.wait(wait)))
}

func (c *client) sensor(e entity, name string) (any, error) {
	return c.get(e.path() + "/sensors/" + url.PathEscape(name) + "?raw=true")
}
