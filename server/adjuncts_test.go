package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// adder is a policy that publishes in "sum" the sum of its state, the sensor
// that it listens to, and its config "add".
type adder struct{}

func (adder) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	var sum float64
	if len(c.State) > 0 {
		if err := json.Unmarshal(c.State, &sum); err != nil {
			return nil, err
		}
	}
	add, _ := c.Config["add"].(int64)
	n, _ := c.Event.Value.(int64)
	sum += float64(n + add)
	state, err := json.Marshal(sum)
	return &hook.Decision{State: state, Sensors: map[string]any{"sum": sum}}, err
}

// noter is a policy that runs a step at each event.
type noter struct{}

func (noter) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	return &hook.Decision{Steps: []hook.Step{{Step: "set-sensor", Input: map[string]any{"sensor": "noted", "value": c.Event.Value}}}}, nil
}

// copier is an enricher that publishes the sensor "from" as "to".
func copier(ctx context.Context, h catalog.EnricherHost) error {
	to, err := h.Config(ctx, "to")
	if err != nil {
		return err
	}
	publish := func(v any) { h.Publish(to.(string), v) }
	h.Listen(h.Entity(), "n", func(ev event.Event) { publish(ev.Value) })
	v, _ := h.Entity().Sensor("n")
	publish(v)
	return nil
}

// changing is a server on an engine with these two, and an entity "e".
type changing struct {
	t      *testing.T
	engine *engine.Engine
	server *Server
}

