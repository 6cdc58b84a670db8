package entity_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/store"
)

func named(list []*entity.Entity) string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestChangeMembers(t *testing.T) {
	tree, get := plant(t, store.NewMemory(), node("app", appType, nil, node("g", soft, nil), node("h", soft, nil),
		node("a", soft, nil, node("c", soft, nil)), node("b", soft, nil)))
	g := get("g")
	var told []string
	for _, what := range []string{entity.MemberAdded, entity.MemberRemoved, entity.Members} {
		g.Subscribe(what, func(e event.Event) {
			name := ""
			if doc, is := e.Value.(map[string]any); is {
				name = fmt.Sprint(" ", doc["name"])
			}
			told = append(told, strings.TrimPrefix(what, "group.")+name)
		})
	}
	check := func(members, events string) {
		t.Helper()
		n, _ := g.Sensor(entity.MembersCount)
		first, _ := g.Sensor(entity.FirstMember)
		wantFirst := any(nil)
		if all := g.Members(); len(all) > 0 {
			wantFirst = entity.Document(all[0])
		}
		if named(g.Members()) != members || n != int64(len(strings.Fields(members))) || fmt.Sprint(first) != fmt.Sprint(wantFirst) {
			t.Errorf("members %q, count %v, first %v; want %q", named(g.Members()), n, first, members)
		}
		slices.Sort(told)
		if got := strings.Join(told, ", "); got != events {
			t.Errorf("events %q, want %q", got, events)
		}
		told = nil
	}
	some := func(names ...string) (out []*entity.Entity) {
		for _, n := range names {
			out = append(out, get(n))
		}
		return out
	}
	g.ChangeMembers(nil, nil)
	check("", "members")
	g.ChangeMembers(nil, nil)
	check("", "")
	g.ChangeMembers(nil, some("a", "b", "c"))
	check("a b c", "members, members.added a, members.added b, members.added c")
	g.ChangeMembers(some("b"), some("a"))
	check("a c", "members, members.removed b")
	g.ChangeMembers(some("a"), some("b", "a")) // who leaves and joins goes to the end
	check("c b a", "members, members.added a, members.added b, members.removed a")
	get("h").ChangeMembers(nil, some("c"))
	if got := named(get("c").Groups()); got != "g h" {
		t.Errorf("groups of c: %q", got)
	}
	b := get("b")
	if err := tree.Remove(context.Background(), get("a"), nil); err != nil { // c is below it
		t.Fatal(err)
	}
	check("b", "members, members.removed a, members.removed c")
	if len(get("h").Members()) != 0 {
		t.Error("c is still a member of h")
	}
	if err := tree.Remove(context.Background(), g, nil); err != nil {
		t.Fatal(err)
	}
	if len(b.Groups()) != 0 {
		t.Error("b is still a member of a group that is gone")
	}
}

func TestMembershipsAreLoaded(t *testing.T) {
	s := store.NewMemory()
	_, get := plant(t, s, node("app", appType, nil, node("g", soft, nil), node("a", soft, nil)))
	get("g").ChangeMembers(nil, []*entity.Entity{get("a")})
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	tree := entity.NewTree(s)
	if err := tree.Load(func(entity.Record) *entity.Declaration { return soft }); err != nil {
		t.Fatal(err)
	}
	a, err := tree.Get(get("a").ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Remove(context.Background(), a, nil); err != nil {
		t.Fatal(err)
	}
	g, _ := tree.Get(get("g").ID())
	if v, _ := g.Sensor(entity.Members); len(v.([]any)) != 0 {
		t.Errorf("members %v", v)
	}
}

func TestObserve(t *testing.T) {
	tree, get := plant(t, store.NewMemory(), node("app", appType, nil, node("x", soft, nil, node("a", soft, nil)), node("y", soft, nil)))
	ctx := context.Background()
	kinds := map[entity.ChangeKind]string{
		entity.Added: "added", entity.Removed: "removed", entity.Moved: "moved", entity.Tagged: "tagged",
		entity.Renamed: "renamed", entity.Configured: "configured",
	}
	var told []string
	tell := func(who string) func(entity.Change) {
		return func(c entity.Change) {
			told = append(told, strings.TrimSpace(who+" "+kinds[c.Kind]+" "+c.Entity.Name()+" "+c.Key))
		}
	}
	stop := get("x").Observe(tell("x:"))
	get("app").Observe(tell("app:"))
	check := func(err error, want ...string) {
		t.Helper()
		if err != nil || !slices.Equal(told, want) {
			t.Errorf("told %q, %v; want %q", told, err, want)
		}
		told = nil
	}
	a := get("a")
	check(a.SetTags(ctx, func([]any) []any { return []any{"t"} }), "x: tagged a", "app: tagged a")
	check(a.SetConfig(ctx, "k", 1), "x: configured a k", "app: configured a k")
	check(a.UnsetConfig(ctx, "k"), "x: configured a k", "app: configured a k")
	check(get("y").Rename(ctx, "why"), "app: renamed why")
	check(a.SetLocations(ctx, []string{"l"}), "x: moved a", "app: moved a")
	if got := a.Locations(); !slices.Equal(got, []string{"l"}) {
		t.Errorf("locations %v", got)
	}
	check(a.Reparent(ctx, get("y")), "x: moved a", "app: moved a", "app: moved a")
	_, err := tree.Add(ctx, a, node("n", soft, nil), nil)
	check(err, "app: added n")
	check(a.Reparent(ctx, get("x")), "app: moved a", "x: moved a", "app: moved a")
	stop()
	check(tree.Remove(ctx, a, nil), "app: removed a")
}

// A member that was removed in the instant in which the server died is none
// after the restart.
func TestMembersThatAreGoneLeaveWhenLoaded(t *testing.T) {
	s := store.NewMemory()
	_, get := plant(t, s, node("app", appType, nil, node("g", soft, nil), node("a", soft, nil), node("b", soft, nil)))
	get("g").ChangeMembers(nil, []*entity.Entity{get("a"), get("b")})
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	var b store.Batch
	b.Delete("entity", "a-id")
	if err := s.Commit(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	tree := entity.NewTree(s)
	if err := tree.Load(func(entity.Record) *entity.Declaration { return soft }); err != nil {
		t.Fatal(err)
	}
	g, err := tree.Get("g-id")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := g.Sensor(entity.Members)
	n, _ := g.Sensor(entity.MembersCount)
	first, _ := g.Sensor(entity.FirstMember)
	if len(list.([]any)) != 1 || n != int64(1) || first.(map[string]any)["$entity"] != "b-id" {
		t.Errorf("members %v, %v of them, first %v", list, n, first)
	}
}
