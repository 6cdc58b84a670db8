//go:build lab

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 60 * time.Second // for dockerd to be ready
	stopLimit  = 30 * time.Second // for dockerd to stop when asked to
)

// Host is one Docker host. Its methods are for one test at a time.
type Host struct {
	Name    string // "lh1", also its host name
	Address string // "10.77.1.11", reachable from the root namespace and the other hosts
	Socket  string // path of the daemon's unix socket

	lab   *Lab
	dir   string
	space *space
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd was waited for
	http  *http.Client
}

func (l *Lab) newHost(i int) (*Host, error) {
	h := &Host{Name: fmt.Sprintf("lh%d", i), Address: l.address(10 + i), lab: l}
	h.dir = l.file(h.Name)
	h.Socket = filepath.Join(h.dir, "docker.sock")
	h.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", h.Socket)
		},
	}}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return nil, err
	}
	hidden := []string{}
	if _, err := os.Stat("/etc/docker"); err == nil {
		hidden = append(hidden, "/etc/docker")
	}
	var err error
	h.space, err = newSpace(h.Name, hidden...)
	return h, err
}

// URL is the daemon's address for clients with the lab's certificates.
func (h *Host) URL() string { return "tcp://" + h.Address + ":2376" }

func (h *Host) log() string { return filepath.Join(h.dir, "log") }

// cgroup is the parent of the host's containers in every hierarchy.
func (h *Host) cgroup() string { return h.lab.link() + "-" + h.Name }

func (h *Host) arguments() []string {
	in := func(name string) string { return filepath.Join(h.dir, name) }
	return []string{
		"dockerd", "--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"), "--pidfile", in("pid"),
		"--host", "unix://" + h.Socket, "--host", h.URL(),
		"--tlsverify", "--tlscacert", h.lab.file("ca.pem"), "--tlscert", h.lab.file("server.pem"), "--tlskey", h.lab.file("server-key.pem"),
		"--cgroup-parent", "/" + h.cgroup(), "--storage-driver", "overlay2", "--shutdown-timeout", "5",
	}
}

