package cluster

import (
	"context"

	"github.com/gowanus-project/gowanus/builtin/members"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
)

// allUp is the sensor that says that a cluster runs, has members, and all of
// them are up.
const allUp = "cluster.one_and_all.members.up"

// watchMembers publishes allUp of a cluster.
func watchMembers(_ context.Context, h catalog.AttendHost) (end func()) {
	c := h.Entity()
	return members.Follow(c, entity.ServiceUp, entity.ServiceState, func(m *entity.Entity) int64 {
		if m.Up() {
			return 1
		}
		return 0
	}, func(up, size int64) { c.SetNew(allUp, c.State() == entity.Running && size > 0 && up == size) })
}
