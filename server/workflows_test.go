package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/server"
)

// site is a server of a real engine with one application, "shop".
type site struct {
	t    *testing.T
	http http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: slices.Concat(stock.Types(), flow.Types())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	_, start, err := e.Deploy(t.Context(), engine.Request{ID: "shop", Text: []byte("name: Shop\nservices: [{type: basic-entity, id: a}, {type: basic-entity, id: b}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, server.New(e, server.Config{Password: "pw"}).Handler()}
}

// ask sends a request and gives the status and what came back.
func (s *site) ask(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	r := httptest.NewRequest(method, "/v1/applications/shop/entities/a/workflows"+path, strings.NewReader(body))
	r.SetBasicAuth("admin", "pw")
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	var doc map[string]any
	text := w.Body.Bytes()
	if len(text) > 0 && text[0] == '[' {
		var list []any
		if err := json.Unmarshal(text, &list); err != nil {
			s.t.Fatal(err)
		}
		return w.Code, map[string]any{"list": list}
	}
	if err := json.Unmarshal(text, &doc); err != nil && len(text) > 0 {
		s.t.Fatalf("%s %s: %s", method, path, text)
	}
	return w.Code, doc
}

func TestWorkflows(t *testing.T) {
	s := newSite(t)
	code, run := s.ask("POST", "?timeout=5s", "output: {n: '${n}'}\nretention: 5\nreplayable: from start\nsteps:\n- let integer n = 1\n- {id: pub, step: 'set-sensor n = ${n}', input: {password: s3cret}}\n- no-op\n")
	if code != 200 || run["currentStatus"] != "Completed" || run["isError"] != false {
		t.Fatalf("%d %v", code, run)
	}
	code, all := s.ask("GET", "/", "")
	list, _ := all["list"].([]any)
	if code != 200 || len(list) != 1 {
		t.Fatalf("%d %v", code, all)
	}
	id := list[0].(map[string]any)["workflowId"].(string)
	_, w := s.ask("GET", "/"+id+"?suppressSecrets=true", "")
	for path, want := range map[string]string{
		"status": `"SUCCESS"`, "name": `"workflow"`, "output": `{"n":1}`, "outputDefinition": `{"n":"${n}"}`, "replayableFromStart": "true", "retention": `{"expiry":5}`,
		"stepsDefinition.0": `"let integer n = 1"`, "oldStepInfo.1.countCompleted": "1", "oldStepInfo.1.context.stepDefinitionDeclaredId": `"pub"`,
		"oldStepInfo.1.context.input": `{"password":"<suppressed>"}`, "oldStepInfo.-1.next": "[0]", "replays.0.status": `"SUCCESS"`, "variables": `{"n":1}`,
	} {
		text, _ := json.Marshal(at(w, path))
		if got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text)); got != want && path != "oldStepInfo.1.context.input" || path == "oldStepInfo.1.context.input" && strings.Contains(got, "s3cret") {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if code, again := s.ask("POST", "/"+id+"/replay/from/start?reason=why&timeout=5s", ""); code != 200 || again["currentStatus"] != "Completed" {
		t.Errorf("%d %v", code, again)
	}
	if _, w = s.ask("GET", "/"+id, ""); len(w["replays"].([]any)) != 2 {
		t.Errorf("replays %v", w["replays"])
	}
	if code, w = s.ask("POST", "/"+id+"/replay/from/9", ""); code != 400 {
		t.Errorf("%d %v", code, w)
	}
	if code, w = s.ask("DELETE", "/"+id, ""); code != 200 {
		t.Errorf("%d %v", code, w)
	}
	if code, w = s.ask("GET", "/"+id, ""); code != 404 || w["message"] != "Cannot find workflow with id '"+id+"'" {
		t.Errorf("%d %v", code, w)
	}
}

// at gives the value at a path of keys and numbers.
func at(v any, path string) any {
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			v = x[key[0]-'0']
		default:
			return nil
		}
	}
	return v
}

func TestWorkflowRuns(t *testing.T) {
	s := newSite(t)
	if code, w := s.ask("POST", "", "- lett x = 1\n"); code != 400 || !strings.Contains(w["message"].(string), `workflow:1:3: unknown step "lett"; did you mean "let"?`) {
		t.Errorf("%d %v", code, w)
	}
	if code, w := s.ask("POST", "?timeout=5s", "fail message no way"); code != 200 || w["isError"] != true || w["result"] != "no way" {
		t.Errorf("%d %v", code, w)
	}
	code, run := s.ask("POST", "", "steps: [sleep 1h]")
	if code != 200 || run["currentStatus"] != "In progress" {
		t.Fatalf("%d %v", code, run)
	}
	var tag map[string]any
	for _, x := range run["tags"].([]any) {
		if m, ok := x.(map[string]any); ok && m["workflowId"] != nil {
			tag = m
		}
	}
	if tag["applicationId"] != "shop" || tag["workflowName"] != "workflow" || tag["stepIndex"] != nil {
		t.Errorf("tags %v", run["tags"])
	}
	id := tag["workflowId"].(string)
	if _, w := s.ask("GET", "/"+id, ""); w["status"] != "RUNNING" || w["currentStepIndex"] != 0.0 || at(w, "currentStepInstance.name") != "sleep" {
		t.Errorf("%v", w)
	}
	if code, w := s.ask("DELETE", "/"+id, ""); code != 400 {
		t.Errorf("%d %v", code, w)
	}
}