func begin(t *testing.T, s store.Store) *changing {
	t.Helper()
	integer := []any{map[string]any{"less-than": int64(100)}}
	e, err := engine.New(context.Background(), engine.Config{Store: s, Types: []*catalog.Type{
		{Type: hook.Type{Name: "App", Kind: catalog.Entity}, Application: true},
		{
			Type: hook.Type{
				Name: "org.example.Adder", Kind: catalog.Policy, Aliases: []string{"adder"}, Events: []hook.EventSpec{{SensorFrom: "sensor"}},
				Config: []hook.ConfigKey{
					{Name: "sensor", Type: "string", Required: true}, {Name: "add", Flags: []string{"plus"}, Type: "integer", Default: int64(0), Constraints: integer},
				},
			},
			Policy: adder{},
		},
		{Type: hook.Type{Name: "copier", Kind: catalog.Enricher, Config: []hook.ConfigKey{{Name: "to", Type: "string", Required: true}}}, Enricher: copier},
		{Type: hook.Type{Name: "noter", Kind: catalog.Policy, Events: []hook.EventSpec{{Sensor: "n"}}}, Policy: noter{}},
		{Type: hook.Type{Name: "later", Kind: catalog.Policy}, Unbuilt: "use adder"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &changing{t, e, New(e, Config{Password: "pw"})}
}

func (c *changing) end() {
	c.t.Helper()
	if err := c.engine.Close(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

// ask makes a request about the entity and gives the status, the body, and the
// warnings. Of an error it gives the message.
func (c *changing) ask(method, path, body string) (status int, answer, warning string) {
	c.t.Helper()
	r := httptest.NewRequest(method, "/v1/applications/e/entities/e"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "pw")
	w := httptest.NewRecorder()
	c.server.Handler().ServeHTTP(w, r)
	synctest.Wait()
	answer = strings.TrimSpace(w.Body.String())
	var failed errorBody
	if w.Code >= 400 && json.Unmarshal(w.Body.Bytes(), &failed) == nil {
		answer = failed.Message
	}
	return w.Code, answer, w.Header().Get("Warning")
}

func (c *changing) sensor(name string) any {
	c.t.Helper()
	ent, err := c.engine.Entity("e", "e")
	if err != nil {
		c.t.Fatal(err)
	}
	v, _ := ent.Sensor(name)
	return v
}

func (c *changing) set(value int64) {
	c.t.Helper()
	ent, err := c.engine.Entity("e", "e")
	if err != nil {
		c.t.Fatal(err)
	}
	ent.Set("n", value)
	synctest.Wait()
}

// expect makes requests that must succeed.
func (c *changing) expect(status int, method, path, body string) {
	c.t.Helper()
	if code, answer, _ := c.ask(method, path, body); code != status {
		c.t.Errorf("%s %s %s: %d %s, want %d", method, path, body, code, answer, status)
	}
}

// What is added, changed and removed while its entity lives acts at once, goes
// on with its state, and is so after a restart.
func TestAdjunctsOfALivingEntity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		c := begin(t, s)
		if _, _, err := c.engine.Deploy(t.Context(), engine.Request{ID: "e", Text: []byte("services: [{type: App}]")}); err != nil {
			t.Fatal(err)
		}
		c.set(1)
		c.expect(200, "POST", "/policies?type=adder&name=mine&id=a1", `{"sensor": "n", "plus": "10"}`)
		c.expect(200, "POST", "/adjuncts?type=copier", `{"to": "copy"}`)
		if c.sensor("sum") != 11.0 || c.sensor("copy") != int64(1) {
			t.Errorf("what was there before is taken: sum %v, copy %v", c.sensor("sum"), c.sensor("copy"))
		}
		c.expect(204, "POST", "/policies/mine/config/plus", "20")
		c.set(2)
		if c.sensor("sum") != 33.0 {
			t.Errorf("with other config: sum %v", c.sensor("sum"))
		}
		c.expect(204, "PUT", "/adjuncts/copier/config/to", "other")
		if c.sensor("other") != int64(2) {
			t.Errorf("the enricher begins again: %v", c.sensor("other"))
		}
		c.expect(204, "POST", "/policies/a1/stop", "")
		c.end()

		c = begin(t, s)
		c.set(3)
		if fmt.Sprint(c.sensor("sum"), c.sensor("other"), c.sensor("copy")) != "33 3 2" {
			t.Errorf("after a restart: sum %v, other %v, copy %v", c.sensor("sum"), c.sensor("other"), c.sensor("copy"))
		}
		if _, answer, _ := c.ask("GET", "/policies/a1/config/add", ""); answer != "20" {
			t.Errorf("after a restart its config is %s", answer)
		}
		c.expect(204, "POST", "/policies/a1/config/add", "null") // the default
		c.expect(204, "POST", "/policies/a1/start", "")
		c.set(4)
		if c.sensor("sum") != 37.0 {
			t.Errorf("resumed: sum %v", c.sensor("sum"))
		}
		c.expect(204, "DELETE", "/policies/mine", "")
		c.expect(204, "POST", "/policies/copier/destroy", "")
		c.set(5)
		c.end()

		c = begin(t, s)
		defer c.end()
		if code, answer, _ := c.ask("GET", "/adjuncts", ""); code != 200 || answer != "[]" || fmt.Sprint(c.sensor("sum"), c.sensor("other")) != "37 4" {
			t.Errorf("after all is gone: %s, sum %v, other %v", answer, c.sensor("sum"), c.sensor("other"))
		}
	})
}

// What a policy decided on is listed, also after a restart.
func TestActivitiesOfAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		c := begin(t, s)
		if _, _, err := c.engine.Deploy(t.Context(), engine.Request{ID: "e", Text: []byte("services: [{type: App}]")}); err != nil {
			t.Fatal(err)
		}
		c.expect(200, "POST", "/policies?type=noter&name=a", "")
		c.expect(200, "POST", "/policies?type=noter&name=b", "")
		c.set(1)
		c.set(2)
		c.expect(204, "POST", "/policies/b/stop", "")
		c.set(3)
		listed := func(path string, want int) {
			t.Helper()
			_, answer, _ := c.ask("GET", path, "")
			var list []taskSummary
			if err := json.Unmarshal([]byte(answer), &list); err != nil || len(list) != want {
				t.Errorf("%s: %d activities, want %d: %v %s", path, len(list), want, err, answer)
			}
		}
		listed("/adjuncts/a/activities", 3)
		listed("/adjuncts/b/activities", 2)
		listed("/adjuncts/b/activities?limit=1", 1)
		listed("/adjuncts/b/activities?recurse=true", 4)
		if code, answer, _ := c.ask("GET", "/adjuncts/nobody/activities", ""); code != 404 || !strings.HasPrefix(answer, "Adjunct 'nobody' not found") {
			t.Errorf("%d %s", code, answer)
		}
		c.end()
		c = begin(t, s)
		defer c.end()
		listed("/adjuncts/a/activities", 3)
	})
}

