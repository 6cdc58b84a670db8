package remote_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gowanus-project/gowanus/builtin/remote"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
)

type m = map[string]any

type fixture struct {
	*server
	*remote.Remote
	known string
	t     *testing.T
}

func setup(t *testing.T, c remote.Config) *fixture {
	t.Helper()
	s := startServer(t)
	c.Log = slog.New(slog.DiscardHandler)
	r := remote.New(c)
	t.Cleanup(func() { r.Close() })
	return &fixture{s, r, s.trust(t, s.hostKey.PublicKey()), t}
}

// input gives the keys that reach the server; more overrides them.
func (f *fixture) input(more m) m {
	in := m{"endpoint": f.host, "port": f.port, "user": "joe", "privateKeyData": string(f.userPEM), "knownHostsFile": f.known}
	maps.Copy(in, more)
	return in
}

func (f *fixture) run(ctx context.Context, in m, change ...func(*action.Call)) (any, error) {
	c := &action.Call{Entity: hook.Ref{ID: "e1", Name: "web"}, Input: in}
	for _, ch := range change {
		ch(c)
	}
	return f.Actions()[0].Run(ctx, c)
}

func TestSSH(t *testing.T) {
	f := setup(t, remote.Config{})
	var out, errs bytes.Buffer
	got, err := f.run(t.Context(), f.input(m{
		"command": `printf '%s' "$A"; cat; echo oops >&2; exit 3`, "env": m{"A": `$(id) 'x' "y" \`}, "exit_code": []any{int64(0), int64(3)},
	}), func(c *action.Call) { c.Out, c.Err = &out, &errs })
	want := m{"stdout": `$(id) 'x' "y" \`, "stderr": "oops\n", "exit_code": int64(3)}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("gave %v, %v, want %v", got, err, want)
	}
	if out.String() != want["stdout"] || errs.String() != "oops\n" {
		t.Errorf("the streams have %q and %q", &out, &errs)
	}
	for name, in := range map[string]m{
		"file":     {"privateKeyData": nil, "privateKeyFile": f.keyFile(t)},
		"password": {"privateKeyData": nil, "password": testPassword},
		"endpoint": {"endpoint": "joe@" + f.host + ":" + f.port, "user": nil, "port": nil},
		"address":  {"endpoint": nil, "address": f.host, "port": f.port},
	} {
		in["command"] = "echo $0"
		if got, err := f.run(t.Context(), f.input(in)); err != nil || !strings.HasSuffix(strings.TrimSpace(got.(m)["stdout"].(string)), "sh") {
			t.Errorf("by %s gave %v, %v", name, got, err)
		}
	}
	got, err = f.run(t.Context(), f.input(m{"command": "kill -TERM $$", "exit_code": int64(143)}))
	if err != nil {
		t.Errorf("a signal gave %v, %v", got, err)
	}
}

func TestConnectionIsShared(t *testing.T) {
	f := setup(t, remote.Config{Idle: 50 * time.Millisecond, Sessions: 2})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := f.run(t.Context(), f.input(m{"command": "true"})); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := f.logins.Load(); n != 1 {
		t.Errorf("%d logins", n)
	}
	<-f.changed // closed, being idle
	if _, err := f.run(t.Context(), f.input(m{"command": "true"})); err != nil {
		t.Error(err)
	}
	if _, err := f.run(t.Context(), f.input(m{"command": "true", "password": testPassword})); err != nil {
		t.Error(err)
	}
	if n := f.logins.Load(); n != 3 {
		t.Errorf("%d logins, though one proved something else", n)
	}
}

func TestConnectionIsReplaced(t *testing.T) {
	f := setup(t, remote.Config{})
	if _, err := f.run(t.Context(), f.input(m{"command": "true"})); err != nil {
		t.Fatal(err)
	}
	f.cut()
	<-f.changed
	if _, err := f.run(t.Context(), f.input(m{"command": "true"})); err != nil {
		t.Error(err)
	}
}

func TestMachineFallsSilent(t *testing.T) {
	f := setup(t, remote.Config{Probe: 10 * time.Millisecond, Misses: 2})
	f.mute.Store(true)
	_, err := f.run(t.Context(), f.input(m{"command": "true"}))
	wantErr(t, err, fault.Unavailable, "ssh: the connection to "+f.host+":"+f.port+" was lost before the command ended")
}

func TestContextEnds(t *testing.T) {
	f := setup(t, remote.Config{})
	cause := fault.New(fault.Timeout, "the step took too long")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := f.run(ctx, f.input(m{"command": "echo up; exec sleep 60"}), func(c *action.Call) {
		c.Out = writer(func() { cancel(cause) })
	})
	if !errors.Is(err, cause) {
		t.Errorf("gave %v", err)
	}
	_, err = f.run(ctx, f.input(m{"command": "true"}))
	if !errors.Is(err, cause) {
		t.Errorf("before it began gave %v", err)
	}
}

type writer func()

func (w writer) Write(b []byte) (int, error) { w(); return len(b), nil }

func TestHostKeys(t *testing.T) {
	f := setup(t, remote.Config{})
	at := f.host + ":" + f.port
	fingerprint := ssh.FingerprintSHA256(f.hostKey.PublicKey())
	absent := filepath.Join(f.dir, "absent")
	_, err := f.run(t.Context(), f.input(m{"command": "true", "knownHostsFile": absent}))
	wantErr(t, err, fault.Forbidden, "ssh: "+at+" is not in "+absent+": it shows the key "+fingerprint+
		"; once you have made sure that this is its key, accept it with: ssh-keyscan -p "+f.port+" "+f.host+" >> "+absent)

	other, _ := newKey(t)
	f.known = f.trust(t, other.PublicKey())
	_, err = f.run(t.Context(), f.input(m{"command": "true"}))
	wantErr(t, err, fault.Forbidden, "ssh: "+at+" has another key than the one in "+f.known+":1: it shows "+fingerprint+", known is "+
		ssh.FingerprintSHA256(other.PublicKey())+"; if that is right, take the line away and add its new key")
	if n := f.logins.Load(); n != 0 {
		t.Errorf("%d logins", n)
	}
}

func TestErrors(t *testing.T) {
	f := setup(t, remote.Config{})
	at := f.host + ":" + f.port
	_, stranger := newKey(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		more m
		kind fault.Kind
		want string
	}{
		{m{"command": ""}, fault.Invalid, "ssh: command: it is missing"},
		{m{"command": "x", "usr": "x"}, fault.Invalid, `ssh: usr: there is no such key; did you mean "user"?`},
		{m{"port": "ssh"}, fault.Invalid, `ssh: port: "ssh" is no port from 1 to 65535`},
		{m{"endpoint": "a b"}, fault.Invalid, `ssh: endpoint: "a b" is no USER@HOST:PORT`},
		{m{"endpoint": nil}, fault.Precondition, "ssh: entity web has no machine of its own: it runs nowhere; say which one, as in ssh to HOST COMMAND"},
		{m{"privateKeyData": nil}, fault.Invalid, "ssh: privateKeyFile: it is missing, and so are privateKeyData and password: nothing proves who logs in"},
		{m{"privateKeyData": nil, "privateKeyFile": "/nowhere"}, fault.Invalid, "ssh: privateKeyFile: open /nowhere: no such file or directory"},
		{m{"privateKeyData": "my secret"}, fault.Invalid, "ssh: this is no private key in PEM"},
		{m{"privateKeyData": string(pem.EncodeToMemory(locked))}, fault.Invalid, "ssh: the private key is encrypted: privateKeyPassphrase is missing"},
		{m{"privateKeyData": string(pem.EncodeToMemory(locked)), "privateKeyPassphrase": "guess"}, fault.Invalid, "ssh: the private key cannot be read with privateKeyPassphrase"},
		{m{"privateKeyData": string(stranger)}, fault.Unauthorized, "ssh: " + at + " does not let joe log in with what it was given"},
		{m{"privateKeyData": nil, "password": "guess"}, fault.Unauthorized, "ssh: " + at + " does not let joe log in with what it was given"},
		{m{"command": "echo bad >&2; exit 9"}, fault.Unavailable, "ssh: the command ended with exit code 9: bad"},
	} {
		in := f.input(m{"command": "true"})
		maps.Copy(in, c.more)
		_, err := f.run(t.Context(), in)
		wantErr(t, err, c.kind, c.want)
	}
	_, err = f.run(t.Context(), m{"command": "true"}, func(c *action.Call) { c.Lease = &location.Lease{Kind: "docker"} })
	wantErr(t, err, fault.Precondition, "ssh: entity web has no machine of its own: it runs on a location of kind docker; say which one, as in ssh to HOST COMMAND")
	f.lose.Store(true)
	_, err = f.run(t.Context(), f.input(m{"command": "true"}))
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a connection that is lost gave %v", err)
	}
	f.Close()
	_, err = f.run(t.Context(), f.input(m{"command": "true"}))
	wantErr(t, err, fault.Unavailable, "ssh: the server is stopping")
}

func TestNobodyAnswers(t *testing.T) {
	f := setup(t, remote.Config{Connect: 20 * time.Millisecond})
	quiet := startSilent(t)
	_, err := f.run(t.Context(), f.input(m{"command": "true", "endpoint": quiet, "port": nil}))
	wantErr(t, err, fault.Unavailable, "ssh: no connection to "+quiet+" within 20ms (Config.Connect)")
}

func TestOnThisMachine(t *testing.T) {
	f := setup(t, remote.Config{})
	here := func(c *action.Call) { c.Lease = &location.Lease{Kind: "localhost"} }
	got, err := f.run(t.Context(), m{"command": "echo $A", "env": m{"A": "b"}, "privateKeyFile": "/nowhere"}, here)
	if want := (m{"stdout": "b\n", "stderr": "", "exit_code": int64(0)}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("gave %v, %v", got, err)
	}
	if _, err := f.run(t.Context(), f.input(m{"command": "true"}), here); err != nil || f.logins.Load() != 1 {
		t.Errorf("an endpoint gave %v and %d logins", err, f.logins.Load())
	}
}

func wantErr(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s: %s", kind, text)
	}
	if err.Error() != text || fault.KindOf(err) != kind {
		t.Errorf("got  %s: %s\nwant %s: %s", fault.KindOf(err), err, kind, text)
	}
}
