package docker

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// full is a create-container input with every key.
func full() m {
	return m{
		"image": "redis:3", "name": "redis_x1", "env": m{"B": 2.0, "A": "1", "E": nil}, "command": []any{"redis-server", "--port 1"},
		"entrypoint": []any{"/bin/sh"}, "hostname": "cache", "user": "redis", "openPorts": []any{6379.0, 8080, "80"},
		"portBindings": m{"9090": 80.0}, "volumes": m{"/srv/b": "/b:ro", "/srv/a": "/a"}, "privileged": true, "memory": 64 << 20,
		"cpuShares": 512, "restart": "on-failure",
		"links": []any{m{"alias": "db", "container": "db_x2"}, m{"alias": "web", "container": "", "address": "10.77.0.12"}},
	}
}

func TestCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("lh1"))
		c := call(full())
		out := b.mustRun(t, "create-container", c)
		if want := (m{"id": "c1", "name": "redis_x1"}); !reflect.DeepEqual(out, want) {
			t.Errorf("output %v, want %v", out, want)
		}
		if c.Lease.Resource != "c1" {
			t.Errorf("the lease holds %q", c.Lease.Resource)
		}
		wantCalls(t, b.fakes[0], "Network gowanus-app1", "CreateNetwork gowanus-app1", "Create redis_x1")
		got := *b.fakes[0].specs["c1"]
		if hash := got.Labels[LabelSpec]; !strings.HasPrefix(hash, "sha256:") || len(hash) != 7+64 {
			t.Errorf("hash %q", hash)
		}
		got.Labels = maps.Clone(got.Labels)
		delete(got.Labels, LabelSpec)
		want := spec{
			Name: "redis_x1", Image: "redis:3", Hostname: "cache", User: "redis", Env: []string{"A=1", "B=2", "E="},
			Command: []string{"redis-server", "--port 1"}, Entrypoint: []string{"/bin/sh"},
			Labels:     map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelEntity: "e1"},
			Ports:      []port{{80, "tcp", 9090}, {6379, "tcp", 0}, {8080, "tcp", 0}},
			Binds:      []string{"/srv/a:/a", "/srv/b:/b:ro"},
			Privileged: true, Memory: 64 << 20, CPUShares: 512, Restart: "on-failure", ExtraHosts: []string{"web:10.77.0.12"},
			Network: "gowanus-app1", Aliases: []string{"Redis", "cache", "redis", "redis_x1"}, Links: []string{"db_x2:db"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}

		// Again: adopted, and the network is remembered.
		if out := b.mustRun(t, "create-container", call(full())); out.(m)["id"] != "c1" {
			t.Errorf("not adopted: %v", out)
		}
		wantCalls(t, b.fakes[0], "Create redis_x1", "Inspect redis_x1")

		// Different: replaced.
		other := full()
		other["env"] = m{"A": "2"}
		if out := b.mustRun(t, "create-container", call(other)); out.(m)["id"] != "c2" {
			t.Errorf("not replaced: %v", out)
		}
		wantCalls(t, b.fakes[0], "Create redis_x1", "Inspect redis_x1", "Remove c1", "Create redis_x1")

		// On its way out: replaced too.
		b.fakes[0].containers["c2"].Status = removing
		b.fakes[0].fail["Remove"] = []error{fault.New(fault.Conflict, "removal is already in progress")}
		gone := time.AfterFunc(time.Second, func() { b.fakes[0].change(func() { delete(b.fakes[0].containers, "c2") }) })
		defer gone.Stop()
		if out := b.mustRun(t, "create-container", call(other)); out.(m)["id"] != "c3" {
			t.Errorf("not replaced: %v", out)
		}
	})
}

func TestCreateConflict(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		want   string
	}{
		{nil, `its label org.gowanus.plane is "", expected "p1"`},
		{map[string]string{LabelPlane: "p2", LabelApplication: "App1", LabelEntity: "e1"}, `its label org.gowanus.plane is "p2", expected "p1"`},
		{map[string]string{LabelPlane: "p1", LabelApplication: "App2", LabelEntity: "e1"}, `its label org.gowanus.application is "App2", expected "App1"`},
		{map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelEntity: "e2"}, `its label org.gowanus.entity is "e2", expected "e1"`},
	} {
		b := setup(t, Config{}, newFake("lh1"))
		b.fakes[0].containers["c0"] = &container{ID: "c0", Name: "redis_x1", Labels: c.labels, Status: running}
		_, err := b.run(t.Context(), "create-container", call(full()))
		wantErr(t, err, fault.Conflict, `the name "redis_x1" is taken on host "lh1" by container c0: `+c.want)
		if b.fakes[0].containers["c0"] == nil {
			t.Error("the foreign container is gone")
		}
	}
}

