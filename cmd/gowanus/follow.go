package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// patience is how long the server holds the answer back while nothing ends.
const patience = "1s"

// tailLines is how much of a failed step's error output is shown.
const tailLines = 10

func activityPath(id string) string { return "/v1/activities/" + url.PathEscape(id) }

// follow shows in the view how an application or entity fares until the
// activity has ended. A failed activity is an error.
func (c *cli) follow(ctx context.Context, cl *client, view *view, app, id string) error {
	defer view.end()
	for wait := "0"; ; wait = patience {
		var a activity
		if err := cl.get(ctx, activityPath(id)+"?timeout="+wait, &a); err != nil {
			return err
		}
		tree, err := cl.tree(ctx, app)
		if err != nil {
			return err
		}
		doing := map[string]string{}
		if view.live() && a.Ended == 0 {
			if doing, err = cl.doing(ctx, &a); err != nil {
				return err
			}
		}
		view.show(tree, doing, a.Ended != 0)
		if a.Ended != 0 {
			return cl.outcome(ctx, &a)
		}
	}
}

// await waits for an activity without showing anything.
func (c *client) await(ctx context.Context, id string) (*activity, error) {
	for {
		a := new(activity)
		if err := c.get(ctx, activityPath(id)+"?timeout="+patience, a); err != nil || a.Ended != 0 {
			return a, err
		}
	}
}

// below gives all activities that are parts of one, the oldest first.
func (c *client) below(ctx context.Context, id string) ([]activity, error) {
	var all map[string]activity
	if err := c.get(ctx, activityPath(id)+"/children/recurse?limit=2000", &all); err != nil {
		return nil, err
	}
	out := make([]activity, 0, len(all))
	for _, a := range all {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b activity) int {
		if a.Submitted != b.Submitted {
			return int(a.Submitted - b.Submitted)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// doing tells, for each entity, what is being done to it just now: the
// innermost of the activities that act on it.
func (c *client) doing(ctx context.Context, top *activity) (map[string]string, error) {
	all, err := c.below(ctx, top.ID)
	if err != nil {
		return nil, err
	}
	byID := map[string]*activity{top.ID: top}
	for i := range all {
		byID[all[i].ID] = &all[i]
	}
	out, depths := map[string]string{}, map[string]int{}
	for i := range all {
		a := &all[i]
		entity, depth := placeOf(a, byID)
		if a.Ended != 0 || depth < depths[entity] {
			continue
		}
		depths[entity] = depth
		if out[entity] = a.Name; a.Blocking != "" {
			out[entity] = a.Blocking
		}
	}
	return out, nil
}

// placeOf gives the entity that an activity acts on, its own or that of the
// activity it is a part of, and how deep it is in the tree.
func placeOf(a *activity, byID map[string]*activity) (entity string, depth int) {
	for ; a != nil && depth < len(byID); a = byID[a.parent()] {
		if entity == "" {
			entity = a.EntityID
		}
		depth++
	}
	return entity, depth
}

// outcome gives the error of an activity that failed, with what the steps in
// which it failed have printed.
func (c *client) outcome(ctx context.Context, a *activity) error {
	if !a.IsError {
		return nil
	}
	word := "failed"
	if a.IsCancelled {
		word = "was cancelled"
	}
	text := fmt.Sprintf("%s of %s %s", a.Name, a.EntityName, word)
	if reason := value(a.Result); a.Result != nil && !a.IsCancelled {
		text += ": " + reason
	}
	if all, err := c.below(ctx, a.ID); err == nil {
		text += c.printed(ctx, append(all, *a), text)
	}
	return fail(exitFailed, "%s", text)
}

// printed gives the end of what failed activities printed on stderr, unless
// the error has it already.
func (c *client) printed(ctx context.Context, all []activity, known string) string {
	var out strings.Builder
	for _, a := range all {
		if _, has := a.Streams["stderr"]; !has || !a.IsError {
			continue
		}
		_, text, err := c.do(ctx, "GET", activityPath(a.ID)+"/stream/stderr", nil)
		tail := strings.TrimSpace(clean(string(text)))
		if lines := strings.Split(tail, "\n"); len(lines) > tailLines {
			tail = strings.Join(lines[len(lines)-tailLines:], "\n")
		}
		if err == nil && tail != "" && !strings.Contains(known, tail) {
			fmt.Fprintf(&out, "\n%s printed:\n  %s", oneLine(a.Name), strings.ReplaceAll(tail, "\n", "\n  "))
		}
	}
	return out.String()
}
