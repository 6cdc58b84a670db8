//go:build lab

package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/docker"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/test/lab"
)

type m = map[string]any

// limit bounds what a test waits for.
const limit = 30 * time.Second

// cloud is the provider under test with one location of all hosts.
type cloud struct {
	*lab.Lab
	plane    string
	location location.Location
	actions  map[string]action.Action
}

// newCloud opens a location, with what change says different from the
// provider's defaults. Everything on the hosts is removed when the test ends.
func newCloud(t *testing.T, change ...func(*docker.Config)) *cloud {
	t.Helper()
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	c := &cloud{Lab: l, plane: "lab-" + strings.ToLower(t.Name()), actions: map[string]action.Action{}}
	config := docker.Config{Plane: c.plane, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Probe: time.Second}
	for _, f := range change {
		f(&config)
	}
	p := docker.New(config)
	for _, a := range p.Actions() {
		c.actions[a.Name] = a
	}
	var err error
	if c.location, err = p.Open(location.Definition{Name: "cloud", Kind: docker.Kind, Config: l.LocationConfig()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.location.Close(); err != nil {
			t.Error(err)
		}
		l.Wipe(t)
	})
	return c
}

// entity is one on a host.
type entity struct {
	c     *cloud
	lease location.Lease
	ref   hook.Ref
}

func (c *cloud) entity(planID string, host int) *entity {
	id := "x" + planID
	return &entity{
		c:     c,
		ref:   hook.Ref{ID: id, Application: "App1", PlanID: planID, Name: "The " + planID, Type: "docker:sleeper"},
		lease: location.Lease{Entity: id, Application: "App1", Location: "cloud", Kind: docker.Kind, Host: c.Hosts[host].Name},
	}
}

func (e *entity) name() string { return e.ref.PlanID + "_" + e.ref.ID }

func (e *entity) try(ctx context.Context, step string, input m) (m, error) {
	lease := e.lease
	call := &action.Call{Entity: e.ref, Input: input, Lease: &lease, Out: io.Discard, Err: io.Discard}
	call.Hold = func(_ context.Context, resource string) error { e.lease.Resource = resource; return nil }
	out, err := e.c.actions[step].Run(ctx, call)
	v, _ := out.(m) // some steps have no output
	return v, err
}

func (e *entity) run(t *testing.T, step string, input m) m {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	out, err := e.try(ctx, step, input)
	if err != nil {
		t.Fatalf("%s of %s: %v", step, e.ref.PlanID, err)
	}
	return out
}

// sleeper is a create-container input; more overrides it.
func (e *entity) sleeper(more m) m {
	in := m{"image": lab.Sleeper, "name": e.name()}
	for k, v := range more {
		in[k] = v
	}
	return in
}

// up creates and starts a container.
func (e *entity) up(t *testing.T, input m) m {
	t.Helper()
	e.run(t, "pull-image", m{"image": input["image"]})
	e.run(t, "create-container", input)
	return e.run(t, "start-container", nil)
}

func (e *entity) host(t *testing.T) *lab.Host {
	t.Helper()
	i := slices.IndexFunc(e.c.Hosts, func(h *lab.Host) bool { return h.Name == e.lease.Host })
	return e.c.Hosts[i]
}

// containers gives the ids of an entity's containers.
func (e *entity) containers(t *testing.T) []string {
	t.Helper()
	ids := []string{}
	for _, c := range e.host(t).Containers(t, docker.LabelEntity+"="+e.ref.ID) {
		ids = append(ids, c.ID)
	}
	return ids
}

func wantFault(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if fault.KindOf(err) != kind || err == nil {
		t.Fatalf("got %s: %v, want %s", fault.KindOf(err), err, kind)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q is not in: %v", p, err)
		}
	}
}

func TestHosts(t *testing.T) {
	c := newCloud(t)
	hosts, err := c.location.Hosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range hosts {
		w := c.Hosts[i]
		if h.ID != w.Name || h.Name != w.Name || h.Address != w.Address || !h.Up || h.CPUs < 1 || h.Memory < 1<<28 || h.Labels[docker.LabelVersion] == "" {
			t.Errorf("host %+v", h)
		}
	}
}