func TestCreateRepairs(t *testing.T) {
	noImage, noNetwork := fault.As(errNoImage, fault.NotFound), fault.As(errNoNetwork, fault.NotFound)
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("lh1"))
		f := b.fakes[0]
		delete(f.images, "redis:3")
		f.registry["redis:3"] = "sha256:pulled"
		b.mustRun(t, "create-container", call(full()))
		wantCalls(t, f, "Network gowanus-app1", "CreateNetwork gowanus-app1",
			"Create redis_x1", "ImageID redis:3", "Pull redis:3", "ImageID redis:3", "Create redis_x1")

		f.containers = map[string]*container{}
		f.networks = map[string]*network{}
		f.fail["Create"] = []error{noNetwork}
		b.mustRun(t, "create-container", call(full()))
		wantCalls(t, f, "Create redis_x1", "Network gowanus-app1", "CreateNetwork gowanus-app1", "Create redis_x1")

		f.containers = map[string]*container{}
		f.fail["Create"] = []error{noImage, noImage, noImage, noImage, noImage, noImage}
		_, err := b.run(t.Context(), "create-container", call(full()))
		wantErr(t, err, fault.Unavailable, `create container "redis_x1" on host "lh1": gave up after 6 attempts`)
	})
}

func TestNetworkOfOthers(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	f := b.fakes[0]
	f.networks["gowanus-app1"] = &network{ID: "n1", Name: "gowanus-app1", Labels: map[string]string{LabelPlane: "p2"}}
	_, err := b.run(t.Context(), "create-container", call(full()))
	wantErr(t, err, fault.Conflict, `network gowanus-app1 on host "lh1" belongs to something else: its labels are map[org.gowanus.plane:p2]`)

	// Somebody else of this plane creates it at the same time.
	delete(f.networks, "gowanus-app1")
	f.fail["CreateNetwork"] = []error{fault.New(fault.Conflict, "network exists")}
	f.fail["Network"] = []error{fault.As(errNoNetwork, fault.NotFound)}
	f.networks["gowanus-app1"] = &network{ID: "n1", Name: "gowanus-app1", Labels: map[string]string{LabelPlane: "p1", LabelApplication: "App1"}}
	b.mustRun(t, "create-container", call(full()))
}

