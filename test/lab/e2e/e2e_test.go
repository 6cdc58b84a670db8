//go:build lab

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

const (
	patience = 60 * time.Second
	pause    = 50 * time.Millisecond // between looks at another process, which cannot call back
)

// activity is what the tests read of a task.
type activity struct {
	ID          string `json:"id"`
	EntityID    string `json:"entityId"`
	EndTimeUtc  *int64 `json:"endTimeUtc"`
	IsError     bool   `json:"isError"`
	IsCancelled bool   `json:"isCancelled"`
	Result      any    `json:"result"`
	Status      string `json:"currentStatus"`
	Details     string `json:"detailedStatus"`
}

// deploy posts a blueprint and gives the start task.
func deploy(t *testing.T, s *lab.Server, blueprint string) activity {
	t.Helper()
	var a activity
	s.MustCall(t, "POST", "/v1/applications", blueprint, &a)
	return a
}

// ended waits for a task's end.
func ended(t *testing.T, s *lab.Server, id string) activity {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var a activity
		s.MustCall(t, "GET", "/v1/activities/"+id+"?timeout=1s", nil, &a)
		if a.EndTimeUtc != nil {
			return a
		}
	}
	t.Fatalf("activity %s has not ended within %s", id, patience)
	return activity{}
}

// running deploys a blueprint and waits until it runs.
func running(t *testing.T, s *lab.Server, blueprint string) (app string) {
	t.Helper()
	a := deploy(t, s, blueprint)
	if done := ended(t, s, a.ID); done.IsError {
		t.Fatalf("start failed: %v %s", done.Result, done.Details)
	}
	return a.EntityID
}

// remove deletes an application and waits for it.
func remove(t *testing.T, s *lab.Server, app string) {
	t.Helper()
	var a activity
	s.MustCall(t, "DELETE", "/v1/applications/"+app, nil, &a)
	if done := ended(t, s, a.ID); done.IsError {
		t.Fatalf("delete failed: %v %s", done.Result, done.Details)
	}
}

// eventually looks until check is content.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

type member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// children gives the children of an application by name.
func children(t *testing.T, s *lab.Server, app string) map[string]string {
	t.Helper()
	var list []member
	s.MustCall(t, "GET", "/v1/applications/"+app+"/entities/"+app+"/children", nil, &list)
	out := map[string]string{}
	for _, m := range list {
		out[m.Name] = m.ID
	}
	return out
}

// sensor gives a sensor's value.
func sensor(t *testing.T, s *lab.Server, app, entity, name string) any {
	t.Helper()
	var v any
	if status, err := s.Call("GET", "/v1/applications/"+app+"/entities/"+entity+"/sensors/"+name, nil, &v); err != nil && status != 204 {
		t.Fatal(err)
	}
	return v
}

// labelled gives, host by host, the containers of any Gowanus server.
func labelled(t *testing.T, l *lab.Lab) (perHost []int, byEntity map[string]int) {
	t.Helper()
	byEntity = map[string]int{}
	for _, h := range l.Hosts {
		list := h.Containers(t, "org.gowanus.plane")
		perHost = append(perHost, len(list))
		for _, c := range list {
			byEntity[c.Labels["org.gowanus.entity"]]++
		}
	}
	return perHost, byEntity
}

// nothingLeft makes sure that no container and no network of ours is left.
func nothingLeft(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, h := range l.Hosts {
		if list := h.Containers(t, "org.gowanus.plane"); len(list) > 0 {
			t.Errorf("%s: containers are left: %v", h.Name, list)
		}
		if list := h.Networks(t, "org.gowanus.plane"); len(list) > 0 {
			t.Errorf("%s: networks are left: %v", h.Name, list)
		}
	}
}

// config gives a server config whose location has more keys.
func config(l *lab.Lab, more map[string]any) map[string]any {
	file := lab.ConfigFile(l, "my-docker-cloud")
	cloud := file["locations"].(map[string]any)["my-docker-cloud"].(map[string]any)
	maps.Copy(cloud, more)
	return file
}

