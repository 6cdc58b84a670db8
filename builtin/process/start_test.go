package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

const forever = `echo $$ >> started; exec sleep 1000`

func TestStartAdoptStop(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	s := watch(t, p)
	var held string
	out, err := runStep(t.Context(), p, "start-process", "adopt", map[string]any{
		"command": `echo "$PORT $GOWANUS_PLANE $GOWANUS_ENTITY $RUN_DIR"; echo oops >&2; ` + forever,
		"env":     map[string]any{"PORT": 8080.0, "GOWANUS_PLANE": "forged", "NOTHING": nil},
	}, func(c *action.Call) {
		c.Hold = func(_ context.Context, resource string) error { held = resource; return nil }
	})
	if err != nil {
		t.Fatal(err)
	}
	got := out.(map[string]any)
	pid := got["pid"].(int)
	if got["pgid"] != pid || got["dir"] != inRunDir(p, "adopt", "") && got["dir"] != p.dir+"/adopt" {
		t.Errorf("output is %v", got)
	}
	proc, _ := readProc(pid)
	if held != proc.ident.String() || proc.session != pid {
		t.Errorf("held %q, want %q in a session of its own", held, proc.ident)
	}
	eventually(t, "the command logs", func() bool { return len(lines(t, inRunDir(p, "adopt", stdoutLog))) == 4 })
	want := "8080 test adopt " + p.dir + "/adopt"
	if log := strings.Join(lines(t, got["log"].(string)), " "); log != want {
		t.Errorf("stdout.log has %q, want %q", log, want)
	}

	if again := mustRun(t, p, "start-process", "adopt", map[string]any{"command": forever}); again["pid"] != pid {
		t.Errorf("a second start gave pid %v, want %d", again["pid"], pid)
	}
	p2 := New(Config{Dir: p.dir, Plane: "test"}) // the next server
	if again := mustRun(t, p2, "start-process", "adopt", map[string]any{"command": forever}); again["pid"] != pid {
		t.Errorf("a start by the next server gave pid %v, want %d", again["pid"], pid)
	}
	if out := mustRun(t, p2, "check-process", "adopt", nil); out["running"] != true {
		t.Errorf("check-process gave %v", out)
	}
	p2.Close()

	mustRun(t, p, "stop-process", "adopt", nil)
	if left := living(t, "adopt"); left != nil {
		t.Errorf("processes %v are left", left)
	}
	mustRun(t, p, "stop-process", "adopt", nil) // again, and nothing is there
	s.await(t, "up", "killed by signal 15")
	if n := len(lines(t, inRunDir(p, "adopt", "started"))); n != 1 {
		t.Errorf("started %d times", n)
	}
}

// TestServerIsKilled kills the server at each point of a start. The next
// server repeats the step, and one process runs.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"before", "held", "recorded", "leased", "released"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			entity, dir := "killed-"+point, t.TempDir()
			err := server(t, dir, "start-process", entity, forever, "process.start."+point+"=kill").Wait()
			if fmt.Sprint(err) != "signal: killed" {
				t.Fatalf("the server ended with %v, want it killed", err)
			}
			p := newProvider(t, dir)
			s := watch(t, p)
			out := mustRun(t, p, "start-process", entity, map[string]any{"command": forever})
			eventually(t, "one process runs", func() bool { return len(living(t, entity)) == 1 })
			eventually(t, "it is the command", func() bool { return len(lines(t, inRunDir(p, entity, "started"))) == 1 })
			pid := strconv.Itoa(out["pid"].(int))
			if started := lines(t, inRunDir(p, entity, "started")); started[0] != pid {
				t.Errorf("started %v, the step said %s", started, pid)
			}
			if point == "released" {
				s.await(t, "up") // the one that the first server had started
			}
		})
	}
}

// TestServerIsKilledAtAnyInstant does the same between the points.
func TestServerIsKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	for i := range 10 {
		entity, dir := fmt.Sprint("any-", i), t.TempDir()
		s := server(t, dir, "start-process", entity, forever, "process.start.released=pause")
		after := rand.N(30 * time.Millisecond)
		time.Sleep(after) // not to wait for anything: to hit anything
		if err := s.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = s.Wait()
		p := newProvider(t, dir)
		mustRun(t, p, "start-process", entity, map[string]any{"command": forever})
		eventually(t, fmt.Sprintf("one process runs after a kill after %s", after), func() bool { return len(living(t, entity)) == 1 })
		eventually(t, "it is the command", func() bool { return len(lines(t, inRunDir(p, entity, "started"))) == 1 })
	}
}

// TestServerIsKilledLater adopts a process that was started long ago, and
// sees it end.
func TestServerIsKilledLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := server(t, dir, "start-process", "later", forever, "").Wait(); err != nil {
		t.Fatal(err)
	}
	p := newProvider(t, dir)
	s := watch(t, p)
	s.await(t, "up")
	if err := syscall.Kill(living(t, "later")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.await(t, "up", "exited") // how is only told to the parent
	l := &local{provider: p}
	if present, err := l.Present(t.Context()); err != nil || len(present) != 1 || present["later"] == "" {
		t.Errorf("present: %v, %v; it was not stopped", present, err)
	}
	mustRun(t, p, "stop-process", "later", nil)
	if present, err := l.Present(t.Context()); err != nil || len(present) != 0 {
		t.Errorf("present: %v, %v; it was stopped", present, err)
	}
}

func TestEndedWhileServerWasDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := server(t, dir, "start-process", "down", forever, "").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(living(t, "down")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return living(t, "down") == nil })
	p := newProvider(t, dir)
	watch(t, p).await(t, "exited while the server was down")
}

