package docker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

type m = map[string]any

// writePair writes a self-signed certificate as ca.pem and cert.pem, and its
// key as key.pem.
func writePair(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: cert},
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDefinition(t *testing.T) {
	dir := writePair(t)
	pair := m{"ca": dir + "/ca.pem", "cert": dir + "/cert.pem", "key": dir + "/key.pem"}
	none := map[string]string{}
	for name, c := range map[string]struct {
		config m
		env    map[string]string
		want   []hostConfig // tls: only whether it is there, as server name
		server []string
	}{
		"default":       {nil, none, []hostConfig{{url: "unix:///var/run/docker.sock", address: "127.0.0.1"}}, []string{""}},
		"default named": {m{"name": "here", "address": "10.0.0.1"}, none, []hostConfig{{name: "here", url: "unix:///var/run/docker.sock", address: "10.0.0.1"}}, []string{""}},
		"environment": {m{}, map[string]string{"DOCKER_HOST": "tcp://10.0.0.2:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": dir},
			[]hostConfig{{url: "tcp://10.0.0.2:2376", address: "10.0.0.2"}}, []string{"10.0.0.2"}},
		"environment does not count": {m{"host": "unix:///x"}, map[string]string{"DOCKER_HOST": "tcp://10.0.0.2:2376"},
			[]hostConfig{{url: "unix:///x", address: "127.0.0.1"}}, []string{""}},
		"strategies belong to placement": {m{"host": "unix:///x", "strategies": []any{"random"}}, none,
			[]hostConfig{{url: "unix:///x", address: "127.0.0.1"}}, []string{""}},
		"everything for placement": {m{"host": "unix:///x", "strategies": []any{"random"}, "docker.container.strategies": "random", "affinity.rules": []any{"EMPTY"},
			"docker.container.cluster.maxSize": 4, "docker.container.cluster.maxCpu": 0.5, "docker.container.cluster.maxMemory": 0.5, "latitude": 50.11, "longitude": "8.68"},
			none, []hostConfig{{url: "unix:///x", address: "127.0.0.1", labels: map[string]string{"latitude": "50.11", "longitude": "8.68"}}}, []string{""}},
		"labels of all": {m{"labels": m{"zone": "z", "disk": "hdd"}, "latitude": 1, "longitude": 2, "hosts": []any{
			m{"host": "unix:///x", "labels": m{"disk": "ssd"}}, m{"host": "unix:///y", "latitude": -3.5}}}, none, []hostConfig{
			{url: "unix:///x", address: "127.0.0.1", labels: map[string]string{"zone": "z", "disk": "ssd", "latitude": "1", "longitude": "2"}},
			{url: "unix:///y", address: "127.0.0.1", labels: map[string]string{"zone": "z", "disk": "hdd", "latitude": "-3.5", "longitude": "2"}},
		}, []string{"", ""}},
		"several": {m{"hosts": []any{
			m{"name": "a", "host": "tcp://lh1:2376", "address": "203.0.113.1", "labels": m{"zone": "z", "rack": 7}},
			m{"name": "b", "url": "tcp://[fd00::1]:2376"},
			m{"host": "unix:///y"},
		}, "tls": pair}, none, []hostConfig{
			{name: "a", url: "tcp://lh1:2376", address: "203.0.113.1", labels: map[string]string{"zone": "z", "rack": "7"}},
			{name: "b", url: "tcp://[fd00::1]:2376", address: "fd00::1"},
			{url: "unix:///y", address: "127.0.0.1"},
		}, []string{"lh1", "fd00::1", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readDefinition(location.Definition{Name: "cloud", Config: c.config}, func(k string) string { return c.env[k] })
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d hosts, want %d", len(got), len(c.want))
			}
			for i, h := range got {
				server := ""
				if h.tls != nil {
					server = h.tls.ServerName
				}
				w := c.want[i]
				if h.name != w.name || h.url != w.url || h.address != w.address || server != c.server[i] || len(h.labels) != len(w.labels) {
					t.Errorf("host %d: %+v, want %+v with TLS for %q", i, h, w, c.server[i])
				}
				for k, v := range w.labels {
					if h.labels[k] != v {
						t.Errorf("host %d: label %s is %q, want %q", i, k, h.labels[k], v)
					}
				}
			}
		})
	}
}

