package members_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/members"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

func TestFollow(t *testing.T) {
	tree := entity.NewTree(store.NewMemory())
	typ := &entity.Declaration{Type: hook.Type{Name: "plain"}}
	named := func(id string, children ...*entity.New) *entity.New {
		n := &entity.New{Declaration: typ, Children: children}
		n.ID, n.Name = entity.ID(id), id
		return n
	}
	app, err := tree.Add(context.Background(), nil, named("app", named("g"), named("a"), named("b")), nil)
	if err != nil {
		t.Fatal(err)
	}
	g, a, b := app.Children()[0], app.Children()[1], app.Children()[2]
	a.Set("n", int64(5))
	var told []string
	end := members.Follow(g, "n", "own", func(m *entity.Entity) int64 {
		v, _ := m.Sensor("n")
		n, _ := v.(int64)
		return n
	}, func(sum, size int64) {
		told = append(told, fmt.Sprintf("%d of %d", sum, size))
		g.SetNew("sum", sum) // what is told may publish
	})
	check := func(want ...string) {
		t.Helper()
		if !slices.Equal(told, want) {
			t.Errorf("told %s; want %s", strings.Join(told, ", "), strings.Join(want, ", "))
		}
		told = nil
	}
	check("0 of 0")
	a.Set("n", int64(6))
	check()
	g.ChangeMembers(nil, []*entity.Entity{a, b})
	check("6 of 2")
	b.Set("n", int64(1))
	check("7 of 2")
	a.Set("n", nil)
	check("1 of 2")
	g.Set("own", true)
	check("1 of 2")
	if err := tree.Remove(context.Background(), b, nil); err != nil {
		t.Fatal(err)
	}
	check("0 of 1")
	end()
	a.Set("n", int64(9))
	g.ChangeMembers([]*entity.Entity{a}, nil)
	check()
}
