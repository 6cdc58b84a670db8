package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/location"
)

func TestStopKillsWhatIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	s := watch(t, p)
	mustRun(t, p, "start-process", "deaf", map[string]any{
		"command": `trap "" TERM; sh -c 'trap "" TERM; while :; do sleep 0.1; done' & echo ready >> started; while :; do sleep 0.1; done`,
	})
	eventually(t, "it is deaf", func() bool { return len(lines(t, inRunDir(p, "deaf", "started"))) == 1 })
	mustRun(t, p, "stop-process", "deaf", map[string]any{"timeout": "100ms"})
	if left := living(t, "deaf"); left != nil {
		t.Errorf("processes %v are left", left)
	}
	s.await(t, "up", "killed by signal 9")
}

func TestStopCommand(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	s := watch(t, p)
	mustRun(t, p, "start-process", "polite", map[string]any{"command": `trap "exit 7" USR1; echo $$ > "$PID_FILE"; while :; do sleep 0.05; done`})
	eventually(t, "it listens", func() bool { return len(lines(t, inRunDir(p, "polite", pidFile))) == 1 })
	mustRun(t, p, "stop-process", "polite", map[string]any{"command": `kill -USR1 $(cat "$PID_FILE"); while kill -0 $(cat "$PID_FILE"); do sleep 0.02; done`})
	s.await(t, "up", "exited with code 7")

	var stderr bytes.Buffer
	mustRun(t, p, "start-process", "polite", map[string]any{"command": forever})
	_, err := runStep(t.Context(), p, "stop-process", "polite", map[string]any{"command": "echo no >&2; exit 1"}, func(c *action.Call) { c.Err = &stderr })
	if err != nil {
		t.Fatal(err)
	}
	if want := "no\nstop command: it exited with code 1: no\n"; stderr.String() != want {
		t.Errorf("stderr has %q, want %q", stderr.String(), want)
	}
	if left := living(t, "polite"); left != nil {
		t.Errorf("processes %v are left", left)
	}
}

func TestStopInterrupted(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	mustRun(t, p, "start-process", "cut", map[string]any{"command": `trap "" TERM; echo $$ >> started; while :; do sleep 0.1; done`})
	eventually(t, "it is deaf", func() bool { return len(lines(t, inRunDir(p, "cut", "started"))) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runStep(ctx, p, "stop-process", "cut", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if p.entities["cut"].process() == nil {
		t.Error("the record is gone, the process is not")
	}
}

func TestServerIsKilledDuringStop(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"before", "after"} {
		t.Run(point, func(t *testing.T) {
			entity, dir := "stop-"+point, t.TempDir()
			if err := server(t, dir, "start-process", entity, forever, "").Wait(); err != nil {
				t.Fatal(err)
			}
			err := server(t, dir, "stop-process", entity, "", "process.stop."+point+"=kill").Wait()
			if fmt.Sprint(err) != "signal: killed" {
				t.Fatalf("the server ended with %v, want it killed", err)
			}
			p := newProvider(t, dir)
			mustRun(t, p, "stop-process", entity, nil)
			if left := living(t, entity); left != nil {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	mustRun(t, p, "start-process", "gone", map[string]any{"command": forever})
	if _, err := runStep(t.Context(), p, "run-command", "stays", map[string]any{"command": "true"}, func(c *action.Call) { c.Entity.Application = "other" }); err != nil {
		t.Fatal(err)
	}
	l, err := p.Open(location.Definition{Name: "here"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be repeated
		if err := l.Clean(t.Context(), "app"); err != nil {
			t.Fatal(err)
		}
	}
	if left := living(t, "gone"); left != nil {
		t.Errorf("processes %v are left", left)
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "stays" {
		t.Errorf("directories: %v, %v", entries, err)
	}
}

func TestCleanCutShort(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	if err := os.MkdirAll(p.dir+"/"+removedPrefix+"e1/logs", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(location.Definition{}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(p.dir); err != nil || len(entries) != 0 {
		t.Errorf("directories: %v, %v", entries, err)
	}
}

func TestCapLogs(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	p.logBytes = 10
	mustRun(t, p, "start-process", "logs", map[string]any{"command": `echo 0123456789abc; while [ ! -e go ]; do sleep 0.02; done; echo after; exec sleep 1000`})
	eventually(t, "it logs", func() bool { return len(lines(t, inRunDir(p, "logs", stdoutLog))) > 0 })
	p.capLogs(inRunDir(p, "logs", ""))
	if got := lines(t, inRunDir(p, "logs", stdoutLog+".1")); strings.Join(got, "") != "0123456789abc" {
		t.Errorf("stdout.log.1 has %q", got)
	}
	if err := os.WriteFile(inRunDir(p, "logs", "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on in the cut file", func() bool {
		text, err := os.ReadFile(inRunDir(p, "logs", stdoutLog))
		return err == nil && string(text) == "after\n"
	})
}