// What cannot be is refused with the reason, and changes nothing.
func TestAdjunctsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := begin(t, store.NewMemory())
		defer c.end()
		app, _, err := c.engine.Deploy(t.Context(), engine.Request{ID: "e", Text: []byte("services: [{type: App}]")})
		if err != nil {
			t.Fatal(err)
		}
		c.set(1)
		c.expect(200, "POST", "/policies?type=org.example.Adder&id=a1", `{"sensor": "n"}`)
		for _, x := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"POST", "/policies?type=addr", "", 400, `unknown policy type "addr"; did you mean "adder"?`},
			{"POST", "/adjuncts?type=copir&adjunctType=ENRICHER", "", 400, `unknown enricher type "copir"; did you mean "copier"?`},
			{"POST", "/policies?type=adder:9.9", `{"sensor": "n"}`, 400, `unknown version 9.9 of policy type "adder"; there is 1.0.0`},
			{"POST", "/policies?type=later", "", 400, "type later is known but not built: use adder"},
			{"POST", "/policies?type=App", "", 400, `"App" is the name of an entity type, not of a policy type`},
			{"POST", "/policies?type=adder", "", 400, "Invalid value for sensor: a value is required"},
			{"POST", "/policies?type=adder", `{"sensor": "n", "add": "many"}`, 400, `Invalid value for add: cannot read "many" as integer`},
			{"POST", "/policies?type=adder", `{"add": 100}`, 400, "Invalid value for sensor: a value is required\nInvalid value for add: 100 does not satisfy {\"less-than\":100}"},
			{"POST", "/policies?type=adder", `{"sensor": "$brooklyn:component(\"x\").sensorName()"`, 400, "the body is not JSON: unexpected EOF"},
			{"POST", "/policies?type=adder", `{"sensor": "$brooklyn:component(\"nobody\").config(\"x\")"}`, 400, "No entity matching id 'nobody' in this blueprint"},
			{"POST", "/policies?type=adder&id=a1", `{"sensor": "n"}`, 409, `add Adder to ` + app.Name() + `: there is a policy or enricher with the id "a1" already`},
			{"POST", "/policies?type=adder&id=a/1", `{"sensor": "n"}`, 400, `id "a/1": expected at most 63 characters without '/', '.' and blanks`},
			{"POST", "/policies/a1/config/pluss", "5", 404, `Config 'pluss' not known: org.example.Adder has no such key; did you mean "plus"?`},
			{"POST", "/policies/a1/config/add", "many", 400, `Invalid value for add: cannot read "many" as integer`},
			{"POST", "/policies/a1/config/add", "100", 400, `Invalid value for add: 100 does not satisfy {"less-than":100}`},
			{"POST", "/policies/a1/config/sensor", "null", 400, "Invalid value for sensor: a value is required"},
			{"POST", "/policies/a1/config/sensor", "", 400, "the body is empty: expected the value; null takes it away"},
		} {
			code, answer, _ := c.ask(x.method, x.path, x.body)
			if code != x.status || answer != x.want {
				t.Errorf("%s %s %s\n got %d %s\nwant %d %s", x.method, x.path, x.body, code, answer, x.status, x.want)
			}
		}
		if list := c.engine.Adjuncts(app); len(list) != 1 || len(list[0].Config) != 1 || !list[0].Running {
			t.Errorf("there are %+v", list)
		}
		const warned = `299 - "org.example.Adder has no config key \"plsu\"; did you mean \"plus\"?"`
		if code, _, warning := c.ask("POST", "/policies?type=adder&name=b", `{"sensor": "n", "plsu": 5}`); code != 200 || warning != warned {
			t.Errorf("a key that there is not: %d %s", code, warning)
		}
		c.expect(200, "POST", "/policies?type=adder&name=first", `{"sensor": "n", "uniqueTag": "only"}`)
		c.expect(200, "POST", "/policies?type=adder&name=last", `{"sensor": "n", "uniqueTag": "only"}`)
		names := ""
		for _, i := range c.engine.Adjuncts(app) {
			names += i.Name + " "
		}
		if names != "Adder b last " {
			t.Errorf("one of a tag takes the place of another: %s", names)
		}
	})
}
