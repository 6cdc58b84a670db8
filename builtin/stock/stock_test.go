package stock_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
)

func typeNamed(t *testing.T, kind, name string) *catalog.Type {
	t.Helper()
	r, err := catalog.New(stock.Types()...)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := r.Get(kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestDecisions(t *testing.T) {
	const vanilla = "org.apache.brooklyn.entity.software.base.VanillaSoftwareProcess"
	full := map[string]any{
		"install.command": "make", "launch.command": "run", "checkRunning.command": "ping", "stop.command": "bye",
		"shell.env": map[string]any{"A": "1"}, "start.timeout": "5s",
	}
	for _, tt := range []struct{ name, typ, effector, token, config, want, err string }{
		{"application start", "java:brooklyn.entity.basic.BasicApplication", "start", "", "", `{"steps":[{"step":"invoke-children","input":{"effector":"start"}}]}`, ""},
		{"application restart", "basic-application", "restart", "", "", `{"steps":[{"step":"invoke-children","input":{"effector":"stop"}},{"step":"invoke-children","input":{"effector":"start"}}]}`, ""},
		{"application unknown", "basic-application", "fly", "", "", "", `type org.apache.brooklyn.entity.stock.BasicApplication has no effector fly`},
		{"software start", vanilla, "start", "", "full", `{"steps":[{"id":"host","step":"obtain-host"},` +
			`{"step":"run-command","input":{"command":"make","env":{"A":"1"},"name":"install"}},` +
			`{"id":"process","step":"start-process","input":{"command":"run","env":{"A":"1"}}},` +
			`{"step":"repeat","input":{"input":{"command":"ping","env":{"A":"1"}},"step":"check-process"},"timeout":"5s"},` +
			`{"continue":"running"}]}`, ""},
		{"software stop", vanilla, "stop", "", "full", `{"steps":[{"step":"if-placed","input":{"input":{"command":"bye","env":{"A":"1"},"timeout":"10s"},"step":"stop-process"}},{"step":"release-host"}],"sensors":{"pid":null}}`, ""},
		{"software without launch", vanilla, "start", "", "", "", "web has no launch.command"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := &hook.EffectorCall{Type: typeNamed(t, catalog.Entity, tt.typ).Name, Effector: tt.effector, Token: tt.token}
			call.Entity.Name = "web"
			if tt.config == "full" {
				call.Entity.Config = full
			}
			d, err := typeNamed(t, catalog.Entity, tt.typ).Entity.Effector(context.Background(), call)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(d); string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSoftwarePublishesWhereItRuns(t *testing.T) {
	typ := typeNamed(t, catalog.Entity, "vanilla-software-process")
	d, err := typ.Entity.Continue(context.Background(), &hook.EffectorCall{Token: "running", Outputs: []hook.Output{
		{ID: "host", Step: "obtain-host", Output: map[string]any{"host": "localhost", "address": "127.0.0.1"}},
		{ID: "process", Step: "start-process", Output: map[string]any{"pid": 7.0, "dir": "/run/x"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"sensors":{"host.address":"127.0.0.1","host.name":"localhost","pid":7,"run.dir":"/run/x"}}`
	if got, _ := json.Marshal(d); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
