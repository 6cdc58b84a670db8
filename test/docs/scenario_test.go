package docs

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/builtin"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
	"github.com/gowanus-project/gowanus/modules"
)

// scenario is blocks that one engine gets, one after the other: catalogs, then
// what uses them.
type scenario []block

// scenarios parts the blocks of a page. A catalog, or what may use one, begins
// a new one when the one before has had its blueprint.
func scenarios(t *testing.T, all []block) (out []scenario) {
	t.Helper()
	complete := true
	for _, b := range all {
		uses := b.word == "blueprint" || b.word == "check" || b.word == "shipped" || b.word == "live" || b.word == "workflow"
		switch b.word {
		case "catalog", "blueprint", "check", "shipped", "live", "predicates", "workflow":
			if complete {
				out, complete = append(out, nil), false
			}
			complete = complete || uses || b.word == "predicates"
		case "errors", "expect", "expressions":
			if len(out) == 0 {
				t.Fatalf("line %d: %s follows nothing", b.line, b.word)
			}
		default:
			t.Errorf("line %d: a block that is not run: %q %q", b.line, b.language, b.word)
			continue
		}
		out[len(out)-1] = append(out[len(out)-1], b)
	}
	return out
}

// stage is a scenario that is under way.
type stage struct {
	t   *testing.T
	e   *engine.Engine
	app *entity.Entity

	result any // of the workflow that ran last
	err    error
}

func (s scenario) run(t *testing.T) {
	server()
	modular := slices.ContainsFunc(s, func(b block) bool { return b.word == "shipped" || b.word == "live" })
	if modular {
		_, _ = shipped() // an error is told where the types are wanted
	}
	synctest.Test(t, func(t *testing.T) {
		on := &stage{t: t, e: begin(t, modular)}
		defer on.e.Close(context.Background())
		for i, b := range s {
			refused := ""
			if i+1 < len(s) && s[i+1].word == "errors" {
				refused = s[i+1].body
			}
			on.block(b, refused)
		}
	})
}

func (s *stage) block(b block, refused string) {
	switch b.word {
	case "catalog":
		_, err := s.e.AddBundle(s.t.Context(), engine.BundleRequest{File: "catalog", Content: []byte(b.body)})
		s.compare(b, err, refused)
	case "shipped":
		if _, err := modules.List(); fault.KindOf(err) == fault.Unavailable {
			s.t.Logf("line %d is not checked: %v", b.line, err)
			return
		}
		s.check(b, refused)
	case "check":
		s.check(b, refused)
	case "blueprint", "live":
		if _, err := modules.List(); b.word == "live" && fault.KindOf(err) == fault.Unavailable {
			s.t.Skipf("line %d is not run: %v", b.line, err)
		}
		app, _, err := s.e.Deploy(s.t.Context(), engine.Request{File: "blueprint", Text: []byte(b.body)})
		if err != nil {
			s.t.Errorf("line %d: %v", b.line, err)
			return
		}
		s.app = app
		synctest.Wait()
	case "workflow":
		s.workflow(b)
	case "predicates":
		s.predicates(b)
	case "expect", "expressions":
		if s.app == nil {
			s.t.Errorf("line %d: nothing is deployed", b.line)
			return
		}
		for text := range strings.Lines(b.body) {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if err := s.line(b.word, text); err != nil {
				s.t.Errorf("block at line %d: %q: %v", b.line, text, err)
			}
		}
	}
}

// shop is the application that the workflows of the guide run for.
const shop = `
name: Shop
services:
- type: basic-application
  id: shop
  name: Shop
  brooklyn.config: {greeting: hello, server: SERVER}
  brooklyn.children:
  - {type: basic-entity, id: web, name: Web}
  - type: basic-entity
    id: db
    name: Database
    brooklyn.initializers:
    - type: workflow-effector
      brooklyn.config: {name: backup, parameters: {to: {defaultValue: disk}}, steps: ['return saved to ${to}']}
`

