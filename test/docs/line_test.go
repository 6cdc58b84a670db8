package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

var form = regexp.MustCompile(`^(\S+) (config|sensor|set|name|type|children|tags|state|call|run)(?: (\S+))?(?: (\{.*\}))? (=|!) (.*)$`)

// line carries out one line of an expect or expressions block.
func (s *stage) line(word, text string) error {
	if rest, ok := strings.CutPrefix(text, "wait "); ok {
		d, err := coerce.Duration(rest)
		time.Sleep(d) // of the test's clock
		return err
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Hour) // likewise
	defer cancel()
	synctest.Wait()
	if word == "expressions" {
		at := strings.LastIndex(text, " = ")
		if at < 0 {
			return fmt.Errorf("expected EXPRESSION = JSON")
		}
		got, err := s.app.Evaluate(ctx, "$brooklyn:"+text[:at])
		return verify(got, err, "=", text[at+3:], true)
	}
	if rest, ok := strings.CutPrefix(text, "result "); ok && len(rest) > 2 {
		if rest[0] == '=' && s.err != nil {
			return s.err
		}
		return verify(s.result, s.err, rest[:1], rest[2:], true)
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("it is not understood")
	}
	ent := s.entity(m[1])
	if ent == nil {
		return fmt.Errorf("no such entity")
	}
	if m[2] == "set" {
		var v any
		err := json.Unmarshal([]byte(m[6]), &v)
		ent.Set(m[3], v)
		return err
	}
	got, err := s.ask(ctx, ent, m[2], m[3], m[4])
	return verify(got, err, m[5], m[6], slices.Contains([]string{"config", "sensor", "tags", "call", "children"}, m[2]))
}

// verify compares what was got with what a line wants.
func verify(got any, err error, sign, text string, isJSON bool) error {
	if sign == "!" {
		if err == nil || !strings.Contains(err.Error(), text) {
			return fmt.Errorf("got %v, error %v", got, err)
		}
		return nil
	}
	var want any = text
	if isJSON {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if e := d.Decode(&want); e != nil {
			return e
		}
		want = coerce.Plain(want)
	}
	if err != nil || !same(plain(got), want) {
		return fmt.Errorf("got %#v, %v", plain(got), err)
	}
	return nil
}

// plain gives a value as blueprints write it; an entity is its plan id, or its
// name.
func plain(v any) any {
	if e, ok := v.(*entity.Entity); ok {
		if e.PlanID() != "" {
			return e.PlanID()
		}
		return e.Name()
	}
	v = entity.Document(v)
	if doc, ok := v.(map[string]any); ok && doc["$entity"] != nil {
		return doc["planId"]
	}
	return v
}

// entity finds an entity by plan id.
func (s *stage) entity(id string) *entity.Entity {
	for _, e := range s.app.Descendants() {
		if e.PlanID() == id {
			return e
		}
	}
	if id == "app" {
		return s.app
	}
	return nil
}

func (s *stage) ask(ctx context.Context, ent *entity.Entity, what, name, args string) (any, error) {
	switch what {
	case "config":
		return ent.Config(ctx, name)
	case "sensor":
		v, _ := ent.Sensor(name)
		return v, nil
	case "name":
		return ent.Name(), nil
	case "type":
		return ent.Declaration().Name, nil
	case "state":
		return ent.State(), nil
	case "children":
		return len(ent.Children()), nil
	case "tags":
		return ent.Tags(), nil
	}
	var in map[string]any
	if args != "" {
		if err := json.Unmarshal([]byte(args), &in); err != nil {
			return nil, err
		}
	}
	task, err := s.e.Invoke(ctx, ent, name, in)
	if err != nil {
		return nil, err
	}
	v, err := task.Wait(ctx)
	if what == "run" {
		v = "ok"
	}
	return v, err
}