func TestPull(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	f := b.fakes[0]
	if out := b.mustRun(t, "pull-image", call(m{"image": "redis:3"})); !reflect.DeepEqual(out, m{"id": "sha256:redis", "pulled": false}) {
		t.Errorf("output %v", out)
	}
	b.mustRun(t, "pull-image", call(m{"image": "redis:3"}))
	wantCalls(t, f, "ImageID redis:3")

	f.registry["nginx"] = "sha256:nginx"
	c := call(m{"image": "nginx"})
	if out := b.mustRun(t, "pull-image", c); !reflect.DeepEqual(out, m{"id": "sha256:nginx", "pulled": true}) {
		t.Errorf("output %v", out)
	}
	if got := c.Out.(*bytes.Buffer).String(); got != "pulled\n" {
		t.Errorf("stdout %q", got)
	}
	_, err := b.run(t.Context(), "pull-image", call(m{"image": "nothing"}))
	wantErr(t, err, fault.NotFound, `no such image nothing on host "lh1" nor in its registry: pull image nothing on host "lh1": manifest for nothing not found`)
	f.fail["Pull"] = []error{fault.New(fault.Unavailable, "lookup registry: no such host")}
	_, err = b.run(t.Context(), "pull-image", call(m{"image": "nothing"}))
	wantErr(t, err, fault.Unavailable, `pull image nothing on host "lh1": lookup registry: no such host`)
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("lh1"))
		f := b.fakes[0]
		c := call(full())
		b.mustRun(t, "create-container", c)
		c.Input = nil
		f.called()
		began := time.Now()
		out := b.mustRun(t, "start-container", c)
		want := m{
			"id": "c1", "name": "redis_x1", "hostname": "cache", "addresses": []any{"172.18.0.2", "10.0.0.1"}, "subnetAddress": "172.18.0.2",
			"hostAddress": "10.77.0.11", "ports": m{
				"80":   m{"hostPort": 9090, "hostAddress": "10.77.0.11"},
				"6379": m{"hostPort": 32769, "hostAddress": "10.77.0.11"},
				"8080": m{"hostPort": 32770, "hostAddress": "10.77.0.11"},
			},
		}
		if !reflect.DeepEqual(out, want) {
			t.Errorf("got  %v\nwant %v", out, want)
		}
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("it waited %v", took)
		}
		wantCalls(t, f, "Start c1", "Inspect c1")

		f.fail["Start"] = []error{fault.As(errNoNetwork, fault.NotFound)}
		f.networks = map[string]*network{}
		b.mustRun(t, "start-container", c)
		wantCalls(t, f, "Start c1", "Network gowanus-app1", "CreateNetwork gowanus-app1", "Start c1", "Inspect c1")

		f.crash["redis_x1"], f.log = 0, ""
		b.mustRun(t, "start-container", c) // a job that is done is not a failure
		f.crash["redis_x1"], f.log = 3, "reading config\nno such key\n"
		_, err := b.run(t.Context(), "start-container", c)
		wantErr(t, err, fault.OnFire, "container \"redis_x1\" on host \"lh1\" exited with code 3 right after it was started; the end of its output:\nreading config\nno such key")
		if got := c.Err.(*bytes.Buffer).String(); got != "reading config\nno such key\n" {
			t.Errorf("stderr %q", got)
		}
		f.crash["redis_x1"], f.log, f.containers["c1"].OutOfMem = 137, "", true
		_, err = b.run(t.Context(), "start-container", c)
		wantErr(t, err, fault.OnFire, "container \"redis_x1\" on host \"lh1\" ran out of memory and exited with code 137 right after it was started; the end of its output:\n(it wrote nothing)")
	})
}

func TestStopAndRemove(t *testing.T) {
	mine := map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelEntity: "e1"}
	other := map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelEntity: "e2"}
	byLabel := "List [org.gowanus.plane=p1 org.gowanus.entity=e1]"
	for name, c := range map[string]struct {
		step, resource string
		want           []string
	}{
		"stop":                     {"stop-container", "c1", []string{"Stop c1"}},
		"stop what never was held": {"stop-container", "", []string{byLabel, "Stop c1"}},
		"stop what is gone":        {"stop-container", "c0", []string{"Stop c0", byLabel, "Stop c1"}},
		"remove":                   {"remove-container", "c1", []string{"Remove c1"}},
		"remove unheld":            {"remove-container", "", []string{byLabel, "Remove c1"}},
		"remove again":             {"remove-container", "c0", []string{"Remove c0", byLabel, "Remove c1"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, Config{}, newFake("lh1"))
			b.fakes[0].containers = map[string]*container{"c1": {ID: "c1", Labels: mine}, "c2": {ID: "c2", Labels: other}}
			s := call(nil)
			s.Lease.Resource = c.resource
			if out := b.mustRun(t, c.step, s); out != nil {
				t.Errorf("output %v", out)
			}
			wantCalls(t, b.fakes[0], c.want...)
			b.mustRun(t, c.step, s)
			if b.fakes[0].containers["c2"] == nil {
				t.Error("the other entity's container is gone")
			}
		})
	}
}

func TestLeaseErrors(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	for _, c := range []struct {
		change func(*action.Call)
		kind   fault.Kind
		want   string
	}{
		{func(c *action.Call) { c.Lease = nil }, fault.Precondition, `start-container: the entity holds no host: obtain-host comes first`},
		{func(c *action.Call) { c.Lease.Kind = "localhost" }, fault.Precondition, `start-container: the entity's host is of kind "localhost", expected "docker"`},
		{func(c *action.Call) { c.Lease.Location = "else" }, fault.NotFound, `start-container: location "else" is not defined any more`},
		{func(c *action.Call) { c.Lease.Host = "lh9" }, fault.NotFound, `location "cloud" has no host "lh9"`},
		{func(c *action.Call) {}, fault.Precondition, `start-container: the entity has no container: create-container comes first`},
		{func(c *action.Call) { c.Lease.Resource = "c9" }, fault.NotFound, `start container c9 on host "lh1": no such container: c9`},
		{func(c *action.Call) { c.Input = m{"name": "x"} }, fault.Invalid, `start-container: name: unknown key, expected one of `},
	} {
		s := call(nil)
		c.change(s)
		_, err := b.run(t.Context(), "start-container", s)
		wantErr(t, err, c.kind, c.want)
	}
	if err := b.location.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := b.run(t.Context(), "remove-container", call(nil))
	wantErr(t, err, fault.NotFound, `remove-container: location "cloud" is not defined any more`)
}

