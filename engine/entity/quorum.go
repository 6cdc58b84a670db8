package entity

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// The config keys with which an entity that follows its children says how many
// of them must be up, and how many must not be on fire. Their values are words
// of Quorums or numbers; without one it is what the type declares, else all.
const (
	UpQuorum      = "quorum.up"
	RunningQuorum = "quorum.running"
)

// Check tells whether so many of a total are a quorum.
type Check func(have, total int) bool

var checks = map[string]Check{
	"all":                   func(have, total int) bool { return have >= total },
	"allAndAtLeastOne":      func(have, total int) bool { return have >= total && have > 0 },
	"atLeastOne":            func(have, _ int) bool { return have > 0 },
	"atLeastOneUnlessEmpty": func(have, total int) bool { return have > 0 || total == 0 },
	"alwaysTrue":            func(int, int) bool { return true },
	"alwaysHealthy":         func(int, int) bool { return true },
}

// Quorums are the words for checks; they are Brooklyn's.
func Quorums() []string { return slices.Sorted(maps.Keys(checks)) }

// Quorum reads a check: a word, or a number that is enough. Nil is "all"; ok is
// false for what is neither.
func Quorum(v any) (c Check, ok bool) {
	switch x := v.(type) {
	case nil:
		return checks["all"], true
	case string:
		if c, ok := checks[x]; ok {
			return c, true
		}
	}
	n, err := coerce.To("integer", v)
	enough, isNumber := n.(int64)
	if err != nil || !isNumber {
		return nil, false
	}
	return func(have, _ int) bool { return int64(have) >= enough }, true
}

// quorum counts how the children fare, so that one child's change costs the
// same however many there are.
type quorum struct {
	children map[ID]string // state of each startable child
	up, fire int
	total    int
}

// note takes a child's state and tells whether the counts changed.
func (q *quorum) note(child *Entity, state string) bool {
	fate := "down"
	switch {
	case state == OnFire:
		fate = "fire"
	case child.sensors[ServiceUp].Value == true:
		fate = "up"
	}
	old, known := q.children[child.rec.ID]
	if known && old == fate {
		return false
	}
	if q.children == nil {
		q.children = map[ID]string{}
	}
	q.children[child.rec.ID] = fate
	q.count(old, -1)
	q.count(fate, 1)
	if !known {
		q.total++
	}
	return true
}

func (q *quorum) drop(child ID) bool {
	old, known := q.children[child]
	if known {
		delete(q.children, child)
		q.count(old, -1)
		q.total--
	}
	return known
}

func (q *quorum) count(fate string, by int) {
	switch fate {
	case "up":
		q.up += by
	case "fire":
		q.fire += by
	}
}

// missing gives the indicator's text, nil when enough children are up.
func (q *quorum) missing(enough Check) any {
	if enough(q.up, q.total) {
		return nil
	}
	return fmt.Sprintf("%d of %d children are not up", q.total-q.up, q.total)
}

// burning gives the problem's text, nil when enough children are not on fire.
func (q *quorum) burning(enough Check) any {
	if q.fire == 0 || enough(q.total-q.fire, q.total) {
		return nil
	}
	return fmt.Sprintf("%d of %d children are on fire", q.fire, q.total)
}

// check gives the check that a key of the entity sets; the caller holds e.mu. A
// value that is none counts as all: it was refused when it was written.
func (e *Entity) check(key string) Check {
	var raw any
	if k := e.Declaration().declared(key); k != nil {
		raw = k.Default
	}
	if s := e.config[key]; s != nil {
		raw = s.raw
	}
	if c, ok := Quorum(raw); ok {
		return c
	}
	return checks["all"]
}

// QuorumKeys declares the keys for types whose service state follows that of
// their children.
func QuorumKeys() []hook.ConfigKey {
	words := []any{map[string]any{"regex": strings.Join(Quorums(), "|") + `|\d+`}}
	return []hook.ConfigKey{
		{Name: UpQuorum, Flags: []string{"upQuorumCheck"}, Type: "string", Inherit: Never, Constraints: words, Description: "how many children must be up for the entity to be up: a number, or " + strings.Join(Quorums(), ", ")},
		{Name: RunningQuorum, Flags: []string{"runningQuorumCheck"}, Type: "string", Inherit: Never, Constraints: words, Description: "how many children must not be on fire for the entity not to be: a number, or one of the same words"},
	}
}
