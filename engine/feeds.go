package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// attachFeeds begins the feeds that an entity's initializers add.
func (e *Engine) attachFeeds(ent *entity.Entity) {
	for _, i := range ent.Initializers() {
		e.attachFeed(ent, i)
	}
}

func (e *Engine) attachFeed(ent *entity.Entity, i entity.Initializer) {
	t, err := e.types.Load().Get(catalog.Initializer, i.Type)
	if err != nil {
		return // told when the entity was declared
	}
	c, err := contribution(t, i)
	if err != nil || c.Feed == nil {
		return
	}
	if c.Feed.Workflow {
		e.workflowFeed(ent, t, i, c.Feed)
	}
	e.feeds.Attach(ent, c.Feed, func(ctx context.Context) (map[string]any, error) {
		return partConfig(ctx, ent, t, i.Config, i.Scopes)
	})
}

// workflowFeed lets a feed run the workflow that its initializer's config is.
// The run publishes what it gives, so that one which is resumed does too.
func (e *Engine) workflowFeed(ent *entity.Entity, t *catalog.Type, i entity.Initializer, f *catalog.Feed) {
	s := &workflow.Sensor{Name: f.Sensors[0].Name, Type: f.Sensors[0].Type}
	f.Poll = func(ctx context.Context, _ *entity.Entity, _ map[string]any) (map[string]any, error) {
		r := flowRecord(ent, f.Name, definitionOf(t, i.Config), scopeOf(i.Scopes))
		r.Sensor = s
		started, err := e.launch(ctx, ent, r, nil)
		if err != nil {
			return nil, err
		}
		_, err = started.Wait(ctx)
		return nil, err
	}
}

// runOnce runs the workflow of an initializer that has one to be run when its
// entity has been created.
func (e *Engine) runOnce(ctx context.Context, ent *entity.Entity, i entity.Initializer) error {
	t, err := e.types.Load().Get(catalog.Initializer, i.Type)
	if err != nil {
		return err
	}
	c, err := contribution(t, i)
	if err != nil || c.Run == nil {
		return err
	}
	r := flowRecord(ent, i.Name, definitionOf(t, i.Config), scopeOf(i.Scopes))
	r.After = c.Run.Delay
	started, err := e.launch(ctx, ent, r, nil)
	if err != nil || c.Run.Async {
		return err
	}
	_, err = started.Wait(ctx)
	return fault.Wrap(err, "initializer "+i.Name+" of", ent.Name())
}
