//go:build lab

package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/remote"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/test/lab"
)

// machine is a real sshd with the step ssh before it.
type machine struct {
	*lab.SSHD
	step action.Action
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	r := remote.New(remote.Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(func() { r.Close() })
	return &machine{lab.NewSSHD(t), r.Actions()[0]}
}

func (h *machine) run(ctx context.Context, out io.Writer, command string, more m) (m, error) {
	in := m{"endpoint": h.Host, "port": h.Port, "user": h.User, "privateKeyFile": h.Key, "knownHostsFile": h.KnownHosts, "command": command}
	maps.Copy(in, more)
	got, err := h.step.Run(ctx, &action.Call{Input: in, Out: out})
	v, _ := got.(m)
	return v, err
}

func TestSSHCommands(t *testing.T) {
	h := newMachine(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var all sync.WaitGroup
	for i := range 20 { // more than sshd lets one connection have at a time
		all.Go(func() {
			out, err := h.run(ctx, nil, `echo "$WHO"; echo "$BASH_VERSION" >&2; exit 4`, m{"env": m{"WHO": "it's $(id) " + strconv.Itoa(i)}, "exit_code": int64(4)})
			if err != nil || out["stdout"] != "it's $(id) "+strconv.Itoa(i)+"\n" || out["exit_code"] != int64(4) || len(out["stderr"].(string)) < 5 {
				t.Errorf("gave %v, %v", out, err)
			}
		})
	}
	all.Wait()
	out, err := h.run(ctx, nil, "seq 1 100000", m{"output_max_size": int64(12)})
	if err != nil || out["stdout"] != "99999\n100000"[1:]+"\n" || out["truncated"] != true {
		t.Errorf("gave %v, %v", out, err)
	}
	out, err = h.run(ctx, nil, "kill -KILL $$", m{"exit_code": int64(137)})
	if err != nil {
		t.Errorf("a signal gave %v, %v", out, err)
	}
}

// What a command leaves behind on purpose stays when it has ended.
func TestSSHLeavesDaemons(t *testing.T) {
	h := newMachine(t)
	out, err := h.run(t.Context(), nil, "sleep 300 >/dev/null 2>&1 & echo $!", nil)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out["stdout"].(string)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.run(t.Context(), nil, "kill "+strconv.Itoa(pid), nil); err != nil {
		t.Errorf("process %d is gone: %v", pid, err)
	}
}

// A command that is given up is ended on the machine too.
func TestSSHCommandEnds(t *testing.T) {
	h := newMachine(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	file := filepath.Join(t.TempDir(), "ended")
	var out bytes.Buffer
	_, err := h.run(ctx, writer(func(b []byte) { out.Write(b); cancel(cause) }),
		`trap 'echo yes > "$FILE"; exit' TERM; echo $$; while :; do sleep 0.1; done`, m{"env": m{"FILE": file}})
	if !errors.Is(err, cause) {
		t.Fatalf("gave %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(text)) != "yes" {
		t.Errorf("process %s left %q, %v", strings.TrimSpace(out.String()), text, err)
	}
}

type writer func(b []byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestSSHUnknownHost(t *testing.T) {
	h := newMachine(t)
	_, err := h.run(t.Context(), nil, "true", m{"knownHostsFile": filepath.Join(t.TempDir(), "none")})
	wantFault(t, err, fault.Forbidden, "is not in", "SHA256:", "ssh-keyscan -p "+h.Port+" 127.0.0.1")
	other := newMachine(t)
	text, err := os.ReadFile(other.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("]:"+other.Port), []byte("]:"+h.Port)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = h.run(t.Context(), nil, "true", m{"knownHostsFile": file})
	wantFault(t, err, fault.Forbidden, "has another key than the one in", "known_hosts:1")
}
