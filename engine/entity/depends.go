package entity

import "context"

type dependsKey struct{}

// Depending gives a context in which told is called for everything that the
// expressions in a value ask for while they are computed: a sensor of an
// entity or, for an empty name, its config.
func Depending(ctx context.Context, told func(on *Entity, sensor string)) context.Context {
	return context.WithValue(ctx, dependsKey{}, told)
}

func depends(ctx context.Context, on *Entity, sensor string) {
	if told, is := ctx.Value(dependsKey{}).(func(*Entity, string)); is {
		told(on, sensor)
	}
}