// get fetches a page and decodes it when out is not nil.
func get(url string, out any) (string, error) {
	c := http.Client{Timeout: 10 * time.Second}
	res, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != 200 {
		return "", fmt.Errorf("%s: %s: %s", url, res.Status, text)
	}
	if out == nil {
		return string(text), nil
	}
	return string(text), json.Unmarshal(text, out)
}

// The blueprint of the talk, unchanged: three images, linked, one of them
// bound to a port of its host.
func TestIdentidock(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Redis, lab.Dnmonster, lab.Identidock)
	blueprint, err := os.ReadFile("testdata/identidock.yaml")
	if err != nil {
		t.Fatal(err)
	}
	foreign := bystander(t, l)
	s := lab.Serve(t, lab.Config{})
	app := running(t, s, string(blueprint))

	ids := children(t, s, app)
	address, _ := sensor(t, s, app, ids["identidock"], "host.address").(string)
	if mapped := sensor(t, s, app, ids["identidock"], "mapped.docker.port.9090"); mapped != address+":80" {
		t.Errorf("mapped.docker.port.9090 is %v, want %s:80", mapped, address)
	}
	if mapped, _ := sensor(t, s, app, ids["redis"], "mapped.docker.port.6379").(string); !strings.HasPrefix(mapped, address+":") {
		t.Errorf("mapped.docker.port.6379 is %q", mapped)
	}
	var status struct {
		Redis     string `json:"redis"`
		Dnmonster string `json:"dnmonster"`
	}
	eventually(t, "identidock reaches redis and dnmonster", func() error {
		if text, err := get("http://"+address+"/status", &status); err != nil || status.Redis != "ok" || status.Dnmonster != "ok" {
			return fmt.Errorf("%s %v", text, err)
		}
		return nil
	})
	for range 2 { // the second comes from redis
		if image, err := get("http://"+address+"/monster/gowanus", nil); err != nil || !strings.HasPrefix(image, "\x89PNG") {
			t.Errorf("monster: %.20q, %v", image, err)
		}
	}
	var tree []struct {
		ServiceState string `json:"serviceState"`
	}
	s.MustCall(t, "GET", "/v1/applications/fetch?items="+app, nil, &tree)
	if len(tree) != 1 || !strings.EqualFold(tree[0].ServiceState, "running") {
		t.Errorf("the application is %v", tree)
	}
	remove(t, s, app)
	nothingLeft(t, l)
	foreign()
}

// bystander runs a container and a network that are none of ours; the func
// that it gives makes sure that they are still there.
func bystander(t *testing.T, l *lab.Lab) (check func()) {
	t.Helper()
	l.Load(t, lab.Sleeper)
	h := l.Hosts[0]
	var made struct{ Id string }
	h.API(t, "POST", "/networks/create", map[string]any{"Name": "foreign", "Labels": map[string]string{"owner": "foreign"}}, nil)
	h.API(t, "POST", "/containers/create?name=foreign", map[string]any{"Image": lab.Sleeper, "Labels": map[string]string{"owner": "foreign"}}, &made)
	h.API(t, "POST", "/containers/"+made.Id+"/start", nil, nil)
	t.Cleanup(func() {
		h.API(t, "DELETE", "/containers/"+made.Id+"?force=1", nil, nil)
		h.API(t, "DELETE", "/networks/foreign", nil, nil)
	})
	return func() {
		t.Helper()
		if c, n := h.Containers(t, "owner=foreign"), h.Networks(t, "owner=foreign"); len(c) != 1 || len(n) != 1 {
			t.Errorf("somebody else's things were touched: containers %v, networks %v", c, n)
		}
	}
}

// sleepers gives a blueprint of n trivial containers.
func sleepers(n int, more string) string {
	var b strings.Builder
	b.WriteString("name: sleepers\nlocation: my-docker-cloud\nservices:\n")
	for i := range n {
		fmt.Fprintf(&b, "- type: docker:%s\n  id: s%d\n%s", lab.Sleeper, i, more)
	}
	return b.String()
}

