package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	password = "crash"
	patience = 20 * time.Second
	pause    = 20 * time.Millisecond // between looks at other processes, which cannot call back
)

// binary is the server under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gowanus-crash")
	if err == nil {
		binary = filepath.Join(dir, "gowanus")
		build := exec.Command("go", "build", "-o", binary, "../../cmd/gowanus")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the server:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a leftover folder of the system's temporary ones
	os.Exit(code)
}

// server is one server process on a data directory.
type server struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{}
	log   string
}

// serve starts a server and waits until it says where it listens.
func serve(t *testing.T, data, failpoints string) *server {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &server{ended: make(chan struct{}), log: log.Name()}
	s.cmd = exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--module-cache", filepath.Join(filepath.Dir(binary), "modules"))
	s.cmd.Env = append(os.Environ(), "GOWANUS_ADMIN_PASSWORD="+password, "GOWANUS_FAILPOINTS="+failpoints)
	s.cmd.Stderr = log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { // ends with the server, which the cleanup sees to
		defer close(s.ended)
		_ = s.cmd.Wait() // killed is how it is meant to end
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text, _ := os.ReadFile(s.log) // none is shown as none
			t.Logf("server:\n%s", text)
		}
	})
	var ok bool
	if _, s.url, ok = strings.Cut(strings.TrimSpace(line), "listening on "); !ok {
		t.Fatalf("the server said %q, %v", line, err)
	}
	return s
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill() // fails when it has ended
	<-s.ended
}

// stop asks the server to end, and fails when that takes long.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(12 * time.Second):
		t.Fatal("the server does not stop")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with code %d", code)
	}
}

func (s *server) call(method, path, body string, out any) error {
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", password)
	req.Header.Set("Content-Type", "application/yaml")
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (s *server) must(t *testing.T, method, path, body string, out any) {
	t.Helper()
	if err := s.call(method, path, body, out); err != nil {
		t.Fatal(err)
	}
}

type activity struct {
	ID         string `json:"id"`
	EntityID   string `json:"entityId"`
	EndTimeUtc *int64 `json:"endTimeUtc"`
	IsError    bool   `json:"isError"`
	Result     any    `json:"result"`
}

// finished waits for an activity's end; false says that the server died first.
func (s *server) finished(id string) (a activity, alive bool) {
	for {
		if err := s.call("GET", "/v1/activities/"+id+"?timeout=1s", "", &a); err != nil {
			<-s.ended
			return a, false
		}
		if a.EndTimeUtc != nil {
			return a, true
		}
	}
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (s *server) applications(t *testing.T) (apps []named) {
	t.Helper()
	s.must(t, "GET", "/v1/applications", "", &apps)
	return apps
}

func (s *server) sensor(app, entity, name string) (v any) {
	if s.call("GET", "/v1/applications/"+app+"/entities/"+entity+"/sensors/"+name, "", &v) != nil {
		return nil
	}
	return v
}

func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// processes gives the live leaders of sessions by the entity that they run
// for, among those whose run directory is below data.
func processes(t *testing.T, data string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains(string(env), "RUN_DIR="+data+"/") {
			continue // it has ended, or is somebody else's
		}
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if pid := filepath.Base(dir); len(fields) > 3 && fields[0] != "Z" && fields[3] == pid {
			_, rest, _ := strings.Cut(string(env), "GOWANUS_ENTITY=")
			entity, _, _ := strings.Cut(rest, "\x00")
			out[entity] = append(out[entity], pid)
		}
	}
	return out
}

// secondServer tries to start a server where one runs, and gives what it says.
func secondServer(data string) (string, error) {
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", data)
	cmd.Env = append(os.Environ(), "GOWANUS_ADMIN_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
