package group_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/group"
	"github.com/gowanus-project/gowanus/builtin/initializer"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/store"
)

type lab struct {
	t     testing.TB
	store store.Store
	e     *engine.Engine
	app   *entity.Entity
}

func (l *lab) open() {
	l.t.Helper()
	g := group.New(group.Config{})
	var err error
	l.e, err = engine.New(context.Background(), engine.Config{
		Store: l.store, Types: slices.Concat(stock.Types(), enricher.Types(), initializer.Types(), g.Types()), Actions: g.Actions(),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = l.e.Close(context.Background()) })
}

// deploy gives an application that has begun to run.
func deploy(t testing.TB, services string) *lab {
	t.Helper()
	l := &lab{t: t, store: store.NewMemory()}
	l.open()
	app, start, err := l.e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n" + services)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.app = app
	return l
}

// of gives the entity with a plan id.
func (l *lab) of(id string) *entity.Entity {
	l.t.Helper()
	e := l.app.Nearest(id)
	if e == nil {
		l.t.Fatalf("there is no %s", id)
	}
	return e
}

func names(members []*entity.Entity) string {
	var out []string
	for _, m := range members {
		out = append(out, m.PlanID())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// expect waits until a group has these members, and tells what it has when it
// does not come to that.
func (l *lab) expect(id, want string) {
	l.t.Helper()
	l.expectOf(l.of(id), want)
}

func (l *lab) expectOf(g *entity.Entity, want string) {
	l.t.Helper()
	news := make(chan struct{}, 1)
	defer g.Subscribe(entity.Members, func(event.Event) {
		select {
		case news <- struct{}{}:
		default:
		}
	}).Cancel()
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	for names(g.Members()) != want {
		select {
		case <-news:
		case <-ctx.Done():
			l.t.Fatalf("members of %s are %q, want %q", g.PlanID(), names(g.Members()), want)
		}
	}
	if n, _ := g.Sensor(entity.MembersCount); n != int64(len(strings.Fields(want))) {
		l.t.Errorf("the count of %q is %v", want, n)
	}
}

func (l *lab) call(id, effector string, args map[string]any) error {
	l.t.Helper()
	task, err := l.e.Invoke(l.t.Context(), l.of(id), effector, args)
	if err != nil {
		return err
	}
	_, err = task.Wait(l.t.Context())
	return err
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

const three = `
- {type: basic-entity, id: a, brooklyn.tags: [red], brooklyn.config: {role: web}}
- {type: basic-entity, id: b, brooklyn.config: {role: db}}
- type: basic-application
  id: c
  brooklyn.tags: [red]
  brooklyn.children: [{type: basic-entity, id: d, name: dee}]
`

func withFilter(filter string) string {
	return "- {type: dynamic-group, id: g, entityFilter: " + filter + "}\n" + three
}

// What a filter finds at the beginning, in all ways to write one.
func TestFilters(t *testing.T) {
	entityPredicate := func(method, args string) string {
		return fmt.Sprintf("{$brooklyn:object: {type: org.apache.brooklyn.core.entity.EntityPredicates, factoryMethod.name: %s, factoryMethod.args: [%s]}}", method, args)
	}
	guava := func(method, args string) string {
		return fmt.Sprintf("{$brooklyn:object: {type: com.google.common.base.Predicates, factoryMethod.name: %s, factoryMethod.args: [%s]}}", method, args)
	}
	for filter, want := range map[string]string{
		`{tag: red}`:                                                             "a c",
		`{config: role, equals: db}`:                                             "b",
		`{config: role}`:                                                         "a b",
		`{when: always}`:                                                         "a b c d",
		`{java-instance-of: BasicApplication}`:                                   "c",
		`{target: child, when: present}`:                                         "c",
		`{config: role, equals: '$brooklyn:config("wanted")'}`:                   "",
		entityPredicate("hasTag", "red"):                                         "a c",
		entityPredicate("displayNameEqualTo", "dee"):                             "d",
		entityPredicate("configEqualTo", "role, web"):                            "a",
		entityPredicate("isServiceUp", ""):                                       "c",
		entityPredicate("applicationIdEqualTo", `'$brooklyn:root().entityId()'`): "a b c d",
		guava("alwaysFalse", ""):                                                 "",
		guava("alwaysTrue", ""):                                                  "a b c d",
		guava("not", entityPredicate("hasTag", "red")):                           "b d",
		guava("and", entityPredicate("hasTag", "red")+", "+guava("instanceOf", "basic-entity")):   "a",
		guava("or", entityPredicate("displayNameEqualTo", "dee")+", {config: role, equals: web}"): "a d",
	} {
		l := deploy(t, withFilter(filter))
		if want == "" {
			l.must(l.call("g", "rescanEntities", nil))
		}
		l.expect("g", want)
	}
}

func TestNoFilterHasNoMembers(t *testing.T) {
	l := deploy(t, "- {type: dynamic-group, id: g}\n"+three)
	l.must(l.call("g", "rescanEntities", nil))
	l.expect("g", "")
}

// A filter that cannot be is refused with its place.
func TestBadFilters(t *testing.T) {
	for filter, want := range map[string]string{
		`{tagg: red}`:                         `blueprint:4:6: unknown key "tagg" of a predicate; did you mean "tag"?`,
		`{$brooklyn:object: {type: a.Thing}}`: `objects of type "a.Thing" cannot be filters; expected org.apache.brooklyn.core.entity.EntityPredicates, com.google.common.base.Predicates or a predicate`,
		`{$brooklyn:object: {type: org.apache.brooklyn.core.entity.EntityPredicates, factoryMethod.name: hasTags}}`:                                `has no method "hasTags" that can be used here; did you mean "hasTag"?`,
		`{$brooklyn:object: {type: org.apache.brooklyn.core.entity.EntityPredicates, factoryMethod.name: configEqualTo, factoryMethod.args: [a]}}`: `method configEqualTo of org.apache.brooklyn.core.entity.EntityPredicates: expected 2 factoryMethod.args, not 1`,
		`{$brooklyn:object: {factoryMethod.name: x}}`: `expected the keys type and factoryMethod.name`,
		`[]`: `a list is no predicate`,
	} {
		l := &lab{t: t, store: store.NewMemory()}
		l.open()
		_, _, err := l.e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- type: dynamic-group\n  entityFilter:\n    " + filter + "\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\n want %s", filter, err, want)
		}
	}
}

// Members follow what the filter asks for.
func TestMembersFollow(t *testing.T) {
	t.Run("tags", func(t *testing.T) {
		l := deploy(t, withFilter("{tag: red}"))
		l.expect("g", "a c")
		l.must(l.of("b").SetTags(t.Context(), func([]any) []any { return []any{"red"} }))
		l.expect("g", "a b c")
		l.must(l.of("a").SetTags(t.Context(), func([]any) []any { return nil }))
		l.expect("g", "b c")
	})
	t.Run("config", func(t *testing.T) {
		l := deploy(t, withFilter("{config: role, equals: web}"))
		l.expect("g", "a")
		l.must(l.e.SetConfig(t.Context(), l.of("c"), "role", "web"))
		l.expect("g", "a c d") // d inherits it
		l.must(l.of("c").UnsetConfig(t.Context(), "role"))
		l.expect("g", "a")
	})
	t.Run("sensors", func(t *testing.T) {
		l := deploy(t, withFilter("{sensor: load, greater-than: 5}"))
		l.of("a").Set("load", 9)
		l.expect("g", "a")
		l.of("d").Set("load", 6)
		l.expect("g", "a d")
		l.of("a").Set("load", 1)
		l.expect("g", "d")
		l.of("d").Set("load", nil)
		l.expect("g", "")
	})
	t.Run("sensors behind config", func(t *testing.T) {
		l := deploy(t, withFilter(`{config: seen, equals: 'yes'}`))
		l.must(l.e.SetConfig(t.Context(), l.of("a"), "seen", `$brooklyn:entity("b").attributeWhenReady("flag")`))
		l.of("b").Set("flag", "yes")
		l.expect("g", "a")
		l.of("b").Set("flag", "no")
		l.expect("g", "")
	})
	t.Run("an operand of the group", func(t *testing.T) {
		l := deploy(t, `
- type: dynamic-group
  id: g
  brooklyn.config:
    wanted: web
    dynamicgroup.entityfilter: {config: role, equals: '$brooklyn:config("wanted")'}
`+three)
		l.expect("g", "a")
		l.must(l.e.SetConfig(t.Context(), l.of("g"), "wanted", "db"))
		l.expect("g", "b")
	})
	t.Run("children", func(t *testing.T) {
		l := deploy(t, withFilter("{target: child, config: role, equals: cache}"))
		l.must(l.e.SetConfig(t.Context(), l.of("d"), "role", "cache"))
		l.expect("g", "c")
		l.must(l.of("d").Reparent(t.Context(), l.of("b")))
		l.expect("g", "b")
	})
	t.Run("names", func(t *testing.T) {
		l := deploy(t, withFilter("{$brooklyn:object: {type: org.apache.brooklyn.core.entity.EntityPredicates, factoryMethod.name: displayNameEqualTo, factoryMethod.args: [dee]}}"))
		l.expect("g", "d")
		l.must(l.of("d").Rename(t.Context(), "other"))
		l.expect("g", "")
		l.must(l.of("a").Rename(t.Context(), "dee"))
		l.expect("g", "a")
	})
	t.Run("the tree", func(t *testing.T) {
		l := deploy(t, withFilter("{tag: red}"))
		l.expect("g", "a c")
		_, add, err := l.e.AddChildren(t.Context(), l.of("c"), engine.Request{Text: []byte("services:\n- {type: basic-entity, id: e, brooklyn.tags: [red]}\n- {type: basic-entity, id: f}")}, false)
		l.must(err)
		_, err = add.Wait(t.Context())
		l.must(err)
		l.expect("g", "a c e")
		gone, err := l.e.Expunge(t.Context(), l.of("c"), true)
		l.must(err)
		_, err = gone.Wait(t.Context())
		l.must(err)
		l.expect("g", "a")
	})
	t.Run("the filter itself", func(t *testing.T) {
		l := deploy(t, withFilter("{tag: red}"))
		l.expect("g", "a c")
		l.must(l.e.SetConfig(t.Context(), l.of("g"), "dynamicgroup.entityfilter", map[string]any{"config": "role", "equals": "db"}))
		l.expect("g", "b")
		l.must(l.of("g").UnsetConfig(t.Context(), "dynamicgroup.entityfilter"))
		l.expect("g", "")
	})
}

func TestAncestor(t *testing.T) {
	l := deploy(t, "- {type: dynamic-group, id: g, entityFilter: {when: always}, ancestor: '$brooklyn:component(\"c\")'}\n"+three)
	l.expect("g", "d")
	l.must(l.of("a").Reparent(t.Context(), l.of("c")))
	l.expect("g", "a d")
	l.must(l.of("d").Reparent(t.Context(), l.of("b")))
	l.expect("g", "a")
}

// A server that comes back finds what changed meanwhile, and goes on.
func TestFollowingSurvivesRestarts(t *testing.T) {
	l := deploy(t, withFilter("{tag: red}"))
	l.expect("g", "a c")
	l.must(l.e.Close(context.Background()))
	l.open()
	var err error
	l.app, err = l.e.EntityByID(string(l.app.ID()))
	l.must(err)
	l.expect("g", "a c")
	l.must(l.of("b").SetTags(t.Context(), func([]any) []any { return []any{"red"} }))
	l.expect("g", "a b c")
	gone, err := l.e.Expunge(t.Context(), l.of("a"), true)
	l.must(err)
	_, err = gone.Wait(t.Context())
	l.must(err)
	l.expect("g", "b c")
}

func TestRescanOfAnother(t *testing.T) {
	l := deploy(t, withFilter("{tag: red}"))
	if err := l.call("c", "rescanEntities", nil); err == nil {
		t.Error("an application can be rescanned")
	}
	l.must(l.call("g", "rescanEntities", nil))
	l.expect("g", "a c")
}

func TestBasicGroup(t *testing.T) {
	l := deploy(t, "- {type: basic-group, id: g}\n"+three)
	l.expect("g", "")
	l.must(l.call("g", "addMember", map[string]any{"member": "a"}))
	l.must(l.call("g", "addMember", map[string]any{"member": string(l.of("d").ID())}))
	l.must(l.call("g", "addMember", map[string]any{"member": "a"}))
	l.expect("g", "a d")
	if err := l.call("g", "addMember", map[string]any{"member": "nobody"}); err == nil || !strings.Contains(err.Error(), "No entity matching id 'nobody'") {
		t.Errorf("error %v", err)
	}
	if err := l.call("g", "addMember", nil); err == nil || !strings.Contains(err.Error(), "expected an entity, or its id, as member") {
		t.Errorf("error %v", err)
	}
	l.must(l.call("g", "removeMember", map[string]any{"member": "a"}))
	l.expect("g", "d")
	gone, err := l.e.Expunge(t.Context(), l.of("c"), true)
	l.must(err)
	_, err = gone.Wait(t.Context())
	l.must(err)
	l.expect("g", "")
}

func TestChildrenAsMembers(t *testing.T) {
	l := deploy(t, `
- type: basic-group
  id: g
  childrenAsMembers: true
  brooklyn.children: [{type: basic-entity, id: x}, {type: basic-entity, id: y}]
`+three)
	l.expect("g", "x y")
	l.must(l.of("a").Reparent(t.Context(), l.of("g")))
	l.expect("g", "a x y")
	l.must(l.of("x").Reparent(t.Context(), l.of("c")))
	l.expect("g", "a y")
}

// A group is up when enough of the members that can be up are.
func TestGroupsAreUpWithTheirMembers(t *testing.T) {
	for config, want := range map[string][4]bool{"": {true, true, false, true}, "quorum.up: all, ": {true, false, false, true}, "quorum.up: 1, ": {true, true, false, false}} {
		l := deploy(t, "- {type: dynamic-group, id: g, "+config+"entityFilter: {config: role, equals: web}}\n"+`
- {type: basic-startable, id: x, brooklyn.config: {role: web}}
- {type: basic-startable, id: y, brooklyn.config: {role: web}}
- {type: basic-entity, id: z, brooklyn.config: {role: web}}
`)
		l.expect("g", "x y z")
		l.sensor("g", entity.ServiceUp, want[0])
		for i, id := range []string{"x", "y"} {
			l.of(id).Indicate("test", "down")
			l.sensor("g", entity.ServiceUp, want[i+1])
		}
		for _, id := range []string{"x", "y", "z"} {
			l.must(l.e.SetConfig(t.Context(), l.of(id), "role", "other"))
		}
		l.expect("g", "")
		l.sensor("g", entity.ServiceUp, want[3])
	}
}

// Groups that contradict one another never come to rest, but leave time for
// others.
func TestContradictingFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := deploy(t, `
- {type: dynamic-group, id: g}
- {type: dynamic-group, id: h}
- {type: basic-entity, id: a}
`)
		// h is in g while it is empty, and g in h while it is not.
		having := func(other, check string) map[string]any {
			return map[string]any{"all": []any{map[string]any{"config": "camp.plan.id", "equals": other}, map[string]any{"sensor": entity.MembersCount, check: int64(0)}}}
		}
		var rounds atomic.Int32
		defer l.of("h").Subscribe(entity.Members, func(event.Event) {
			if rounds.Add(1) == 20_000 { // else the test would never end
				t.Error("it does not rest")
				go func() { _ = l.of("h").UnsetConfig(context.Background(), "dynamicgroup.entityfilter") }()
			}
		}).Cancel()
		l.must(l.of("g").SetConfig(t.Context(), "dynamicgroup.entityfilter", having("h", "equals")))
		l.must(l.of("h").SetConfig(t.Context(), "dynamicgroup.entityfilter", having("g", "greater-than")))
		time.Sleep(10 * time.Second)
		if n := rounds.Load(); n < 1000 || n > 10*(1000+100) {
			t.Errorf("%d rounds in 10 s", n)
		}
		l.must(l.of("h").UnsetConfig(t.Context(), "dynamicgroup.entityfilter"))
		synctest.Wait()
		l.expect("h", "")
		l.expect("g", "h")
		_ = l.e.Close(context.Background())
	})
}

// One event costs the same however many entities there are.
func BenchmarkOneEvent(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := deploy(b, "- {type: dynamic-group, id: g, entityFilter: {sensor: load, greater-than: 5}}\n"+strings.Repeat("- {type: basic-entity}\n", n)+three)
			g, a, load := l.of("g"), l.of("a"), []any{9, 1}
			joined := []string{"a", ""}
			b.ResetTimer()
			for i := range b.N {
				a.Set("load", load[i%2])
				l.expectOf(g, joined[i%2])
			}
		})
	}
}
