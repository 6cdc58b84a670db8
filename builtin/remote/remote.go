// Package remote runs commands on the machines of entities: the workflow step
// ssh.
//
// An entity that runs on a localhost location has the command run there
// directly. Any other is reached over SSH, by the keys of the step, which the
// engine fills from the config of the entity and its location:
//
//	endpoint (or address)  where to, as in HOST, HOST:PORT or USER@HOST:PORT
//	user, port             unless the endpoint has them; default: the server's own user, 22
//	privateKeyData         a private key in PEM, or
//	privateKeyFile         the path of one
//	privateKeyPassphrase   if the key is encrypted
//	password               instead of a key, or beside it
//	knownHostsFile         whose keys are trusted; default ~/.ssh/known_hosts
//
// A host whose key is not in that file is refused, always. The command comes
// from builtin/command, with its other keys.
package remote

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/builtin/command"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Config sets the package up. Zero fields take their defaults.
type Config struct {
	Log      *slog.Logger  // default: slog.Default()
	Connect  time.Duration // how long connecting and logging in may take; default 30 s
	Idle     time.Duration // an unused connection is kept so long; default 1 min
	Probe    time.Duration // between two signs of life that a connection is asked for; default 15 s
	Misses   int           // signs of life in a row that may fail; default 3
	Sessions int           // commands at a time on one connection; default 8, since sshd's own limit is 10
}

// Remote gives the step ssh and keeps connections for it.
type Remote struct {
	config Config
	pool   pool
}

// New makes a Remote, which connects when a step needs it.
func New(c Config) *Remote {
	c.Log = cmp.Or(c.Log, slog.Default())
	c.Connect = cmp.Or(c.Connect, 30*time.Second)
	c.Idle = cmp.Or(c.Idle, time.Minute)
	c.Probe = cmp.Or(c.Probe, 15*time.Second)
	c.Misses = cmp.Or(c.Misses, 3)
	c.Sessions = cmp.Or(c.Sessions, 8)
	return &Remote{config: c, pool: pool{open: map[string]*conn{}}}
}

// Actions gives the step ssh.
func (r *Remote) Actions() []action.Action {
	return []action.Action{{Name: "ssh", Doc: "runs a command on the entity's machine; the output has stdout, stderr and exit_code", Run: r.run}}
}

// Close closes all connections, also those in use.
func (r *Remote) Close() error {
	r.pool.closeAll()
	return nil
}

var ownKeys = []string{
	"endpoint", "address", "user", "port", "password", "privateKeyData", "privateKeyFile", "privateKeyPassphrase", "knownHostsFile",
}

func (r *Remote) run(ctx context.Context, call *action.Call) (any, error) {
	keys, err := command.Read("ssh", call.Input, ownKeys...)
	if err != nil {
		return nil, err
	}
	text, err := keys.Required("command")
	if err != nil {
		return nil, err
	}
	streams := keys.Streams(call.Out, call.Err)
	code, err := 0, error(nil)
	if at, there := call.Input["endpoint"]; (!there || at == nil) && call.Lease != nil && call.Lease.Kind == localhost {
		code, err = keys.Local(ctx, text, streams)
	} else {
		code, err = r.over(ctx, call, keys, text, streams)
	}
	if err != nil {
		return nil, err
	}
	return keys.Result(ctx, streams, code)
}

// localhost is the kind of the locations whose machine is the server's own.
const localhost = "localhost"

// over runs a command over SSH.
func (r *Remote) over(ctx context.Context, call *action.Call, keys *command.Keys, text string, streams *command.Streams) (int, error) {
	t, err := readTarget(keys)
	if err != nil {
		return 0, err
	}
	if t.host == "" {
		place := "it runs nowhere"
		if call.Lease != nil {
			place = "it runs on a location of kind " + call.Lease.Kind
		}
		return 0, fault.New(fault.Precondition, "ssh: entity %s has no machine of its own: %s; say which one, as in ssh to HOST COMMAND", call.Entity.Name, place)
	}
	if call.Block != nil {
		defer call.Block("the command on " + t.host)()
	}
	return r.session(ctx, t, keys.Script(text), streams)
}

// target is a machine and how to log in there.
type target struct {
	host, port, user string
	key, passphrase  []byte // PEM; nil for none
	password         string
	knownHosts       string // a path
}

func (t *target) address() string { return net.JoinHostPort(t.host, t.port) }

// String names the target for users.
func (t *target) String() string { return t.user + "@" + t.address() }

// readTarget reads the keys of a step.
func readTarget(keys *command.Keys) (*target, error) {
	in := map[string]string{}
	for _, key := range ownKeys {
		text, err := keys.Text(key)
		if err != nil {
			return nil, err
		}
		in[key] = text
	}
	t := &target{user: in["user"], port: in["port"], password: in["password"], passphrase: []byte(in["privateKeyPassphrase"])}
	if err := t.endpoint(keys, cmp.Or(in["endpoint"], in["address"])); err != nil {
		return nil, err
	}
	if t.host == "" {
		return t, nil
	}
	if t.user == "" {
		if me, err := user.Current(); err == nil {
			t.user = me.Username
		}
	}
	switch {
	case in["privateKeyData"] != "":
		t.key = []byte(in["privateKeyData"])
	case in["privateKeyFile"] != "":
		var err error
		if t.key, err = os.ReadFile(expand(in["privateKeyFile"])); err != nil {
			return nil, keys.Fail("privateKeyFile", "%w", err)
		}
	case t.password == "":
		return nil, keys.Fail("privateKeyFile", "it is missing, and so are privateKeyData and password: nothing proves who logs in")
	}
	t.knownHosts = expand(cmp.Or(in["knownHostsFile"], "~/.ssh/known_hosts"))
	return t, nil
}

// endpoint reads USER@HOST:PORT, of which only HOST must be there.
func (t *target) endpoint(keys *command.Keys, text string) error {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		t.user, text = text[:at], text[at+1:]
	}
	if host, port, err := net.SplitHostPort(text); err == nil {
		t.host, t.port = host, port
	} else {
		t.host = strings.Trim(text, "[]")
	}
	if strings.ContainsAny(t.host, " \t\n/,") || strings.ContainsAny(t.user, " \t\n") || strings.HasPrefix(t.host, "-") {
		return keys.Fail("endpoint", "%q is no USER@HOST:PORT", text)
	}
	t.port = cmp.Or(t.port, "22")
	if n, err := strconv.Atoi(t.port); err != nil || n < 1 || n > 65535 {
		return keys.Fail("port", "%q is no port from 1 to 65535", t.port)
	}
	return nil
}

// expand gives a path below the home folder for one that begins with ~/.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
