//go:build lab

package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Config sets a server up.
type Config struct {
	File    map[string]any    // its config file; default: the location my-docker-cloud with all hosts
	DataDir string            // default: one that is removed with the test; give one to start a second server on it
	Env     map[string]string // more environment, such as GOWANUS_FAILPOINTS
}

// Server is a gowanus server that a test started.
type Server struct {
	URL     string // "http://127.0.0.1:PORT"
	DataDir string
	Output  string // path of what it printed

	password string
	cmd      *exec.Cmd
	ended    chan struct{}
}

const serverStartLimit = 20 * time.Second

// Serve starts bin/gowanus, which must have been built, and waits until it
// answers. The server is stopped when the test ends.
func Serve(tb testing.TB, c Config) *Server {
	tb.Helper()
	root, err := moduleRoot()
	if err != nil {
		tb.Fatal(err)
	}
	binary := filepath.Join(root, "bin", "gowanus")
	if _, err := os.Stat(binary); err != nil {
		tb.Fatalf("lab: %v: run make build", err)
	}
	if c.File == nil {
		c.File = ConfigFile(Up(tb), "my-docker-cloud")
	}
	dir := tb.TempDir()
	text, err := json.Marshal(c.File) // JSON is YAML too
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if c.DataDir == "" {
		c.DataDir = filepath.Join(dir, "data")
	}
	listen := freePort(tb)
	s := &Server{URL: "http://" + listen, DataDir: c.DataDir, Output: filepath.Join(dir, "output"), password: "lab", ended: make(chan struct{})}
	s.cmd = exec.Command(binary, "serve", "--config", filepath.Join(dir, "config.yaml"), "--listen", listen, "--data-dir", c.DataDir)
	s.cmd.Env = append(os.Environ(), "GOWANUS_ADMIN_PASSWORD="+s.password)
	for k, v := range c.Env {
		s.cmd.Env = append(s.cmd.Env, k+"="+v)
	}
	s.run(tb)
	return s
}

// ConfigFile gives a server's config file with one location of all hosts.
func ConfigFile(l *Lab, location string) map[string]any {
	config := maps.Clone(l.LocationConfig())
	config["kind"] = "docker"
	return map[string]any{"locations": map[string]any{location: config}}
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run starts the process and waits until something listens.
func (s *Server) run(tb testing.TB) {
	tb.Helper()
	out, err := os.Create(s.Output)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { // ends with the server, which the cleanup sees to
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended is asked of ProcessState
	}()
	tb.Cleanup(func() {
		s.Stop(tb)
		if tb.Failed() {
			text, _ := os.ReadFile(s.Output) // no output is shown as none
			tb.Logf("server output:\n%s", text)
		}
	})
	for end := time.Now().Add(serverStartLimit); ; {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-s.ended:
			tb.Fatalf("lab: the server ended at once: %v", s.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond): // another process: nothing tells when it listens
		}
		if time.Now().After(end) {
			tb.Fatalf("lab: the server does not listen after %v", serverStartLimit)
		}
	}
}

// Stop asks the server to stop and waits for its end. It may have ended.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		tb.Errorf("lab: the server does not stop within %v", stopLimit)
		s.Kill()
	}
}

// Kill kills the server and waits for its end.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // fails when it has ended
	<-s.ended
}

// Ended is closed when the server has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Call makes a REST call as the administrator. body is sent as it is when it
// is a string (a blueprint), else as JSON; out, if not nil, takes the answer.
// It gives the HTTP status; one from 400 on is an error too.
func (s *Server) Call(method, path string, body, out any) (int, error) {
	var in io.Reader
	kind := "application/json"
	switch v := body.(type) {
	case nil:
	case string:
		in, kind = strings.NewReader(v), "application/yaml"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return 0, err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.URL+path, in)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth("admin", s.password)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, err
	}
	if res.StatusCode >= 400 {
		return res.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	return res.StatusCode, json.Unmarshal(text, out)
}

// MustCall is Call that fails the test on an error.
func (s *Server) MustCall(tb testing.TB, method, path string, body, out any) {
	tb.Helper()
	if _, err := s.Call(method, path, body, out); err != nil {
		tb.Fatal(err)
	}
}
