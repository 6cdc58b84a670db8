package server

import (
	"reflect"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
)

func (s *Server) listTags(c echo.Context, ent *entity.Entity) error {
	return ok(c, list(ent.Tags()))
}

func (s *Server) addTag(c echo.Context, ent *entity.Entity) error {
	tag, err := s.readValue(c)
	if err != nil {
		return err
	}
	err = ent.SetTags(lasting(c), func(tags []any) []any {
		if slices.ContainsFunc(tags, same(tag)) {
			return tags
		}
		return append(tags, tag)
	})
	return done(c, err)
}

func (s *Server) deleteTag(c echo.Context, ent *entity.Entity) error {
	tag, err := s.readValue(c)
	if err != nil {
		return err
	}
	found := false
	err = ent.SetTags(lasting(c), func(tags []any) []any {
		found = slices.ContainsFunc(tags, same(tag))
		return slices.DeleteFunc(tags, same(tag))
	})
	if err != nil {
		return err
	}
	return ok(c, found)
}

// upsertTag replaces the tag {key: …}, a map with that only key.
func (s *Server) upsertTag(c echo.Context, ent *entity.Entity) error {
	value, err := s.readValue(c)
	if err != nil {
		return err
	}
	key := param(c, "key")
	err = ent.SetTags(lasting(c), func(tags []any) []any {
		return append(slices.DeleteFunc(tags, keyed(key)), map[string]any{key: value})
	})
	return done(c, err)
}

func (s *Server) getTag(c echo.Context, ent *entity.Entity) error {
	key := param(c, "key")
	tags := ent.Tags()
	i := slices.IndexFunc(tags, keyed(key))
	if i < 0 {
		return fault.New(fault.NotFound, "Tag '%s' not found on entity '%s'", key, ent.Name())
	}
	return ok(c, tags[i].(map[string]any)[key])
}

// same compares tags as the JSON they are: 1 and 1.0 are one number.
func same(tag any) func(any) bool {
	want := plainly(tag)
	return func(other any) bool { return reflect.DeepEqual(plainly(other), want) }
}

func plainly(v any) any {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case int:
		return float64(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = plainly(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, item := range x {
			out[k] = plainly(item)
		}
		return out
	}
	return v
}

func keyed(key string) func(any) bool {
	return func(tag any) bool {
		m, isMap := tag.(map[string]any)
		_, has := m[key]
		return isMap && has && len(m) == 1
	}
}
