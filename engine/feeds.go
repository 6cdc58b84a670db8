package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
)

// attachFeeds begins the feeds that an entity's initializers add.
func (e *Engine) attachFeeds(ent *entity.Entity) {
	for _, i := range ent.Initializers() {
		t, err := e.types.Load().Get(catalog.Initializer, i.Type)
		if err != nil {
			continue // told when the entity was declared
		}
		c, err := contribution(t, i)
		if err != nil || c.Feed == nil {
			continue
		}
		e.feeds.Attach(ent, c.Feed, func(ctx context.Context) (map[string]any, error) {
			return partConfig(ctx, ent, t, i.Config, i.Scopes)
		})
	}
}