func TestDefinitionErrors(t *testing.T) {
	dir := writePair(t)
	one := func(h m) m { return m{"hosts": []any{m{"host": "unix:///x"}, h}} }
	for _, c := range []struct {
		config m
		want   string // after the location; DIR is the folder with the certificates
	}{
		{m{"hots": 1}, `hots: unknown key, expected one of host, url, name, address, tls, labels, latitude, longitude, strategies, docker.container.strategies, docker.container.cluster.maxSize, docker.container.cluster.maxCpu, docker.container.cluster.maxMemory, affinity.rules`},
		{m{"hosts": []any{}, "host": "x"}, `host: unknown key, expected one of hosts, tls, labels, latitude, longitude, strategies, docker.container.strategies, docker.container.cluster.maxSize, docker.container.cluster.maxCpu, docker.container.cluster.maxMemory, affinity.rules`},
		{m{"hosts": []any{}}, `hosts: must be a list of at least one host`},
		{m{"hosts": "lh1"}, `hosts: must be a list of at least one host`},
		{m{"hosts": []any{"lh1"}}, `hosts[0]: must be a map with at least "host"`},
		{one(m{}), `hosts[1].host: missing: expected unix://PATH or tcp://HOST:PORT`},
		{one(m{"name": 7}), `hosts[1].name: must be a string, is 7`},
		{one(m{"host": "unix:///x", "url": "unix:///x"}), `hosts[1].url: means the same as "host": give one of them`},
		{one(m{"host": "ssh://lh1"}), `hosts[1].host: "ssh://lh1" must start with unix:// or tcp://`},
		{one(m{"url": "tcp://lh1"}), `hosts[1].url: "tcp://lh1" must name host and port: tcp://10.77.0.11:2376`},
		{one(m{"url": "tcp://lh1:x"}), `hosts[1].url: "tcp://lh1:x" is not a URL: expected unix://PATH or tcp://HOST:PORT`},
		{one(m{"host": "unix://x"}), `hosts[1].host: "unix://x" must have an absolute path: unix:///var/run/docker.sock`},
		{one(m{"host": "unix:///x", "labels": "a"}), `hosts[1].labels: must be a map of strings`},
		{one(m{"host": "unix:///x", "labels": m{"a": []any{}}}), `hosts[1].labels.a: must be a string, is []`},
		{one(m{"host": "unix:///x", "tls": m{}}), `hosts[1].tls: is for tcp:// hosts, this one is unix:///x`},
		{one(m{"host": "tcp://h:1", "tls": "x"}), `hosts[1].tls: must be a map of ca, cert and key`},
		{one(m{"host": "tcp://h:1", "tls": m{"cacert": "x"}}), `hosts[1].tls.cacert: unknown key, expected one of ca, cert, key`},
		{one(m{"host": "tcp://h:1", "tls": m{"ca": "DIR/none"}}), `hosts[1].tls.ca: open DIR/none: no such file or directory`},
		{one(m{"host": "tcp://h:1", "tls": m{"ca": "DIR/empty.pem"}}), `hosts[1].tls.ca: DIR/empty.pem has no PEM certificate`},
		{one(m{"host": "tcp://h:1", "tls": m{"cert": "DIR/cert.pem"}}), `hosts[1].tls: cert and key go together`},
		{one(m{"host": "tcp://h:1", "tls": m{"cert": "DIR/cert.pem", "key": "DIR/empty.pem"}}),
			`hosts[1].tls.cert: tls: failed to find any PEM data in key input`},
		{one(m{"host": "unix:///x", "latitude": 91}), `hosts[1].latitude: must be degrees from -90 to 90, is 91`},
		{one(m{"host": "unix:///x", "labels": m{"longitude": "east"}}), `hosts[1].labels.longitude: must be degrees from -180 to 180, is east`},
		{m{"host": "unix:///x", "longitude": "NaN"}, `longitude: must be degrees from -180 to 180, is NaN`},
		{m{"hosts": []any{m{"host": "tcp://h:1"}}, "labels": 1}, `labels: must be a map of strings`},
		{m{"hosts": []any{m{"host": "tcp://h:1"}}, "tls": m{"ca": 1}}, `tls.ca: must be a string, is 1`},
		{m{"hosts": []any{m{"name": "a", "host": "unix:///x"}, m{"name": "a", "host": "unix:///y"}}}, `hosts[1].name: "a" is the name of hosts[0] already`},
	} {
		replaceDir(c.config, dir)
		_, err := New(Config{Plane: "p1"}).Open(location.Definition{Name: "cloud", Kind: Kind, Config: c.config})
		wantErr(t, err, fault.Invalid, `location "cloud": `+strings.ReplaceAll(c.want, "DIR", dir))
	}
}

// replaceDir writes dir for DIR in all strings.
func replaceDir(v any, dir string) {
	switch v := v.(type) {
	case m:
		for k, x := range v {
			if s, ok := x.(string); ok {
				v[k] = strings.ReplaceAll(s, "DIR", dir)
			}
			replaceDir(x, dir)
		}
	case []any:
		for _, x := range v {
			replaceDir(x, dir)
		}
	}
}

func TestOpenNeedsPlane(t *testing.T) {
	_, err := New(Config{}).Open(location.Definition{Name: "cloud"})
	wantErr(t, err, fault.Internal, `location "cloud": the docker provider has no plane name`)
}