func TestStrategiesSpread(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	const (
		breadth = "clocker.docker.location.strategy.basic.BreadthFirstPlacementStrategy"
		depth   = "brooklyn.location.docker.strategy.DepthFirstPlacementStrategy"
		maximum = "brooklyn.location.docker.strategy.MaxContainersPlacementStrategy"
	)
	for _, tt := range []struct {
		name       string
		strategies []any
		want       string
	}{
		{"breadth-first", []any{breadth}, "[2 2 2]"},
		{"depth-first", []any{depth}, "[6 0 0]"},
		{"at most four", []any{map[string]any{"type": maximum, "brooklyn.config": map[string]any{"maxContainers": 4}}, depth}, "[4 2 0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := lab.Serve(t, lab.Config{File: config(l, map[string]any{"strategies": tt.strategies})})
			app := running(t, s, sleepers(6, ""))
			if perHost, _ := labelled(t, l); fmt.Sprint(perHost) != tt.want {
				t.Errorf("containers per host %v, want %s", perHost, tt.want)
			}
			remove(t, s, app)
			nothingLeft(t, l)
		})
	}
	t.Run("no room", func(t *testing.T) {
		one := map[string]any{"type": maximum, "brooklyn.config": map[string]any{"maxContainers": 1}}
		s := lab.Serve(t, lab.Config{File: config(l, map[string]any{"strategies": []any{one}})})
		a := deploy(t, s, sleepers(4, ""))
		done := ended(t, s, a.ID)
		if text := fmt.Sprint(done.Result, done.Details); !done.IsError || !strings.Contains(text, "no host for") || !strings.Contains(text, "lh1") {
			t.Errorf("four containers on three hosts of one each: %v %s", done.Result, done.Details)
		}
		remove(t, s, a.EntityID)
		nothingLeft(t, l)
	})
}

// Linked containers on different hosts find each other by the variables.
func TestLinksAcrossHosts(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Redis, lab.Dnmonster, lab.Identidock)
	s := lab.Serve(t, lab.Config{File: config(l, map[string]any{"strategies": []any{"breadth-first"}})})
	blueprint, err := os.ReadFile("testdata/identidock.yaml")
	if err != nil {
		t.Fatal(err)
	}
	app := running(t, s, string(blueprint))
	if perHost, _ := labelled(t, l); fmt.Sprint(perHost) != "[1 1 1]" {
		t.Errorf("containers per host %v", perHost)
	}
	address, _ := sensor(t, s, app, children(t, s, app)["identidock"], "host.address").(string)
	var status map[string]any
	eventually(t, "identidock reaches redis and dnmonster", func() error {
		if text, err := get("http://"+address+"/status", &status); err != nil || status["redis"] != "ok" || status["dnmonster"] != "ok" {
			return fmt.Errorf("%s %v", text, err)
		}
		return nil
	})
	remove(t, s, app)
	nothingLeft(t, l)
}

const healed = `  brooklyn.policies:
  - type: org.apache.brooklyn.policy.ha.ServiceRestarter
  - type: org.apache.brooklyn.policy.ha.ServiceFailureDetector
`

func TestPolicyRestartsAKilledContainer(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	s := lab.Serve(t, lab.Config{})
	app := running(t, s, sleepers(1, healed))
	id := children(t, s, app)["s0"]
	old, _ := sensor(t, s, app, id, "docker.container.id").(string)
	l.Hosts[0].API(t, "POST", "/containers/"+old+"/kill", nil, nil)
	eventually(t, "a new container runs", func() error {
		now, _ := sensor(t, s, app, id, "docker.container.id").(string)
		state := sensor(t, s, app, id, "service.state")
		if now == "" || now == old || state != "RUNNING" || sensor(t, s, app, app, "service.state") != "RUNNING" {
			return fmt.Errorf("container %.12s, was %.12s, state %v", now, old, state)
		}
		return nil
	})
	if perHost, _ := labelled(t, l); perHost[0] != 1 {
		t.Errorf("containers per host %v", perHost)
	}
	remove(t, s, app)
	nothingLeft(t, l)
}
