package server

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// defaultTasks is how many activities a list has unless the request says so.
const defaultTasks = 200

// getActivity gives an activity, after waiting for its end as long as the
// request says: 200 when it has ended, else 202.
func (s *Server) getActivity(c echo.Context, t *task.Task) error {
	wait, err := parseWait(c.QueryParam("timeout"), 0)
	if err != nil {
		return err
	}
	suppress, err := queryBool(c, "suppressSecrets", false)
	if err != nil {
		return err
	}
	s.await(c, t, wait)
	info, status := t.Info(), http.StatusOK
	if !info.Status.Ended() {
		status = http.StatusAccepted
	}
	return reply(c, status, s.summary(info, suppress))
}

func (s *Server) activityChildren(c echo.Context, t *task.Task) error {
	limit, err := queryInt(c, "limit", defaultTasks)
	if err != nil {
		return err
	}
	suppress, err := queryBool(c, "suppressSecrets", false)
	if err != nil {
		return err
	}
	out := []taskSummary{}
	for _, child := range s.children(t.Info()) {
		if len(out) == limit {
			break
		}
		out = append(out, s.summary(child.Info(), suppress))
	}
	return ok(c, out)
}

func (s *Server) children(info task.Info) []*task.Task {
	var out []*task.Task
	for _, id := range info.Children {
		if child, err := s.engine.Tasks().Get(id); err == nil {
			out = append(out, child)
		}
	}
	return out
}

func (s *Server) activityDescendants(c echo.Context, t *task.Task) error {
	limit, err := queryInt(c, "limit", defaultTasks)
	if err != nil {
		return err
	}
	depth, err := queryInt(c, "maxDepth", -1)
	if err != nil {
		return err
	}
	out := map[string]taskSummary{}
	for _, d := range s.below([]*task.Task{t}, depth, limit) {
		sum := s.summary(d.Info(), true)
		sum.Result, sum.DetailedStatus = nil, ""
		out[sum.ID] = sum
	}
	return ok(c, out)
}

// below gives the descendants of tasks level by level, without the tasks
// themselves: at most limit of them, depth levels deep (-1 is all).
func (s *Server) below(level []*task.Task, depth, limit int) []*task.Task {
	var out []*task.Task
	for ; len(level) > 0 && depth != 0; depth-- {
		var next []*task.Task
		for _, t := range level {
			next = append(next, s.children(t.Info())...)
		}
		if room := limit - len(out); limit >= 0 && len(next) > room {
			return append(out, next[:room]...)
		}
		out = append(out, next...)
		level = next
	}
	return out
}

func (s *Server) activityStream(c echo.Context, t *task.Task) error {
	suppress, err := queryBool(c, "suppressSecrets", false)
	if err != nil {
		return err
	}
	name := param(c, "stream")
	text, err := t.ReadStream(name)
	if err != nil {
		return err
	}
	if suppress && name == "env" {
		text = secret.Lines(text)
	}
	return c.Blob(http.StatusOK, textPlain, []byte(secret.Hide(string(text))))
}

func (s *Server) cancelActivity(c echo.Context, t *task.Task) error {
	if t.Info().Status.Ended() {
		return ok(c, false)
	}
	t.Cancel()
	return ok(c, true)
}

func (s *Server) entityActivity(c echo.Context, ent *entity.Entity) error {
	t, err := s.task(c)
	if err != nil {
		return err
	}
	info := t.Info()
	if info.Entity != string(ent.ID()) {
		return fault.New(fault.NotFound, "Cannot find task '%s' in entity '%s'", info.ID, ent.Name())
	}
	return ok(c, s.summaryOn(info, true, ent))
}

func (s *Server) entityActivities(c echo.Context, ent *entity.Entity) error {
	return s.activitiesOf(c, ent, s.engine.Tasks().OfEntity(string(ent.ID())))
}

// activitiesOf answers with some of an entity's activities and, if the request
// says so, what they led to.
func (s *Server) activitiesOf(c echo.Context, ent *entity.Entity, tasks []*task.Task) error {
	limit, err := queryInt(c, "limit", defaultTasks)
	if err != nil {
		return err
	}
	recurse, err := queryBool(c, "recurse", false)
	if err != nil {
		return err
	}
	if recurse {
		tasks = unique(append(tasks, s.below(tasks, -1, -1)...))
	}
	return ok(c, s.briefly(choose(tasks, limit), ent))
}

func unique(tasks []*task.Task) []*task.Task {
	seen := make(map[task.ID]bool, len(tasks))
	return slices.DeleteFunc(tasks, func(t *task.Task) bool {
		again := seen[t.ID()]
		seen[t.ID()] = true
		return again
	})
}

// briefly gives summaries for a list, without what may be long.
func (s *Server) briefly(infos []task.Info, ent *entity.Entity) []taskSummary {
	out := make([]taskSummary, len(infos))
	for i, info := range infos {
		out[i] = s.summaryOn(info, true, ent)
		out[i].Result, out[i].DetailedStatus = nil, ""
	}
	return out
}

// choose sorts tasks, unfinished ones first, then the most recent first. When
// they are more than limit, one of each name comes before the second of any.
func choose(tasks []*task.Task, limit int) []task.Info {
	infos := make([]task.Info, len(tasks))
	for i, t := range tasks {
		infos[len(infos)-1-i] = t.Info() // newest first, which the sorting keeps for equal times
	}
	slices.SortStableFunc(infos, func(a, b task.Info) int {
		return cmp.Or(rank(a)-rank(b), b.Submitted.Compare(a.Submitted))
	})
	if limit < 0 || len(infos) <= limit {
		return infos
	}
	seen := map[string]bool{}
	var first, more []task.Info
	for _, info := range infos {
		if seen[info.Name] {
			more = append(more, info)
		} else {
			first = append(first, info)
		}
		seen[info.Name] = true
	}
	return append(first, more...)[:limit]
}

func rank(info task.Info) int {
	if info.Status.Ended() {
		return 1
	}
	return 0
}