// start runs the daemon and returns when it says that it is ready.
func (h *Host) start() error {
	// The config file shields it from the machine's own.
	if err := os.WriteFile(filepath.Join(h.dir, "daemon.json"), []byte("{}"), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(h.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := h.forgetContainerd(); err != nil {
		return err
	}
	at := filepath.Join(h.dir, "notify")
	if err := os.Remove(at); err != nil && !os.IsNotExist(err) {
		return err
	}
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer ready.Close()
	h.cmd = exec.Command("nsenter", h.space.enter(h.arguments()...)...)
	h.cmd.Stdout, h.cmd.Stderr = log, log
	h.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+at)
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	if err := h.cmd.Start(); err != nil {
		return err
	}
	h.ended = make(chan struct{})
	go func() { // ends with the daemon, which halt sees to
		defer close(h.ended)
		_ = h.cmd.Wait() // how it ended is in its log
		ready.Close()
	}()
	return h.awaitReady(ready)
}

// forgetContainerd removes the pid file of a containerd that died with its
// dockerd. dockerd would take it for alive where nobody reaps orphans.
func (h *Host) forgetContainerd() error {
	file := filepath.Join(h.dir, "exec", "containerd", "containerd.pid")
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	for range 100 {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
		if _, after, ok := strings.Cut(string(stat), ") "); err != nil || !ok || after[0] == 'Z' {
			return os.Remove(file)
		}
		time.Sleep(20 * time.Millisecond) // it got SIGKILL from the kernel
	}
	return nil // it lives, and will be used again
}

func (h *Host) awaitReady(ready *net.UnixConn) error {
	if err := ready.SetReadDeadline(time.Now().Add(startLimit)); err != nil {
		return err
	}
	for buf := make([]byte, 512); ; {
		n, err := ready.Read(buf)
		if err != nil {
			return fmt.Errorf("dockerd is not ready: %w\n%s", err, h.tail())
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			return nil
		}
	}
}

// tail gives the end of the daemon's log.
func (h *Host) tail() string {
	text, err := os.ReadFile(h.log())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// signal sends a signal to the daemon, which must run.
func (h *Host) signal(s syscall.Signal) error {
	select {
	case <-h.ended:
		return errors.New("dockerd has ended")
	default:
		return h.cmd.Process.Signal(s)
	}
}

// halt stops the daemon, if it runs, and waits for its end.
func (h *Host) halt() error {
	if h.cmd == nil || h.cmd.Process == nil || h.signal(syscall.SIGCONT) != nil {
		return nil
	}
	if err := h.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-h.ended:
		return nil
	case <-time.After(stopLimit):
	}
	if err := h.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-h.ended
	return fmt.Errorf("dockerd had to be killed after %v\n%s", stopLimit, h.tail())
}

// Start starts the daemon after Stop or Kill.
func (h *Host) Start(tb testing.TB) {
	tb.Helper()
	if err := h.start(); err != nil {
		tb.Fatalf("lab: start %s: %v", h.Name, err)
	}
}

// Stop stops the daemon, and its containers with it.
func (h *Host) Stop(tb testing.TB) {
	tb.Helper()
	if err := h.halt(); err != nil {
		tb.Fatalf("lab: stop %s: %v", h.Name, err)
	}
}

// Kill kills the daemon but not its containers.
func (h *Host) Kill(tb testing.TB) {
	tb.Helper()
	if err := h.signal(syscall.SIGKILL); err != nil {
		tb.Fatalf("lab: kill %s: %v", h.Name, err)
	}
	<-h.ended
}

// Freeze makes the daemon hang until Thaw: connections open, nothing answers.
func (h *Host) Freeze(tb testing.TB) {
	tb.Helper()
	if err := h.signal(syscall.SIGSTOP); err != nil {
		tb.Fatalf("lab: freeze %s: %v", h.Name, err)
	}
}

// Thaw lets a frozen daemon go on.
func (h *Host) Thaw(tb testing.TB) {
	tb.Helper()
	if err := h.signal(syscall.SIGCONT); err != nil {
		tb.Fatalf("lab: thaw %s: %v", h.Name, err)
	}
}

// Cut takes the host's cable out until Plug: packets get lost both ways.
func (h *Host) Cut(tb testing.TB) { h.cable(tb, "down") }

// Plug puts the host's cable back.
func (h *Host) Plug(tb testing.TB) { h.cable(tb, "up") }

func (h *Host) cable(tb testing.TB, state string) {
	tb.Helper()
	if err := h.lab.fabric.ip("link set p%s %s", strings.TrimPrefix(h.Name, "lh"), state); err != nil {
		tb.Fatalf("lab: cable of %s: %v", h.Name, err)
	}
}

// Raw makes a call of the Docker API, over the socket, and gives the answer.
// in, if not nil, is the body: a reader, or what is sent as JSON.
func (h *Host) Raw(method, path string, in any) ([]byte, error) {
	body, ok := in.(io.Reader)
	if in != nil && !ok {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, "http://docker/v1.41"+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := h.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 400 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	return answer, err
}

// do is Raw with an answer of JSON, which out takes if it is not nil.
func (h *Host) do(method, path string, in, out any) error {
	answer, err := h.Raw(method, path, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// API makes a call of the Docker API and fails the test when that fails. in,
// if not nil, is sent as JSON; out, if not nil, takes the answer.
func (h *Host) API(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	if err := h.do(method, path, in, out); err != nil {
		tb.Fatalf("lab: %s: %v", h.Name, err)
	}
}

// Container is one line of a host's list of containers.
type Container struct {
	ID     string `json:"Id"`
	Names  []string
	Image  string
	State  string
	Labels map[string]string
}

// Containers lists the containers with the label "key=value", or all of them
// for an empty one, running or not.
func (h *Host) Containers(tb testing.TB, label string) []Container {
	tb.Helper()
	var list []Container
	h.API(tb, "GET", "/containers/json?all=1&filters="+filter(label), nil, &list)
	return list
}

// Networks names the networks with the label "key=value".
func (h *Host) Networks(tb testing.TB, label string) []string {
	tb.Helper()
	var list []struct{ Name string }
	h.API(tb, "GET", "/networks?filters="+filter(label), nil, &list)
	names := []string{}
	for _, n := range list {
		names = append(names, n.Name)
	}
	return names
}

func filter(label string) string {
	if label == "" {
		return "%7B%7D"
	}
	return url.QueryEscape(fmt.Sprintf(`{"label":[%q]}`, label))
}

func (h *Host) wipe() error {
	var list []Container
	err := h.do("GET", "/containers/json?all=1", nil, &list)
	for _, c := range list {
		err = errors.Join(err, h.do("DELETE", "/containers/"+c.ID+"?force=1&v=1", nil, nil))
	}
	return errors.Join(err, h.do("POST", "/networks/prune", nil, nil))
}
