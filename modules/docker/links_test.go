package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

const readSensors = `["host.address", "host.subnet.address", "docker.container.name", "docker.container.openPorts", "docker.container.ports",
	"docker.container.environment", "http.port", "https.port", "redis.port", "mysql.port", "postgresql.port", "mongodb.server.port",
	"cassandra.thriftPort", "solr.port", "riak.webPort", "kafka.port", "zookeeper.port", "rabbitmq.port"]`

func TestLinksAreWaitedFor(t *testing.T) {
	list := `{"docker.container.links": [{"$entity": "r1", "planId": "redis", "application": "a1"}, {"$entity": "d1", "planId": "dnmonster", "application": "a1"}]}`
	want(t, ask(t, call(t, "start", "docker:identidock", list)), `{"steps": [
		{"id": "link-0", "step": "wait", "input": {"entity": {"$entity": "r1"}, "sensor": "service.isUp", "read": `+readSensors+`}},
		{"id": "link-1", "step": "wait", "input": {"entity": {"$entity": "d1"}, "sensor": "service.isUp", "read": `+readSensors+`}},
		{"id": "host", "step": "obtain-host", "input": {"demand": {}}}, {"continue": "placed"}]}`)

	// The map form waits in the order of the aliases; one entity may be given without a list.
	c := call(t, "start", "docker:identidock", `{"docker.container.links": {"z": {"$entity": "r1"}, "b": {"$entity": "d1"}}}`)
	d, err := gowanustest.Effector(c)
	if err != nil || fmt.Sprint(d.Steps[0].Input["entity"], d.Steps[1].Input["entity"]) != "map[$entity:d1] map[$entity:r1]" {
		t.Errorf("got %v, %v", d.Steps, err)
	}
	c = call(t, "start", "docker:identidock", `{"docker.container.links": {"$entity": "r1", "planId": "redis"}}`)
	if d, err = gowanustest.Effector(c); err != nil || d.Steps[0].Step != "wait" {
		t.Errorf("got %v, %v", d.Steps, err)
	}
}

// linkTo starts an identidock linked by config to a target with the given
// sensors, and gives the links and the variables of create-container.
func linkTo(t *testing.T, config, sensors string) (links string, env string) {
	t.Helper()
	c := call(t, "start", "docker:identidock", config)
	outputs(t, &c, "placed", `[["link-0", "wait", {"value": true, "sensors": `+sensors+`}]]`)
	outputs(t, &c, "placed", placed)
	d, err := gowanustest.Effector(c)
	if err != nil {
		return "error " + err.Error(), ""
	}
	var lines []string
	in, _ := d.Steps[1].Input["env"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		lines = append(lines, fmt.Sprintf("%s=%v", name, in[name]))
	}
	return text(t, d.Steps[1].Input["links"]), strings.Join(lines, "\n")
}

const redisThere = `{"host.address": "10.0.0.1", "host.subnet.address": "172.18.0.2", "docker.container.name": "redis_r1",
	"docker.container.openPorts": [6379, 6380], "docker.container.environment": {"MODE": "fast"},
	"docker.container.ports": {"6379": {"hostPort": 32768, "hostAddress": "10.0.0.1"}, "9121": {"hostPort": 32770, "hostAddress": "10.0.0.1"}}}`

func TestLinkOnTheSameHost(t *testing.T) {
	links, env := linkTo(t, `{"docker.container.links": {"redis-db": {"$entity": "r1", "planId": "redis", "application": "a1"}},
		"docker.container.environment": {"OWN": "yes", "REDIS_DB_PORT": "overridden"}}`, redisThere)
	want(t, links, `[{"alias": "redis-db", "container": "redis_r1", "address": "172.18.0.2"}]`)
	if env != `OWN=yes
REDIS_DB_ENV_MODE=fast
REDIS_DB_NAME=/web_x1/redis-db
REDIS_DB_PORT=tcp://172.18.0.2:6379
REDIS_DB_PORT_6379_TCP=tcp://172.18.0.2:6379
REDIS_DB_PORT_6379_TCP_ADDR=172.18.0.2
REDIS_DB_PORT_6379_TCP_PORT=6379
REDIS_DB_PORT_6379_TCP_PROTO=tcp
REDIS_DB_PORT_6380_TCP=tcp://172.18.0.2:6380
REDIS_DB_PORT_6380_TCP_ADDR=172.18.0.2
REDIS_DB_PORT_6380_TCP_PORT=6380
REDIS_DB_PORT_6380_TCP_PROTO=tcp
REDIS_DB_PORT_9121_TCP=tcp://172.18.0.2:9121
REDIS_DB_PORT_9121_TCP_ADDR=172.18.0.2
REDIS_DB_PORT_9121_TCP_PORT=9121
REDIS_DB_PORT_9121_TCP_PROTO=tcp` {
		t.Errorf("got\n%s", env)
	}
}

