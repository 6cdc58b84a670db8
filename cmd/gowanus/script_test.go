package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gowanus-project/gowanus/internal/oci/ocitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gowanus": main})
}

// TestScripts runs the program as users do. Besides testscript's own commands
// a script has:
//
//	serve [ARGS]         starts a server on a free port; GOWANUS_SERVER is then its URL
//	halt TERM|KILL       sends the signal and waits for the server's end
//	exits STATUS ARGS    runs gowanus, which must exit with that status
//	probe VERSION FILE   builds engine/testdata/probe
//
// and REGISTRY, the name of an empty registry.
func TestScripts(t *testing.T) {
	var err error
	if source, err = filepath.Abs("../.."); err != nil {
		t.Fatal(err)
	}
	registry := ocitest.New(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_DATA_HOME", filepath.Join(e.WorkDir, "xdg"))
			if cache, err := os.UserCacheDir(); err == nil { // of the real user, for scripts that build
				e.Setenv("GOCACHE", cmp.Or(os.Getenv("GOCACHE"), filepath.Join(cache, "go-build")))
			}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("REGISTRY", registry.Host())
			e.Values[daemonKey{}] = &daemon{}
			return os.MkdirAll(filepath.Join(e.WorkDir, "xdg", "gowanus"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serve": startServer, "halt": haltServer, "exits": exits, "probe": buildProbe},
	})
}

// source is the folder of the repository.
var source string

func buildProbe(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w -X main.version="+args[0], "-o", ts.MkAbs(args[1]), ".")
	cmd.Dir = filepath.Join(source, "engine", "testdata", "probe")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("build the probe: %v\n%s", err, out)
	}
}

// daemon is the server that a script started last.
type daemon struct {
	cmd    *exec.Cmd
	stderr strings.Builder
	output chan struct{} // closed when stdout ended
}

type daemonKey struct{}

func startServer(ts *testscript.TestScript, _ bool, args []string) {
	d := ts.Value(daemonKey{}).(*daemon)
	*d = daemon{output: make(chan struct{})}
	// A directory that is not empty, since no script needs the modules compiled.
	d.cmd = exec.Command("gowanus", append([]string{"serve", "--listen", "127.0.0.1:0", "--module-cache", ts.MkAbs("xdg")}, args...)...)
	if path, err := exec.LookPath("gowanus"); err == nil {
		d.cmd.Path = path
	}
	d.cmd.Dir, d.cmd.Stderr = ts.MkAbs("."), &d.stderr
	for _, name := range []string{"PATH", "HOME", "XDG_DATA_HOME", "GOWANUS_ADMIN_PASSWORD", "GOWANUS_FAILPOINTS", "TMPDIR"} {
		d.cmd.Env = append(d.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := d.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(d.cmd.Start())
	ts.Defer(func() { _ = d.end(syscall.SIGKILL) })
	lines := bufio.NewScanner(out)
	first := ""
	if lines.Scan() {
		first = lines.Text()
	}
	go func() { // ends with the process
		defer close(d.output)
		_, _ = io.Copy(io.Discard, out)
	}()
	url, listening := strings.CutPrefix(first, "listening on ")
	if !listening {
		ts.Fatalf("the server printed %q and on stderr:\n%s", first, d.wait())
	}
	ts.Setenv("GOWANUS_SERVER", url)
}

func (d *daemon) wait() string {
	<-d.output
	_ = d.cmd.Wait()
	return d.stderr.String()
}

// end sends a signal and gives what the process says at its end.
func (d *daemon) end(s syscall.Signal) error {
	if d.cmd == nil || d.cmd.ProcessState != nil {
		return nil
	}
	_ = d.cmd.Process.Signal(s)
	<-d.output
	return d.cmd.Wait()
}

func haltServer(ts *testscript.TestScript, _ bool, args []string) {
	d := ts.Value(daemonKey{}).(*daemon)
	signal := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}[args[0]]
	err := d.end(signal)
	if err != nil && signal != syscall.SIGKILL {
		ts.Fatalf("the server ended with %v:\n%s", err, d.stderr.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("server.log"), []byte(d.stderr.String()), 0o600))
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("gowanus", args[1:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		got = -1
	}
	if got != want {
		ts.Fatalf("%s: exit status %d, want %d", fmt.Sprint(args[1:]), got, want)
	}
}
