// Package docs runs the examples of the guide for blueprint authors.
//
// A page has blocks of YAML and text, by the word after the language:
//
//	yaml catalog     is added to the catalog before the blueprint
//	yaml blueprint   is deployed; with errors after it, it is only checked
//	text expect      lines that are carried out in order, after the blueprint
//	text errors      what a check of the blueprint gives, line by line
//
// A line of expect is one of
//
//	ENTITY config KEY = JSON      ENTITY sensor NAME = JSON    ENTITY name = TEXT
//	ENTITY config KEY ! TEXT      ENTITY children = N          ENTITY tags = JSON
//	ENTITY set SENSOR = JSON      ENTITY state = STATE
//	ENTITY call EFFECTOR ARGS = JSON           ENTITY run EFFECTOR ARGS = ok
//
// where ENTITY is a plan id, or app, and "!" an error that has the text in it.
package docs

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

var block = regexp.MustCompile("(?ms)^```(yaml|text) (\\w+)\n(.*?)^```$")

func TestGuide(t *testing.T) {
	pages, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	ran := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			var x *example
			for _, m := range block.FindAllStringSubmatchIndex(string(text), -1) {
				word, body := string(text[m[4]:m[5]]), string(text[m[6]:m[7]])
				line := strings.Count(string(text[:m[0]]), "\n") + 1
				switch word {
				case "catalog":
					x.run(t)
					x = &example{line: line, catalog: body}
				case "blueprint":
					if x == nil || x.blueprint != "" {
						x.run(t)
						x = &example{line: line}
					}
					x.blueprint = body
				case "expect":
					x.expect = body
				case "errors":
					x.errors = body
				default:
					t.Errorf("line %d: a block of %q is not known", line, word)
				}
				ran++
			}
			x.run(t)
		})
	}
	if ran == 0 {
		t.Error("the guide has no examples")
	}
}

// example is one blueprint with what belongs to it.
type example struct {
	line                               int
	catalog, blueprint, expect, errors string
}

func (x *example) run(t *testing.T) {
	if x == nil {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		e := begin(t)
		defer e.Close(context.Background())
		if x.catalog != "" {
			if _, err := e.AddBundle(t.Context(), engine.BundleRequest{File: "catalog", Content: []byte(x.catalog)}); err != nil {
				t.Errorf("line %d: %v", x.line, err)
				return
			}
		}
		request := engine.Request{File: "blueprint", Text: []byte(x.blueprint)}
		if x.errors != "" {
			if _, err := e.Check(t.Context(), request); err == nil || err.Error()+"\n" != x.errors {
				t.Errorf("line %d: got %v", x.line, err)
			}
			return
		}
		if x.blueprint == "" {
			return
		}
		app, _, err := e.Deploy(t.Context(), request)
		if err != nil {
			t.Errorf("line %d: %v", x.line, err)
			return
		}
		synctest.Wait()
		for line := range strings.Lines(x.expect) {
			r := &reader{t: t, e: e, app: app, line: strings.TrimSpace(line)}
			if r.line != "" {
				r.carryOut(x.line)
			}
		}
	})
}

func begin(t *testing.T) *engine.Engine {
	t.Helper()
	n, err := yamlpos.Parse("external", []byte("{type: in-place, values: {password: s3cret}}"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := external.Read(n)
	if err != nil {
		t.Fatal(err)
	}
	native := builtin.All(builtin.Config{Plane: "docs", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	types, err := builtin.Catalog(native.Types)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: types, Actions: native.Actions, External: external.Providers{"vault": values},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// reader carries out one line of an expect block.
type reader struct {
	t    *testing.T
	e    *engine.Engine
	app  *entity.Entity
	line string
}

var form = regexp.MustCompile(`^(\S+) (config|sensor|set|name|children|tags|state|call|run)(?: (\S+))?(?: (\{.*\}))? (=|!) (.*)$`)

func (r *reader) carryOut(at int) {
	m := form.FindStringSubmatch(r.line)
	if m == nil {
		r.t.Errorf("example at line %d: %q is not understood", at, r.line)
		return
	}
	ent := r.entity(m[1])
	if ent == nil {
		r.t.Errorf("example at line %d: %q: no such entity", at, r.line)
		return
	}
	got, err := r.ask(ent, m[2], m[3], m[4], m[6])
	if m[5] == "!" {
		if err == nil || !strings.Contains(err.Error(), m[6]) {
			r.t.Errorf("example at line %d: %q: got %v, error %v", at, r.line, got, err)
		}
		return
	}
	var want any = m[6]
	if slices.Contains([]string{"config", "sensor", "tags", "call", "children"}, m[2]) {
		d := json.NewDecoder(strings.NewReader(m[6]))
		d.UseNumber()
		if e := d.Decode(&want); e != nil {
			r.t.Errorf("example at line %d: %q: %v", at, r.line, e)
		}
		want = coerce.Plain(want)
	}
	if err != nil || m[2] != "set" && !same(got, want) {
		r.t.Errorf("example at line %d: %q: got %#v, %v", at, r.line, got, err)
	}
}

// same compares values; numbers by what they are worth.
func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y) || reflect.DeepEqual(a, b)
}

func (r *reader) entity(id string) *entity.Entity {
	for _, e := range r.app.Descendants() {
		if e.PlanID() == id {
			return e
		}
	}
	if id == "app" {
		return r.app
	}
	return nil
}

func (r *reader) ask(ent *entity.Entity, what, name, args, text string) (any, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Hour) // of the test's clock
	defer cancel()
	synctest.Wait()
	switch what {
	case "config":
		v, err := ent.Config(ctx, name)
		v = entity.Document(v)
		if doc, ok := v.(map[string]any); ok && doc["$entity"] != nil {
			v = doc["planId"]
		}
		return v, err
	case "sensor":
		v, _ := ent.Sensor(name)
		return v, nil
	case "set":
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, err
		}
		ent.Set(name, v)
		return nil, nil
	case "name":
		return ent.Name(), nil
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
	task, err := r.e.Invoke(ctx, ent, name, in)
	if err != nil {
		return nil, err
	}
	v, err := task.Wait(ctx)
	if what == "run" {
		v = "ok"
	}
	return v, err
}