func TestLinkToAnotherHost(t *testing.T) {
	for _, c := range []struct{ name, config, sensors string }{
		{"other host", `{"docker.container.links": [{"$entity": "r1", "planId": "redis", "application": "a1"}]}`,
			`{"host.address": "10.0.0.2", "host.subnet.address": "172.18.0.2", "docker.container.name": "redis_r1",
			"docker.container.openPorts": [6379], "docker.container.ports": {"6379": {"hostPort": 32768, "hostAddress": "10.0.0.2"}}}`},
		{"other application on the same host", `{"docker.container.links": [{"$entity": "r1", "planId": "redis", "application": "a2"}]}`,
			`{"host.address": "10.0.0.2", "host.subnet.address": "172.18.0.2", "docker.container.name": "redis_r1",
			"docker.container.openPorts": [6379], "docker.container.ports": {"6379": {"hostPort": 32768, "hostAddress": "10.0.0.2"}}}`},
	} {
		links, env := linkTo(t, c.config, c.sensors)
		want(t, links, `[{"alias": "redis", "address": "10.0.0.2"}]`)
		if env != `REDIS_NAME=/web_x1/redis
REDIS_PORT=tcp://10.0.0.2:32768
REDIS_PORT_6379_TCP=tcp://10.0.0.2:32768
REDIS_PORT_6379_TCP_ADDR=10.0.0.2
REDIS_PORT_6379_TCP_PORT=32768
REDIS_PORT_6379_TCP_PROTO=tcp` {
			t.Errorf("%s: got\n%s", c.name, env)
		}
	}
}

// TestLinkToAnythingElse: a target that is no container is reached at its
// host, on the ports that its service publishes.
func TestLinkToAnythingElse(t *testing.T) {
	links, env := linkTo(t, `{"docker.container.links": [{"$entity": "r1", "planId": "redis", "application": "a1"}]}`,
		`{"host.address": "10.0.0.1", "host.subnet.address": "10.0.0.1", "redis.port": 6379}`)
	want(t, links, `[{"alias": "redis", "address": "10.0.0.1"}]`)
	if !strings.Contains(env, "REDIS_PORT_6379_TCP=tcp://10.0.0.1:6379\n") {
		t.Errorf("got\n%s", env)
	}
}

func TestLinkWithoutPlanID(t *testing.T) {
	links, _ := linkTo(t, `{"docker.container.links": [{"$entity": "r1", "name": "My Redis", "application": "a1"}]}`, redisThere)
	want(t, links, `[{"alias": "redis", "container": "redis_r1", "address": "172.18.0.2"}]`)
	links, _ = linkTo(t, `{"docker.container.links": [{"$entity": "r1", "name": "My Redis", "application": "a1"}]}`, `{"host.address": "10.0.0.9"}`)
	want(t, links, `[{"alias": "my_redis", "address": "10.0.0.9"}]`)
}

func TestLinkWithoutAddress(t *testing.T) {
	links, _ := linkTo(t, `{"docker.container.links": [{"$entity": "r1", "planId": "redis", "name": "Redis", "application": "a1"}]}`, `{}`)
	if links != "error link redis: Redis is up but has no sensor host.address" {
		t.Error(links)
	}
}

func TestLinksOfTheSameName(t *testing.T) {
	c := call(t, "start", "docker:identidock", `{"docker.container.links": [{"$entity": "r1", "name": "redis"}, {"$entity": "r2", "name": "redis"}]}`)
	outputs(t, &c, "placed", `[["link-0", "wait", {"sensors": {"host.address": "10.0.0.1"}}], ["link-1", "wait", {"sensors": {"host.address": "10.0.0.2"}}]]`)
	if got := ask(t, c); got != `error docker.container.links: two of the entities are known as "redis"; use a map from alias to entity` {
		t.Error(got)
	}
}

func TestVariable(t *testing.T) {
	for in, want := range map[string]string{"redis": "REDIS", "my-db.1": "MY_DB_1", "größe": "GR__E"} {
		if got := variable(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestContainerName(t *testing.T) {
	for _, c := range []struct {
		planID, id, config, sensor, image, want string
	}{
		{"web", "x1", "", "", "nginx:1", "web_x1"},
		{"My-Web..App", "X1", "", "", "nginx:1", "my_web_app_x1"},
		{"", "x1", "", "", "reg.local:5000/team/nginx:1", "nginx_x1"},
		{"--web", "x1", "", "", "nginx", "web_x1"},
		{"web", "x1", "Front End", "", "nginx", "front_end"},
		{"web", "x1", "Front End", "older", "nginx", "older"},
		{"a__b", "x1", "", "", "nginx", "a__b_x1"},
	} {
		r := &reader{config: gowanus.Values{keyName: c.config}}
		e := &gowanus.Entity{Ref: gowanus.Ref{ID: c.id, PlanID: c.planID}, Sensors: gowanus.Values{sensorName: c.sensor}}
		if got := containerName(r, e, c.image); got != c.want || r.err != nil {
			t.Errorf("%+v: got %s, %v", c, got, r.err)
		}
	}
}
