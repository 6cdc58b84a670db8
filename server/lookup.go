package server

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/task"
)

// on makes a handler of one for what the path names.
func on[T any](find func(echo.Context) (T, error), handle func(echo.Context, T) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		what, err := find(c)
		if err != nil {
			return err
		}
		return handle(c, what)
	}
}

// application finds the application that the path names.
func (s *Server) application(c echo.Context) (*entity.Entity, error) {
	return s.engine.Application(param(c, "application"))
}

// entity finds the entity that the path names.
func (s *Server) entity(c echo.Context) (*entity.Entity, error) {
	return s.engine.Entity(param(c, "application"), param(c, "entity"))
}

// task finds the activity that the path names.
func (s *Server) task(c echo.Context) (*task.Task, error) {
	return s.engine.Tasks().Get(task.ID(param(c, "task")))
}

// byID finds an entity whose application is not known; nil when it is gone.
func (s *Server) byID(id string) *entity.Entity {
	ent, err := s.engine.EntityByID(id)
	if err != nil {
		return nil
	}
	return ent
}

// lasting gives the context of a change. A client that goes away does not end
// it: a write that is given up half-way may have happened or not.
func lasting(c echo.Context) context.Context { return context.WithoutCancel(c.Request().Context()) }