// TestReopen: a new definition of a name takes over, and closing the old
// location afterwards does not take the new one away.
func TestReopen(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	if _, err := b.Open(location.Definition{Name: "cloud", Config: m{"name": "lh1", "host": "tcp://10.77.0.11:2376"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.location.Close(); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t, "remove-container", call(nil))
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("lh1"))
		b.fakes[0].hang["Create"] = true
		began := time.Now()
		_, err := b.run(t.Context(), "create-container", call(full()))
		wantErr(t, err, fault.Unavailable, `create container "redis_x1" on host "lh1": no answer within 30s`)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestParallel: no host is given more creates and starts than allowed, and
// those who wait say so.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{Parallel: 3}, newFake("lh1"))
		f := b.fakes[0]
		f.gate = make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		blocked := map[string]int{}
		for i := range 10 {
			in := full()
			in["name"] = "redis_" + string(rune('a'+i))
			c := call(in)
			c.Block = func(details string) func() {
				mu.Lock()
				defer mu.Unlock()
				blocked[details]++
				return func() {}
			}
			wg.Go(func() {
				if _, err := b.run(t.Context(), "create-container", c); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		mu.Lock()
		if want := map[string]int{`waiting for host "lh1", which has 3 containers to create or start`: 7}; !maps.Equal(blocked, want) {
			t.Errorf("blocked %v, want %v", blocked, want)
		}
		mu.Unlock()
		close(f.gate)
		wg.Wait()
		if f.most != 3 {
			t.Errorf("%d creates at a time, want 3", f.most)
		}
		if n := strings.Count("\n"+strings.Join(f.called(), "\n"), "\nNetwork "); n != 1 {
			t.Errorf("%d inspections of the network, want 1", n)
		}
	})
}

func TestFailpoints(t *testing.T) {
	b := setup(t, Config{Settle: time.Nanosecond}, newFake("lh1"))
	f := b.fakes[0]
	f.registry["nginx"] = "sha256:nginx"
	t.Cleanup(failpoint.Disable)
	if err := failpoint.Enable("docker.create.before=error"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t.Context(), "create-container", call(full())); err == nil || len(f.containers) != 0 {
		t.Errorf("error %v, containers %v", err, f.containers)
	}
	if err := failpoint.Enable("docker.create.after=1*error(power cut)"); err != nil {
		t.Fatal(err)
	}
	c := call(full())
	if _, err := b.run(t.Context(), "create-container", c); err == nil || err.Error() != "power cut" || len(f.containers) != 1 || c.Lease.Resource != "" {
		t.Errorf("error %v, containers %v, holding %q", err, f.containers, c.Lease.Resource)
	}
	b.mustRun(t, "create-container", c)
	c.Input = nil
	for _, step := range []string{"start-container", "stop-container", "remove-container"} {
		b.mustRun(t, step, c)
	}
	b.mustRun(t, "pull-image", call(m{"image": "nginx"}))
	if err := b.location.Clean(t.Context(), "App1"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"docker.create.after", "docker.create.before", "docker.network.remove.after", "docker.network.remove.before",
		"docker.pull.after", "docker.pull.before", "docker.remove.after", "docker.remove.before",
		"docker.start.after", "docker.start.before", "docker.stop.after", "docker.stop.before",
	}
	if got := failpoint.Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("points %q\nwant   %q", got, want)
	}
}

func TestHoldFails(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	c := call(full())
	full := errors.New("disk full")
	c.Hold = func(ctx context.Context, resource string) error { return full }
	if _, err := b.run(t.Context(), "create-container", c); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}
