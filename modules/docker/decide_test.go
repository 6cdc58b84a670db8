package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

// call makes a call for an entity "web" of application a1 with config in JSON.
func call(t *testing.T, effector, typ, config string) gowanus.EffectorCall {
	t.Helper()
	c := gowanus.EffectorCall{
		Type: "clocker.docker.entity.container.application.VanillaDockerApplication", Effector: effector,
		Entity:   gowanus.Entity{Ref: gowanus.Ref{ID: "x1", Application: "a1", PlanID: "web", Name: "Web", Type: typ}},
		Location: &gowanus.Location{Name: "my-docker-cloud", Kind: "docker"},
		Now:      "2026-11-20T12:00:00Z",
	}
	decode(t, config, &c.Entity.Config)
	return c
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// ask gives the decision as JSON.
func ask(t *testing.T, c gowanus.EffectorCall) string {
	t.Helper()
	d, err := gowanustest.Effector(c)
	if err != nil {
		return "error " + err.Error()
	}
	return text(t, d)
}

func text(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// want compares JSON without regard to spaces between its tokens.
func want(t *testing.T, got, want string) {
	t.Helper()
	var w any
	decode(t, want, &w)
	var g any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("got %s", got)
	}
	if text(t, g) != text(t, w) {
		t.Errorf("got\n%s\nwant\n%s", text(t, g), text(t, w))
	}
}

// outputs appends the outputs of steps, as [id, step, output] in JSON.
func outputs(t *testing.T, c *gowanus.EffectorCall, token, list string) {
	t.Helper()
	var rows [][3]any
	decode(t, list, &rows)
	for _, row := range rows {
		id, _ := row[0].(string)
		step, _ := row[1].(string)
		c.Outputs = append(c.Outputs, gowanus.Output{ID: id, Step: step, Output: row[2]})
	}
	c.Token = token
}

const placed = `[["host", "obtain-host", {"location": "my-docker-cloud", "kind": "docker", "host": "lh1", "address": "10.0.0.1"}]]`

func TestStart(t *testing.T) {
	c := call(t, "start", "docker:redis:3", `{"docker.container.openPorts": [6379], "docker.memory": 536870912, "docker.container.environment": {"A": 1, "B": true}, "start.timeout": "5m"}`)
	want(t, ask(t, c), `{"steps": [
		{"id": "host", "step": "obtain-host", "input": {"demand": {"memory": 536870912}}},
		{"continue": "placed"}]}`)

	outputs(t, &c, "placed", placed)
	want(t, ask(t, c), `{"steps": [
		{"id": "image", "step": "pull-image", "input": {"image": "redis:3"}},
		{"step": "create-container", "input": {"image": "redis:3", "name": "web_x1", "env": {"A": "1", "B": "true"},
			"openPorts": [6379], "memory": 536870912, "privileged": false}},
		{"id": "container", "step": "start-container", "timeout": "5m"},
		{"continue": "started"}]}`)

	outputs(t, &c, "started", `[
		["image", "pull-image", {"id": "sha256:abc", "pulled": true}],
		["", "create-container", {"id": "c0ffee", "name": "web_x1"}],
		["container", "start-container", {"id": "c0ffee", "name": "web_x1", "hostname": "web_x1", "addresses": ["172.18.0.2"],
			"subnetAddress": "172.18.0.2", "hostAddress": "10.0.0.1", "ports": {"6379": {"hostPort": 32768, "hostAddress": "10.0.0.1"}}}]]`)
	want(t, ask(t, c), `{"sensors": {
		"docker.container.id": "c0ffee", "docker.container.name": "web_x1", "docker.container.running": true,
		"docker.container.addresses": ["172.18.0.2"], "docker.image.name": "redis:3", "docker.image.id": "sha256:abc",
		"docker.container.openPorts": [6379], "docker.container.portBindings": {},
		"docker.container.ports": {"6379": {"hostPort": 32768, "hostAddress": "10.0.0.1"}},
		"docker.container.environment": {"A": "1", "B": "true"},
		"docker.port.6379": 6379, "mapped.docker.port.6379": "10.0.0.1:32768",
		"host.name": "lh1", "host.address": "10.0.0.1", "host.hostname": "web_x1", "host.subnet.hostname": "web_x1",
		"host.subnet.address": "172.18.0.2"}}`)
}

func TestCreateWithEverything(t *testing.T) {
	c := call(t, "start", "docker:reg.local:5000/team/app", `{
		"docker.image.tag": "1.2", "docker.container.name": "My App!!", "docker.container.openPorts": "80, 9090,81",
		"docker.container.directPorts": [7], "docker.container.portBindings": {"80": "9090", "8443": 443},
		"docker.container.volumes.export": ["/data", "/conf:/etc/conf:ro"], "docker.host.volumes": {"/var/log/web": "/log"},
		"docker.image.commands": ["serve", "-v"], "docker.image.entrypoint": "/bin/app",
		"docker.container.privileged": "true", "docker.cpuShares": 512}`)
	want(t, ask(t, c), `{"steps": [
		{"id": "host", "step": "obtain-host", "input": {"demand": {"cpuShares": 512, "ports": [80, 8443]}}}, {"continue": "placed"}]}`)
	outputs(t, &c, "placed", placed)
	d, err := gowanustest.Effector(c)
	if err != nil {
		t.Fatal(err)
	}
	want(t, text(t, d.Steps[1].Input), `{"image": "reg.local:5000/team/app:1.2", "name": "my_app_", "env": {}, "openPorts": [80, 81],
		"portBindings": {"80": 9090, "8443": 443}, "volumes": {"/data": "/data", "/conf": "/etc/conf:ro", "/var/log/web": "/log"},
		"command": ["serve", "-v"], "entrypoint": ["/bin/app"], "privileged": true, "cpuShares": 512}`)
}

func TestDirectPorts(t *testing.T) {
	c := call(t, "start", "docker:mysql:5.7", `{"docker.container.directPorts": [3306]}`)
	outputs(t, &c, "started", placed)
	d, err := gowanustest.Effector(c)
	if err != nil {
		t.Fatal(err)
	}
	want(t, text(t, d.Sensors["docker.container.portBindings"]), `{"3306": 3306}`)
	want(t, text(t, d.Sensors["docker.container.openPorts"]), `[3306]`)
}

func TestStop(t *testing.T) {
	c := call(t, "stop", "docker:redis:3", `{"stop.timeout": "1m 30s"}`)
	decode(t, `{"docker.container.id": "c0ffee", "docker.port.6379": 6379, "mapped.docker.port.6379": "x:1", "host.address": "10.0.0.1",
		"docker.image.name": "redis:3", "service.isUp": true, "host.other": 1, "mine": 2}`, &c.Entity.Sensors)
	want(t, ask(t, c), `{"steps": [
		{"step": "if-placed", "input": {"step": "stop-container", "input": {"timeout": "1m30s"}}},
		{"step": "if-placed", "input": {"step": "remove-container", "input": {}}},
		{"step": "release-host"}, {"continue": "stopped"}]}`)
	outputs(t, &c, "stopped", `[]`)
	want(t, ask(t, c), `{"sensors": {"docker.container.id": null, "docker.port.6379": null, "mapped.docker.port.6379": null,
		"host.address": null, "docker.image.name": null}}`)
}

// TestStopNeedsNoConfig: what is wrong with the config must not keep an entity
// from stopping.
func TestStopNeedsNoConfig(t *testing.T) {
	c := call(t, "stop", "docker:RED:IS:3", `{"docker.container.openPorts": ["none"]}`)
	if got := ask(t, c); strings.HasPrefix(got, "error") {
		t.Error(got)
	}
	outputs(t, &c, "stopped", `[]`)
	if got := ask(t, c); strings.HasPrefix(got, "error") {
		t.Error(got)
	}
}

func TestRestart(t *testing.T) {
	c := call(t, "restart", "docker:redis:3", `{}`)
	c.Entity.Sensors = gowanus.Values{"docker.container.name": "web_x1"}
	want(t, ask(t, c), `{"steps": [
		{"step": "if-placed", "input": {"step": "stop-container", "input": {}}},
		{"step": "if-placed", "input": {"step": "remove-container", "input": {}}},
		{"continue": "again"}]}`)
	outputs(t, &c, "again", `[]`)
	want(t, ask(t, c), `{"sensors": {"docker.container.name": null}, "steps": [
		{"id": "host", "step": "obtain-host", "input": {"demand": {}}}, {"continue": "placed"}]}`)
	outputs(t, &c, "placed", placed)
	if got := ask(t, c); !strings.Contains(got, `"create-container"`) {
		t.Error(got)
	}

	c = call(t, "restart", "docker:redis:3", `{"docker.container.openPorts": [0]}`)
	if got := ask(t, c); got != "error docker.container.openPorts[0]: expected a port from 1 to 65535, got 0" {
		t.Error(got)
	}
}

func TestWrongConfig(t *testing.T) {
	for _, c := range []struct{ typ, config, want string }{
		{"docker:", `{}`, `type: expected docker:IMAGE[:TAG], or the image in docker.image.name, got "docker:"`},
		{"docker:Redis", `{}`, `type: expected an image reference [REGISTRY[:PORT]/]NAME[:TAG][@sha256:DIGEST], got "Redis"`},
		{"docker:redis:3:4", `{}`, `type: expected an image reference [REGISTRY[:PORT]/]NAME[:TAG][@sha256:DIGEST], got "redis:3:4"`},
		{"VanillaDockerApplication", `{}`, `type: expected docker:IMAGE[:TAG], or the image in docker.image.name, got "clocker.docker.entity.container.application.VanillaDockerApplication"`},
		{"docker:x", `{"docker.image.tag": "a b"}`, `docker.image.tag: expected a tag: up to 128 of A-Z a-z 0-9 _ . -, not beginning with . or -, got "a b"`},
		{"docker:x", `{"docker.image.name": "redis:3", "docker.image.tag": "4"}`, `docker.image.tag: expected nothing or "3", the tag that docker.image.name has, got "4"`},
		{"docker:x", `{"docker.container.openPorts": [80, "http"]}`, `docker.container.openPorts[1]: expected a port from 1 to 65535, got "http"`},
		{"docker:x", `{"docker.container.openPorts": [80.5]}`, `docker.container.openPorts[0]: expected a port from 1 to 65535, got 80.5`},
		{"docker:x", `{"docker.container.openPorts": {"80": 80}}`, `docker.container.openPorts: expected a list, got {"80":80}`},
		{"docker:x", `{"docker.container.portBindings": [80]}`, `docker.container.portBindings: expected a map, got [80]`},
		{"docker:x", `{"docker.container.portBindings": {"x": 80}}`, `docker.container.portBindings.x: expected a port from 1 to 65535, got "x"`},
		{"docker:x", `{"docker.container.portBindings": {"80": 70000}}`, `docker.container.portBindings.80: expected a port from 1 to 65535, got 70000`},
		{"docker:x", `{"docker.container.environment": {"A": [1]}}`, `docker.container.environment.A: expected a text, got [1]`},
		{"docker:x", `{"docker.container.environment": {"A=B": "1"}}`, `docker.container.environment: expected names of environment variables, without =, got "A=B"`},
		{"docker:x", `{"docker.container.environment": "A=B"}`, `docker.container.environment: expected a map, got "A=B"`},
		{"docker:x", `{"docker.container.volumes.export": ["data"]}`, `docker.container.volumes.export[0]: expected absolute paths on the host and in the container, got "data"`},
		{"docker:x", `{"docker.host.volumes": {"/a": "b"}}`, `docker.host.volumes./a: expected absolute paths on the host and in the container, got "b"`},
		{"docker:x", `{"docker.container.privileged": "maybe"}`, `docker.container.privileged: expected true or false, got "maybe"`},
		{"docker:x", `{"docker.memory": -1}`, `docker.memory: expected a size in bytes above 0, got -1`},
		{"docker:x", `{"docker.cpuShares": "many"}`, `docker.cpuShares: expected a whole number above 0, got "many"`},
		{"docker:x", `{"docker.image.commands": [["a"]]}`, `docker.image.commands[0]: expected a text, got ["a"]`},
		{"docker:x", `{"docker.container.name": "!"}`, `docker.container.name: expected 2 to 128 letters and digits, got "!"`},
		{"docker:x", `{"docker.container.links": ["redis"]}`, `docker.container.links[0]: expected an entity such as $brooklyn:component("redis"), got "redis"`},
		{"docker:x", `{"docker.container.links": {"me": {"$entity": "x1", "name": "Web"}}}`, `docker.container.links.me: expected another entity; it would wait for itself, got "Web"`},
		{"docker:x", `{"docker.container.links": {"a b": {"$entity": "x2"}}}`, `docker.container.links.a b: expected an alias that can be a host name, got "a b"`},
		{"docker:x", `{"docker.container.links": [{"$entity": "x2", "planId": "db"}, {"$entity": "x3", "planId": "db"}]}`, `docker.container.links[1]: expected an alias that no other link has, got "db"`},
	} {
		_, err := gowanustest.Effector(call(t, "start", c.typ, c.config))
		var e *gowanus.Error
		if !errors.As(err, &e) || e.Kind != "invalid" || e.Message != c.want {
			t.Errorf("%s %s:\ngot  %v\nwant %s", c.typ, c.config, err, c.want)
		}
	}
}

func TestWrongLocation(t *testing.T) {
	c := call(t, "start", "docker:redis:3", `{}`)
	c.Location = &gowanus.Location{Name: "here", Kind: "localhost"}
	if got := ask(t, c); got != "error Web is a container and needs a location of kind docker; here is of kind localhost" {
		t.Error(got)
	}
	c.Location = nil // obtain-host says what is missing
	if got := ask(t, c); strings.HasPrefix(got, "error") {
		t.Error(got)
	}
}

func TestUnknown(t *testing.T) {
	if got := ask(t, call(t, "explode", "docker:redis:3", `{}`)); got != `error a container has no effector explode that goes on with ""` {
		t.Error(got)
	}
	c := call(t, "start", "docker:redis:3", `{}`)
	c.Token = "later"
	if got := ask(t, c); got != `error a container has no effector start that goes on with "later"` {
		t.Error(got)
	}
}
