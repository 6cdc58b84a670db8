package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// answers is an engine that gives a fixed answer per "METHOD /path".
type answers map[string]struct {
	status int
	body   string
}

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	if r.URL.Path == "/_ping" {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1.41")
	got, ok := a[r.Method+" "+path]
	if !ok {
		http.Error(w, `{"message":"unexpected `+r.Method+" "+path+`"}`, http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(got.status)
	_, _ = io.WriteString(w, got.body) // the client's side shows what is missing
}

// serve gives a connection to such an engine.
func serve(t *testing.T, a answers) daemon {
	t.Helper()
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	d, err := connect(hostConfig{url: "tcp://" + strings.TrimPrefix(s.URL, "http://")}, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestClassify: each failure of each call has the kind that callers react to.
func TestClassify(t *testing.T) {
	create := func(ctx context.Context, d daemon) error {
		_, err := d.Create(ctx, &spec{Name: "web", Image: "a", Network: "n", Ports: []port{{80, "tcp", 9090}, {81, "tcp", 0}}})
		return err
	}
	pull := func(ctx context.Context, d daemon) error { return d.Pull(ctx, "a", func(string) {}) }
	for _, c := range []struct {
		call   string
		status int
		body   string
		do     func(context.Context, daemon) error
		kind   fault.Kind
		want   string // text, or which error it is
		is     error
	}{
		{"POST /containers/create", 404, "No such image: a:latest", create, fault.NotFound, "no such image", errNoImage},
		{"POST /containers/create", 404, "network n not found", create, fault.NotFound, "no such network", errNoNetwork},
		{"POST /containers/create", 409, "Conflict. The name is in use", create, fault.Conflict, "Conflict. The name is in use", nil},
		{"POST /containers/create", 400, "invalid mount", create, fault.Invalid, "invalid mount", nil},
		{"POST /containers/create", 500, "disk full", create, fault.Unavailable, "disk full", nil},
		{"POST /containers/create", 403, "plugin says no", create, fault.Forbidden, "plugin says no", nil},
		{"POST /containers/c/start", 404, "No such container: c", func(ctx context.Context, d daemon) error { return d.Start(ctx, "c") }, fault.NotFound, "No such container: c", nil},
		{"POST /containers/c/start", 404, "network n not found", func(ctx context.Context, d daemon) error { return d.Start(ctx, "c") }, fault.NotFound, "no such network", errNoNetwork},
		{"POST /containers/c/start", 500, "Bind for 0.0.0.0:80 failed: port is already allocated", func(ctx context.Context, d daemon) error { return d.Start(ctx, "c") },
			fault.Conflict, "Bind for 0.0.0.0:80 failed: port is already allocated", nil},
		{"POST /containers/c/start", 500, "out of threads", func(ctx context.Context, d daemon) error { return d.Start(ctx, "c") }, fault.Unavailable, "out of threads", nil},
		{"GET /images/a/json", 404, "No such image: a", func(ctx context.Context, d daemon) error { _, err := d.ImageID(ctx, "a"); return err }, fault.NotFound, "no such image", errNoImage},
		{"GET /networks/n", 404, "network n not found", func(ctx context.Context, d daemon) error { _, err := d.Network(ctx, "n"); return err }, fault.NotFound, "no such network", errNoNetwork},
		{"POST /networks/create", 409, "network with name n already exists", func(ctx context.Context, d daemon) error { return d.CreateNetwork(ctx, "n", nil) },
			fault.Conflict, "network with name n already exists", nil},
		{"POST /networks/create", 500, "could not find an available, non-overlapping IPv4 address pool", func(ctx context.Context, d daemon) error { return d.CreateNetwork(ctx, "n", nil) },
			fault.Capacity, "could not find an available, non-overlapping IPv4 address pool (the engine's default-address-pools are used up)", nil},
		{"DELETE /networks/n", 403, "n has active endpoints", func(ctx context.Context, d daemon) error { return d.RemoveNetwork(ctx, "n") }, fault.Precondition, "n has active endpoints", nil},
		{"DELETE /containers/c", 409, "removal of container c is already in progress", func(ctx context.Context, d daemon) error { return d.Remove(ctx, "c") },
			fault.Conflict, "removal of container c is already in progress", nil},
		{"POST /images/create", 404, "pull access denied", pull, fault.NotFound, "pull access denied", nil},
		{"POST /images/create", 500, "dial tcp: no such host", pull, fault.Unavailable, "dial tcp: no such host", nil},
	} {
		d := serve(t, answers{c.call: {c.status, fmt.Sprintf(`{"message":%q}`, c.body)}})
		err := c.do(t.Context(), d)
		wantErr(t, err, c.kind, c.want)
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v is not %v", c.call, err, c.is)
		}
	}
}

func TestPullStream(t *testing.T) {
	for _, c := range []struct {
		body  string
		lines []string
		kind  fault.Kind
		err   string
	}{
		{`{"status":"Pulling from a","id":"latest"}{"status":"Downloading","id":"l1"}{"status":"Pull complete","id":"l1"}{"status":"Status: new"}`,
			[]string{"latest: Pulling from a", "l1: Pull complete", "Status: new"}, 0, ""},
		{`{"status":"Pulling"}{"error":"manifest for a not found"}`, []string{"Pulling"}, fault.NotFound, "manifest for a not found"},
		{`{"error":"unexpected EOF of layer"}`, nil, fault.Unavailable, "unexpected EOF of layer"},
		{`{"status":"Pulling"}{"sta`, []string{"Pulling"}, fault.Unavailable, "unexpected EOF"},
	} {
		var lines []string
		err := serve(t, answers{"POST /images/create": {200, c.body}}).Pull(t.Context(), "a", func(l string) { lines = append(lines, l) })
		if c.err != "" {
			wantErr(t, err, c.kind, c.err)
		} else if err != nil {
			t.Error(err)
		}
		if !slices.Equal(lines, c.lines) {
			t.Errorf("lines %q, want %q", lines, c.lines)
		}
	}
}

func TestReads(t *testing.T) {
	d := serve(t, answers{
		"GET /info": {200, `{"Name":"lh1","NCPU":2,"MemTotal":1024,"ServerVersion":"20.10","Labels":["zone=a","ssd"],"SystemTime":"2026-01-01T00:00:00Z"}`},
		"GET /containers/json": {200, `[{"Id":"c1","Names":["/web"],"State":"exited","Status":"Exited (137) 2 seconds ago","Labels":{"a":"b"}},
			{"Id":"c2","State":"running","Status":"Up 2 seconds"}]`},
		"GET /containers/web/json": {200, `{"Id":"c1","Name":"/web","Config":{"Hostname":"front","Labels":{"a":"b"}},"State":{"Status":"running","ExitCode":0},
			"NetworkSettings":{"Networks":{"n":{"IPAddress":"172.18.0.2"},"empty":{"IPAddress":""}},
			"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"9090"},{"HostIp":"::","HostPort":"9090"}],"53/udp":[{"HostPort":"5353"}],"81/tcp":null}}}`},
		"GET /containers/c1/logs": {200, "\x01\x00\x00\x00\x00\x00\x00\x03out\x02\x00\x00\x00\x00\x00\x00\x03err\x01\x00\x00"},
		"GET /networks":           {200, `[{"Id":"n1","Name":"n","Labels":{"a":"b"}}]`},
		"GET /images/a/json":      {200, `{"Id":"sha256:a"}`},
		"GET /events": {200, `{"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"137","org.gowanus.entity":"e1"}}}
			{"Type":"container","Action":"start","Actor":{"ID":"c2","Attributes":{}}}`},
	})
	check := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, error %v\nwant %+v", what, got, err, want)
		}
	}
	i, err := d.Info(t.Context())
	check("info", i, err, info{Name: "lh1", CPUs: 2, Memory: 1024, Version: "20.10", Labels: map[string]string{"zone": "a", "ssd": ""}, Time: "2026-01-01T00:00:00Z"})
	list, err := d.List(t.Context(), "a=b")
	check("list", list, err, []container{{ID: "c1", Name: "web", Labels: map[string]string{"a": "b"}, Status: "exited", ExitCode: 137}, {ID: "c2", Status: running}})
	one, err := d.Inspect(t.Context(), "web")
	check("inspect", one, err, container{ID: "c1", Name: "web", Hostname: "front", Labels: map[string]string{"a": "b"}, Status: running,
		Addresses: map[string]string{"n": "172.18.0.2"}, Ports: map[string][]string{"80": {"9090", "9090"}, "53/udp": {"5353"}}})
	text, err := d.Log(t.Context(), "c1", 20)
	check("log", text, err, "outerr")
	networks, err := d.Networks(t.Context(), "a=b")
	check("networks", networks, err, []network{{ID: "n1", Name: "n", Labels: map[string]string{"a": "b"}}})
	image, err := d.ImageID(t.Context(), "a")
	check("image", image, err, "sha256:a")

	events, failed := d.Events(t.Context(), "2026-01-01T00:00:00Z", "a=b")
	died := <-events
	check("event", died, nil, event{Action: "die", ID: "c1", ExitCode: "137", Labels: map[string]string{"exitCode": "137", "org.gowanus.entity": "e1"}})
	check("event", <-events, nil, event{Action: "start", ID: "c2", Labels: map[string]string{}})
	wantErr(t, <-failed, fault.Unavailable, "EOF")
}

// TestUnreachable: nobody listens, and an engine that accepts and never
// answers.
func TestUnreachable(t *testing.T) {
	d, err := connect(hostConfig{url: "unix://" + filepath.Join(t.TempDir(), "no.sock")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.Info(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%s: %v", fault.KindOf(err), err)
	}
	mute := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-mute }))
	defer s.Close()
	defer close(mute)
	h := newHost("cloud", hostConfig{name: "lh1", url: "tcp://" + strings.TrimPrefix(s.URL, "http://")},
		Config{Log: New(Config{}).config.Log, Parallel: 1, Deadlines: Deadlines{Info: 50 * time.Millisecond}}, connect)
	defer h.close()
	seen := h.look(t.Context(), time.Minute)
	wantErr(t, seen.err, fault.Unavailable, `ask for the state on host "lh1": no answer within 50ms`)
}