// TestLifeOfAContainer: create, start, adopt, replace, stop, remove, each
// repeated.
func TestLifeOfAContainer(t *testing.T) {
	c := newCloud(t)
	e := c.entity("web", 0)
	in := e.sleeper(m{"openPorts": []any{8080}, "portBindings": m{"18080": 80}, "hostname": "front", "env": m{"A": "b c"},
		"command": []any{"serve", "8080", "serve", "80"}, "memory": 64 << 20, "volumes": m{c.Dir: "/lab:ro"}})
	out := e.up(t, in)
	id := e.lease.Resource
	ports, _ := out["ports"].(m)
	open, _ := ports["8080"].(m)
	if out["id"] != id || out["name"] != "web_xweb" || out["hostname"] != "front" || out["hostAddress"] != c.Hosts[0].Address ||
		out["subnetAddress"] != out["addresses"].([]any)[0] || ports["80"].(m)["hostPort"] != 18080 || open["hostPort"] == 0 {
		t.Errorf("output %v", out)
	}
	for _, p := range []any{18080, open["hostPort"]} {
		if got := get(t, fmt.Sprintf("http://%s:%v/", c.Hosts[0].Address, p)); got != "front" {
			t.Errorf("port %v answers %q", p, got)
		}
	}

	e.run(t, "create-container", in)
	e.run(t, "start-container", nil)
	if got := e.containers(t); !slices.Equal(got, []string{id}) || e.lease.Resource != id {
		t.Errorf("after the second creation: containers %v, lease on %s, first %s", got, e.lease.Resource, id)
	}

	in["env"] = m{"A": "d"}
	e.up(t, in)
	if got := e.containers(t); len(got) != 1 || got[0] == id || got[0] != e.lease.Resource {
		t.Errorf("after the changed creation: containers %v, lease on %s, first %s", got, e.lease.Resource, id)
	}

	for range 2 {
		e.run(t, "stop-container", m{"timeout": "5s"})
	}
	if got := c.Hosts[0].Containers(t, docker.LabelEntity+"=xweb"); len(got) != 1 || got[0].State != "exited" {
		t.Errorf("after stop: %+v", got)
	}
	e.run(t, "start-container", nil)
	e.lease.Resource = "" // as after a crash before it was recorded
	for range 2 {
		e.run(t, "remove-container", nil)
	}
	if got := e.containers(t); len(got) != 0 {
		t.Errorf("after remove: %v", got)
	}
	for range 2 {
		if err := c.location.Clean(t.Context(), "App1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Hosts[0].Networks(t, docker.LabelPlane+"="+c.plane); len(got) != 0 {
		t.Errorf("after clean: networks %v", got)
	}
}

// TestAnonymousVolumes: what an image declares as a volume goes with the
// container.
func TestAnonymousVolumes(t *testing.T) {
	c := newCloud(t)
	c.Load(t, lab.Redis)
	e := c.entity("redis", 0)
	e.up(t, m{"image": lab.Redis, "name": e.name()})
	e.run(t, "remove-container", nil)
	var volumes struct{ Volumes []any }
	c.Hosts[0].API(t, "GET", "/volumes", nil, &volumes)
	if len(volumes.Volumes) != 0 {
		t.Errorf("volumes %v", volumes.Volumes)
	}
}

func TestFailures(t *testing.T) {
	c := newCloud(t)
	e := c.entity("web", 0)
	_, err := e.try(t.Context(), "pull-image", m{"image": c.Hosts[0].Address + ":5000/none:1"})
	wantFault(t, err, fault.Unavailable, ":5000/none:1", `host "lh1"`)
	_, err = e.try(t.Context(), "create-container", e.sleeper(m{"image": c.Hosts[0].Address + ":5000/none:1"}))
	wantFault(t, err, fault.Unavailable, ":5000/none:1", `host "lh1"`)

	c.Hosts[0].API(t, "POST", "/containers/create?name="+e.name(), m{"Image": lab.Sleeper}, nil)
	_, err = e.try(t.Context(), "create-container", e.sleeper(nil))
	wantFault(t, err, fault.Conflict, `the name "web_xweb" is taken on host "lh1" by container`)

	bad := c.entity("bad", 0)
	bad.run(t, "create-container", bad.sleeper(m{"command": []any{"say", "the disk is full", "exit", "7"}}))
	_, err = bad.try(t.Context(), "start-container", nil)
	wantFault(t, err, fault.OnFire, `container "bad_xbad" on host "lh1" exited with code 7 right after it was started`, "the disk is full")

	missing := c.entity("missing", 0)
	missing.run(t, "create-container", missing.sleeper(m{"entrypoint": []any{"/none"}}))
	_, err = missing.try(t.Context(), "start-container", nil)
	wantFault(t, err, fault.Invalid, "/none")

	first, second := c.entity("first", 0), c.entity("second", 0)
	first.up(t, first.sleeper(m{"portBindings": m{"18081": 80}}))
	second.run(t, "create-container", second.sleeper(m{"portBindings": m{"18081": 80}}))
	_, err = second.try(t.Context(), "start-container", nil)
	wantFault(t, err, fault.Conflict, "18081")
}

// TestLinks: containers of one application find each other by name on one
// host, and by an address on another.
func TestLinks(t *testing.T) {
	c := newCloud(t)
	db := c.entity("db", 0)
	out := db.up(t, db.sleeper(m{"command": []any{"serve", "80"}, "openPorts": []any{80}, "hostname": "database"}))
	hostPort := out["ports"].(m)["80"].(m)["hostPort"]
	for i, x := range []struct {
		host int
		link m
		url  string
	}{
		{0, m{"alias": "store", "container": db.name()}, "http://store/"},
		{0, nil, "http://db/"},
		{0, nil, "http://database/"},
		{0, nil, "http://db_xdb/"},
		{1, m{"alias": "store", "container": "", "address": c.Hosts[0].Address}, fmt.Sprintf("http://store:%v/", hostPort)},
	} {
		e := c.entity(fmt.Sprintf("client%d", i), x.host)
		in := e.sleeper(m{"command": []any{"get", x.url}})
		if x.link != nil {
			in["links"] = []any{x.link}
		}
		e.up(t, in)
		eventually(t, x.url, func() bool {
			return strings.Contains(logs(t, c.Hosts[x.host], e.lease.Resource), "database")
		})
	}
}

func logs(t *testing.T, h *lab.Host, id string) string {
	t.Helper()
	text, err := h.Raw("GET", "/containers/"+id+"/logs?stdout=1&stderr=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually waits for something that no event tells.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", url, res.Status, b.String())
	}
	return b.String()
}