// workflow runs one for the shop. What it gives is what the line "result" is
// about.
func (s *stage) workflow(b block) {
	app, _, err := s.e.Deploy(s.t.Context(), engine.Request{Text: []byte(strings.ReplaceAll(shop, "SERVER", server()))})
	if err != nil {
		s.t.Fatal(err)
	}
	s.app = app
	synctest.Wait()
	t, err := s.e.RunWorkflow(s.t.Context(), app, engine.Request{File: "workflow", Text: []byte(b.body)})
	if err != nil {
		s.err = err
		return
	}
	s.result, s.err = t.Wait(s.t.Context())
	synctest.Wait()
}

// server gives the address of a server that says what it was asked. It is
// outside of the test's clock, which waits for nothing that a network does.
var server = sync.OnceValue(func() string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Connection", "close")
		_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "body": string(body)})
	}))
	return srv.URL
})

func (s *stage) check(b block, want string) {
	_, err := s.e.Check(s.t.Context(), engine.Request{File: "blueprint", Text: []byte(b.body), Lenient: true})
	s.compare(b, err, want)
}

func (s *stage) compare(b block, err error, want string) {
	got := ""
	if err != nil {
		got = err.Error() + "\n"
	}
	if got != want {
		s.t.Errorf("line %d: got errors %q, want %q", b.line, got, want)
	}
}

func (s *stage) predicates(b block) {
	n, err := yamlpos.Parse("predicates", []byte(b.body), yamlpos.Limits{})
	if err != nil {
		s.t.Errorf("line %d: %v", b.line, err)
		return
	}
	for _, item := range n.Items {
		p, err := predicate.Compile(item.Get("predicate"), predicate.Limits{})
		if err != nil {
			s.t.Errorf("line %d: %v", b.line, err)
			continue
		}
		asked := 0
		for word, want := range map[string]bool{"holds": true, "fails": false} {
			values := item.Get(word)
			if values == nil {
				continue
			}
			for _, v := range values.Items {
				asked++
				if got, err := p.Test(s.t.Context(), predicate.Subject{Value: v.Any()}); got != want || err != nil {
					s.t.Errorf("line %d: %s %s %v: got %v, %v", b.line, yamlpos.Format(item.Get("predicate")), word, v.Any(), got, err)
				}
			}
		}
		if asked == 0 {
			s.t.Errorf("line %d: no values for %s", b.line, yamlpos.Format(item.Get("predicate")))
		}
	}
}

// begin gives an engine with all native types, those of the shipped modules if
// wanted, and the external provider that the examples name.
func begin(t *testing.T, shipped bool) *engine.Engine {
	t.Helper()
	n, err := yamlpos.Parse("external", []byte("{type: in-place, values: {password: s3cret}}"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	values, err := external.Read(n)
	if err != nil {
		t.Fatal(err)
	}
	native := builtin.All(builtin.Config{Plane: "docs", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), AllowShell: true})
	if shipped {
		native.Types = append(native.Types, shippedTypes(t)...)
	}
	types, err := builtin.Catalog(native.Types)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: types, Actions: native.Actions, External: external.Providers{"vault": values},
		Providers: []location.Provider{nowhere{}}, Locations: places,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shipped loads the modules once, outside of the tests' bubbles.
var shipped = sync.OnceValues(func() ([]*guest.Module, error) {
	list, err := modules.List()
	if err != nil {
		return nil, err
	}
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		return nil, err
	}
	var out []*guest.Module
	for _, m := range list {
		bin, err := m.Wasm()
		if err != nil {
			return nil, err
		}
		code, err := r.Load(m.Name, bin, wasm.LoadOptions{})
		if err != nil {
			return nil, err
		}
		if m.Name != "docker" { // the others are asked
			if err := code.Prepare(context.Background()); err != nil {
				return nil, err
			}
		}
		g, err := guest.Load(m.Description, code, guest.Limits{})
		if err != nil {
			return nil, err
		}
		g.GrantAll()
		out = append(out, g)
	}
	return out, nil
})

// shippedTypes gives the types of the modules.
func shippedTypes(t *testing.T) (out []*catalog.Type) {
	t.Helper()
	list, err := shipped()
	if err != nil && fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
	for _, m := range list {
		out = append(out, m.Types()...)
	}
	return out
}

// same compares values as JSON, so that 1 and 1.0 are equal.
func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
