package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

func TestRunCommand(t *testing.T) {
	t.Setenv("GOWANUS_ADMIN_PASSWORD", "secret")
	t.Setenv("OTHER", "secret")
	p := newProvider(t, t.TempDir())
	tests := []struct {
		name   string
		in     map[string]any
		stdout string
		err    string
		kind   fault.Kind
	}{
		{"output", map[string]any{"command": "echo hello"}, "hello\n", "", 0},
		{"env", map[string]any{"command": `echo "$A $B"`, "env": map[string]any{"A": `x"; rm`, "B": true}}, "x\"; rm true\n", "", 0},
		{"server's secrets", map[string]any{"command": `echo "$GOWANUS_ADMIN_PASSWORD$OTHER"`}, "\n", "", 0},
		{"run dir", map[string]any{"command": `[ "$PWD" = "$RUN_DIR" ] && [ "$PID_FILE" = "$PWD/pid.txt" ] && echo yes`}, "yes\n", "", 0},
		{"dir", map[string]any{"command": "pwd", "dir": "/"}, "/\n", "", 0},
		{"tail only", map[string]any{"command": "printf '%05000d' 7"}, strings.Repeat("0", tailBytes-1) + "7", "", 0},
		{"background child keeps the output open", map[string]any{"command": "sleep 60 & echo on"}, "on\n", "", 0},
		{"exit code", map[string]any{"name": "install", "command": "echo a; echo b >&2; exit 3"}, "", "run install web: it exited with code 3: b", fault.Unavailable},
		{"error on stdout", map[string]any{"command": "echo a; exit 1"}, "", "run command web: it exited with code 1: a", fault.Unavailable},
		{"signal", map[string]any{"command": "kill -9 $$"}, "", "run command web: it was killed by signal 9", fault.Unavailable},
		{"timeout", map[string]any{"command": "sleep 60 & sleep 60", "timeout": "50ms"}, "", "run command web: it has not ended within 50ms", fault.Timeout},
		{"no command", map[string]any{}, "", "run-command has no command", fault.Invalid},
		{"unknown key", map[string]any{"cmd": "x"}, "", `run-command has no input "cmd", expected name, command, env, dir, timeout`, fault.Invalid},
		{"command is a list", map[string]any{"command": []any{"x"}}, "", "run-command: input command: got [x], expected text", fault.Invalid},
		{"env is text", map[string]any{"env": "x"}, "", "run-command: input env: got x, expected a map", fault.Invalid},
		{"env name", map[string]any{"env": map[string]any{"A=B": 1}}, "", `run-command: input env: "A=B" cannot name an environment variable`, fault.Invalid},
		{"env value", map[string]any{"env": map[string]any{"A": []any{}}}, "", "run-command: input env: A is a list or a map, expected a plain value", fault.Invalid},
		{"bad timeout", map[string]any{"timeout": "soon"}, "", `run-command: input timeout: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`, fault.Invalid},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := runStep(t.Context(), p, "run-command", fmt.Sprint("run", i), test.in, nil)
			if test.err != "" {
				if fmt.Sprint(err) != test.err || fault.KindOf(err) != test.kind {
					t.Fatalf("got %v (%s), want %s (%s)", err, fault.KindOf(err), test.err, test.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m := out.(map[string]any); m["stdout"] != test.stdout || m["exitCode"] != 0 {
				t.Errorf("got %q, want %q", m, test.stdout)
			}
		})
	}
	if left := living(t, "run10"); left != nil {
		t.Errorf("processes %v are left of the command that took too long", left)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	for _, test := range []struct {
		lease *location.Lease
		want  string
	}{
		{nil, "run-command acts on a localhost location, the entity's is none"},
		{&location.Lease{Kind: "docker", Location: "cloud"}, "run-command acts on a localhost location, the entity's is docker cloud"},
	} {
		_, err := runStep(t.Context(), p, "run-command", "e", nil, func(c *action.Call) { c.Lease = test.lease })
		if fmt.Sprint(err) != test.want || fault.KindOf(err) != fault.Precondition {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	_, err := runStep(t.Context(), p, "run-command", "../e", map[string]any{"command": "true"}, nil)
	if want := `run command web: entity id "../e" cannot name a directory`; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStreamsAndCancel(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	var blocked []string
	go func() {
		eventually(t, "the command runs", func() bool { return len(lines(t, inRunDir(p, "cancel", "up"))) == 1 })
		cancel()
	}()
	_, err := runStep(ctx, p, "run-command", "cancel", map[string]any{"name": "install", "command": "echo out; echo err >&2; echo x > up; sleep 60"}, func(c *action.Call) {
		c.Out, c.Err = &out, &errs
		c.Block = func(details string) func() {
			blocked = append(blocked, details)
			return func() { blocked = append(blocked, "done") }
		}
	})
	if want := "run install web: context canceled"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if out.String() != "out\n" || errs.String() != "err\n" {
		t.Errorf("streams: %q, %q", out.String(), errs.String())
	}
	if want := "[waiting for the end of install done]"; fmt.Sprint(blocked) != want {
		t.Errorf("blocked: %v, want %s", blocked, want)
	}
	if left := living(t, "cancel"); left != nil {
		t.Errorf("processes %v are left", left)
	}
}

// TestRepeatedCommand ends what an earlier server was running for the same
// step before it runs it again.
func TestRepeatedCommand(t *testing.T) {
	t.Parallel()
	const command = `echo $$ >> runs; if [ -e second ]; then exit 0; fi; touch second; sleep 1000`
	dir := t.TempDir()
	s := server(t, dir, "run-command", "again", command, "")
	eventually(t, "the command runs", func() bool { return len(lines(t, dir+"/again/runs")) == 1 && len(living(t, "again")) == 2 })
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.Wait()
	p := newProvider(t, dir)
	mustRun(t, p, "run-command", "again", map[string]any{"command": command})
	if left := living(t, "again"); left != nil {
		t.Errorf("processes %v are left", left)
	}
	if runs := lines(t, dir+"/again/runs"); len(runs) != 2 {
		t.Errorf("ran %d times, want 2", len(runs))
	}
	if files, _ := os.ReadDir(dir + "/again"); len(files) != 3 { // the record, runs, second
		t.Errorf("files: %v", files)
	}
}

func TestServerIsKilledBeforeCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := server(t, dir, "run-command", "early", `echo $$ >> runs`, "process.command.before=kill").Wait()
	if fmt.Sprint(err) != "signal: killed" {
		t.Fatalf("the server ended with %v, want it killed", err)
	}
	eventually(t, "the held shell is gone", func() bool { return living(t, "early") == nil })
	if runs := lines(t, dir+"/early/runs"); len(runs) > 0 {
		t.Errorf("it ran: %v", runs)
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[float64]string{8080: "8080", 1e9: "1000000000", 0.5: "0.5", -3: "-3"} {
		if got := number(in); got != want {
			t.Errorf("number(%v) = %s, want %s", in, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	if d, err := duration("1m30s"); err != nil || d != 90*time.Second {
		t.Errorf("got %v, %v", d, err)
	}
}