// TestIdentidock: the demo's images work together.
func TestIdentidock(t *testing.T) {
	c := newCloud(t)
	c.Load(t, lab.Redis, lab.Dnmonster, lab.Identidock)
	redis, monster, front := c.entity("redis", 0), c.entity("dnmonster", 1), c.entity("identidock", 1)
	r := redis.up(t, m{"image": lab.Redis, "name": redis.name(), "openPorts": []any{6379}})
	monster.up(t, m{"image": lab.Dnmonster, "name": monster.name(), "openPorts": []any{8080}})
	front.up(t, m{
		"image": lab.Identidock, "name": front.name(), "portBindings": m{"80": 9090},
		"env": m{"REDIS_PORT_6379_TCP_ADDR": "redis", "REDIS_PORT_6379_TCP_PORT": fmt.Sprint(r["ports"].(m)["6379"].(m)["hostPort"])},
		"links": []any{
			m{"alias": "redis", "address": c.Hosts[0].Address},
			m{"alias": "dnmonster", "container": monster.name()},
		},
	})
	base := "http://" + c.Hosts[1].Address
	if page := get(t, base+"/?name=Ada"); !strings.Contains(page, `src="/monster/Ada"`) {
		t.Errorf("page: %s", page)
	}
	first := get(t, base+"/monster/Ada")
	if !strings.HasPrefix(first, "\x89PNG") || get(t, base+"/monster/Ada") != first {
		t.Errorf("image of %d bytes, or the second differs", len(first))
	}
	var status struct {
		Redis, Dnmonster string
		Hits             int
	}
	if err := json.Unmarshal([]byte(get(t, base+"/status")), &status); err != nil {
		t.Fatal(err)
	}
	if status.Redis != "ok" || status.Dnmonster != "ok" || status.Hits != 1 {
		t.Errorf("status %+v", status)
	}
}

// TestConcurrentDeploy: many at once, on all hosts, share a network each.
func TestConcurrentDeploy(t *testing.T) {
	c := newCloud(t)
	var wg sync.WaitGroup
	for i := range 18 {
		e := c.entity(fmt.Sprintf("n%d", i), i%len(c.Hosts))
		wg.Go(func() {
			if _, err := e.try(t.Context(), "create-container", e.sleeper(nil)); err != nil {
				t.Error(err)
			} else if _, err := e.try(t.Context(), "start-container", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	total := 0
	for _, h := range c.Hosts {
		if got := h.Networks(t, docker.LabelPlane+"="+c.plane); !slices.Equal(got, []string{"gowanus-app1"}) {
			t.Errorf("%s: networks %v", h.Name, got)
		}
		total += len(h.Containers(t, docker.LabelPlane+"="+c.plane))
	}
	if total != 18 {
		t.Errorf("%d containers", total)
	}
}