func TestReboot(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	mustRun(t, p, "start-process", "boot", map[string]any{"command": forever})
	e := p.entities["boot"]
	forged := *e.process()
	forged.Boot = "another"
	rec := e.rec
	rec.Process = &forged
	if err := writeJSON(inRunDir(p, "boot", recordFile), rec); err != nil {
		t.Fatal(err)
	}
	p2 := New(Config{Dir: p.dir, Plane: "test"})
	defer p2.Close()
	watch(t, p2).await(t, "the machine was restarted")
}

func TestEnds(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, command, want string }{
		{"code", `sleep 0.5; exit 3`, "exited with code 3"},
		{"zero", `sleep 0.5`, "exited with code 0"},
		{"signal", `sleep 0.5; kill -9 $$`, "killed by signal 9"},
		{"daemon", `sleep 0.6 & exit 0`, "exited"},
		{"own session", `setsid sleep 0.6 & exit 0`, "exited"},
		{"pid file", `env -i setsid sleep 0.6 & echo $! > "$PID_FILE"`, "exited"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, t.TempDir())
			s := watch(t, p)
			entity := "ends-" + strings.ReplaceAll(test.name, " ", "-")
			mustRun(t, p, "start-process", entity, map[string]any{"command": test.command})
			mustRun(t, p, "check-process", entity, nil)
			s.await(t, "up", test.want)
			_, err := runStep(t.Context(), p, "check-process", entity, nil, nil)
			reason := status{text: test.want}
			if got, want := fmt.Sprint(err), "check process of web: it "+reason.sentence(); got != want || fault.KindOf(err) != fault.OnFire {
				t.Errorf("check-process fails with %q, want %q", got, want)
			}
		})
	}
}

func TestStartFailsAtOnce(t *testing.T) {
	t.Parallel()
	p := patient(t)
	in := map[string]any{"command": `echo started; echo "no such port" >&2; exit 4`}
	for range 2 { // what the first attempt logged is not told of the second
		_, err := runStep(t.Context(), p, "start-process", "fails", in, nil)
		if got, want := fmt.Sprint(err), "start process of web: the command exited with code 4: no such port"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLaunchCommandThatLeavesNothing(t *testing.T) {
	t.Parallel()
	p := patient(t)
	s := watch(t, p)
	mustRun(t, p, "start-process", "done", map[string]any{"command": "true"})
	_, err := runStep(t.Context(), p, "check-process", "done", nil, nil)
	want := "check process of web: the launch command exited with code 0 and left nothing running"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	mustRun(t, p, "check-process", "done", map[string]any{"command": "true"})
	s.await(t, "up")
}

func TestCloseEndsNothingOutside(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	l, err := p.Open(location.Definition{Name: "here"})
	if err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, p, "start-process", "close", map[string]any{"command": forever})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(living(t, "close")); n != 1 {
		t.Errorf("%d processes live, want 1", n)
	}
	s := watch(t, p) // opens it again
	s.await(t, "up")
	if again := mustRun(t, p, "start-process", "close", map[string]any{"command": forever}); again["pid"] != out["pid"] {
		t.Errorf("pid %v, want %v", again["pid"], out["pid"])
	}
}

func TestStartInterrupted(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := runStep(ctx, p, "start-process", "lease", map[string]any{"command": forever}, func(c *action.Call) {
		c.Hold = func(context.Context, string) error { cancel(); return ctx.Err() }
	})
	if got, want := fmt.Sprint(err), "start process of web: context canceled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if left := living(t, "lease"); left != nil {
		t.Errorf("processes %v are left", left)
	}
	if started := lines(t, inRunDir(p, "lease", "started")); len(started) > 0 {
		t.Errorf("the command ran: %v", started)
	}
}

func TestForeignProcessIsNeverTouched(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	mustRun(t, p, "start-process", "victim", map[string]any{"command": forever})
	victim := *p.entities["victim"].process()
	mustRun(t, p, "start-process", "thief", map[string]any{"command": forever})
	own := p.entities["thief"].process()
	forged := started{ident: ident{victim.PID, victim.Start - 1}, Run: own.Run, Boot: own.Boot}
	if err := p.entities["thief"].record(&forged); err != nil { // the pid was used again
		t.Fatal(err)
	}
	mustRun(t, p, "stop-process", "thief", nil)
	if n := len(living(t, "victim")); n != 1 {
		t.Errorf("%d processes of the other entity live, want 1", n)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	p := newProvider(t, t.TempDir())
	l, err := p.Open(location.Definition{Name: "x", Kind: "localhost", Config: map[string]any{"address": "10.0.0.7"}})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := l.Hosts(t.Context())
	if err != nil || len(hosts) != 1 || hosts[0].ID != "localhost" || hosts[0].Address != "10.0.0.7" || !hosts[0].Up || hosts[0].Memory < 1<<20 {
		t.Errorf("hosts: %+v, %v", hosts, err)
	}
	_, err = p.Open(location.Definition{Name: "x", Kind: "localhost", Config: map[string]any{"address": 7}})
	if want := "location x: address is 7, expected a name or an IP address"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/e1", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/e1/"+recordFile, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(Config{Dir: dir}).Open(location.Definition{Name: "x"})
	want := "open location x: " + dir + "/e1/.process.json is damaged: unexpected end of JSON input; remove it when nothing of the entity runs any more"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func BenchmarkStartStop(b *testing.B) {
	p := New(Config{Dir: b.TempDir(), Plane: "bench", Settle: time.Millisecond})
	defer p.Close()
	for b.Loop() {
		if _, err := runStep(b.Context(), p, "start-process", "bench", map[string]any{"command": "exec sleep 1000"}, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := runStep(b.Context(), p, "stop-process", "bench", nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
