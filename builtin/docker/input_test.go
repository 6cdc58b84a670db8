package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// names is a lookup that knows one host name.
func names(_ context.Context, name string) ([]netip.Addr, error) {
	switch name {
	case "db.example":
		return []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("::ffff:10.0.0.9"), netip.MustParseAddr("10.0.0.10")}, nil
	case "void.example":
		return nil, nil
	}
	return nil, fmt.Errorf("lookup %s: no such host", name)
}

func TestLinkByName(t *testing.T) {
	in := full()
	in["links"] = []any{m{"alias": "b", "address": "db.example"}, m{"alias": "a", "address": "fd00::2"}}
	s, err := readSpec(t.Context(), call(in), "p1", names)
	if want := []string{"a:fd00::2", "b:10.0.0.9"}; err != nil || !slices.Equal(s.ExtraHosts, want) {
		t.Errorf("%v, error %v; want %v", s.ExtraHosts, err, want)
	}
	in["links"] = []any{m{"alias": "b", "address": "web.example"}}
	_, err = readSpec(t.Context(), call(in), "p1", names)
	wantErr(t, err, fault.Unavailable, `create-container: links[0].address: lookup web.example: no such host`)
	in["links"] = []any{m{"alias": "b", "address": "void.example"}}
	_, err = readSpec(t.Context(), call(in), "p1", names)
	wantErr(t, err, fault.Unavailable, `create-container: links[0].address: "void.example" has no address`)
}

func TestCreateInputErrors(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		want  string
	}{
		{"img", "x", `img: unknown key, expected one of image, name, env, command, entrypoint, hostname, user, openPorts, portBindings, volumes, privileged, memory, cpuShares, restart, links`},
		{"image", nil, `image: missing`},
		{"image", 3, `image: must be a string, is 3`},
		{"image", "Redis:3", `image: "Redis:3" is no image reference like redis:3: invalid reference format: repository name (library/Redis) must be lowercase`},
		{"name", "", `name: missing`},
		{"name", "x", `name: "x" is no container name: expected two or more of a-z A-Z 0-9 _ . - that start with a letter or digit`},
		{"name", "a b", `name: "a b" is no container name: expected two or more of a-z A-Z 0-9 _ . - that start with a letter or digit`},
		{"env", []any{}, `env: must be a map, is []`},
		{"env", m{"A": []any{1}}, `env.A: must be a string, is [1]`},
		{"env", m{"A=B": "x"}, `env: "A=B" is no name of an environment variable, or its value has a zero byte`},
		{"env", m{"A": "x\x00"}, `env: "A" is no name of an environment variable, or its value has a zero byte`},
		{"command", "run", `command: must be a list, is run`},
		{"command", []any{"run", 1}, `command[1]: must be a string, is 1`},
		{"hostname", "a-", `hostname: "a-" is no host name`},
		{"openPorts", []any{80, 0}, `openPorts[1]: must be a port from 1 to 65535, is 0`},
		{"openPorts", []any{"http"}, `openPorts[0]: must be a port from 1 to 65535, is http`},
		{"openPorts", 80, `openPorts: must be a list, is 80`},
		{"portBindings", m{"80": 1.5}, `portBindings.80: must be a port from 1 to 65535, is 1.5`},
		{"portBindings", m{"65536": 80}, `portBindings.65536: must be a port from 1 to 65535, is 65536`},
		{"volumes", m{"srv": "/srv"}, `volumes.srv: the path on the host must be absolute and without a colon`},
		{"volumes", m{"/a:/b": "/srv"}, `volumes./a:/b: the path on the host must be absolute and without a colon`},
		{"volumes", m{"/srv": "srv"}, `volumes./srv: the path in the container must be absolute, is "srv"`},
		{"volumes", m{"/srv": "/srv:z"}, `volumes./srv: the mode must be ro or rw, is "z"`},
		{"privileged", "yes", `privileged: must be true or false, is yes`},
		{"memory", -1, `memory: must be a whole number from 0, is -1`},
		{"memory", "64m", `memory: must be a whole number from 0, is 64m`},
		{"restart", "maybe", `restart: must be one of no, on-failure, unless-stopped, always, is "maybe"`},
		{"links", []any{"db"}, `links[0]: must be a map of alias and container or address, is db`},
		{"links", []any{m{"alias": "a b", "container": "db"}}, `links[0].alias: "a b" is no host name`},
		{"links", []any{m{"alias": "db", "container": "d:b"}}, `links[0].container: "d:b" is no container name`},
		{"links", []any{m{"alias": "db"}}, `links[0]: has neither container nor address`},
		{"links", []any{m{"alias": "db", "address": "d b"}}, `links[0].address: "d b" is neither an IP address nor a host name`},
		{"links", []any{m{"alias": 1}}, `alias: must be a string, is 1`},
	} {
		in := full()
		in[c.key] = c.value
		_, err := readSpec(t.Context(), call(in), "p1", names)
		wantErr(t, err, fault.Invalid, "create-container: "+c.want)
	}
}

func TestStopTimeout(t *testing.T) {
	b := setup(t, Config{}, newFake("lh1"))
	_, err := b.run(t.Context(), "stop-container", call(m{"timeout": "soon"}))
	wantErr(t, err, fault.Invalid, `stop-container: timeout: must be a duration like 10s, is "soon"`)
}

// TestSpecHash: the hash changes with what is asked for, not with how it is
// written down.
func TestSpecHash(t *testing.T) {
	hash := func(change func(m)) string {
		in := full()
		change(in)
		s, err := readSpec(t.Context(), call(in), "p1", names)
		if err != nil {
			t.Fatal(err)
		}
		return s.Labels[LabelSpec]
	}
	plain := hash(func(m) {})
	for name, change := range map[string]func(m){
		"json numbers": func(in m) { in["memory"] = json.Number("67108864") },
		"string port":  func(in m) { in["openPorts"] = []any{"8080", 80, json.Number("6379")} },
		"nulls":        func(in m) { in["restart"] = "on-failure"; in["volumes"] = m{"/srv/b": "/b:ro", "/srv/a": "/a"} },
	} {
		if hash(change) != plain {
			t.Errorf("%s: the hash differs", name)
		}
	}
	seen := map[string]string{plain: "nothing"}
	for key, value := range map[string]any{
		"image": "redis:4", "name": "other", "env": nil, "command": nil, "entrypoint": nil, "hostname": nil, "user": nil, "openPorts": nil,
		"portBindings": nil, "volumes": nil, "privileged": nil, "memory": nil, "cpuShares": nil, "restart": nil, "links": nil,
	} {
		h := hash(func(in m) { in[key] = value })
		if before, same := seen[h]; same {
			t.Errorf("changing %s and changing %s give the same hash", key, before)
		}
		seen[h] = key
	}
}

// FuzzSpec: whatever the input, there is a spec, an Invalid fault, or a name
// that was not found, and the same input gives the same hash.
func FuzzSpec(f *testing.F) {
	text, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"image":"a","name":"bb","links":[null],"env":{"":1},"openPorts":[1e99]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in m
		if json.NewDecoder(strings.NewReader(text)).Decode(&in) != nil {
			return
		}
		a, err := readSpec(t.Context(), call(in), "p1", names)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.Unavailable {
				t.Errorf("%s: %v", fault.KindOf(err), err)
			}
			return
		}
		if b, err := readSpec(t.Context(), call(in), "p1", names); err != nil || a.Labels[LabelSpec] != b.Labels[LabelSpec] {
			t.Errorf("%v, or the hashes differ", err)
		}
	})
}
