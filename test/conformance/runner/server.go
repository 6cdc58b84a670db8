package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// server is a server of ours for the time of a run.
type server struct {
	url, password string
	dir           string // its data and log
	cmd           *exec.Cmd
	exited        chan struct{} // closed when it has ended
}

// How long a server may take to answer, and to stop.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
)

// startServer starts a program and waits until it answers.
func startServer(program string) (*server, error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	s := &server{password: rand.Text(), dir: dir, exited: make(chan struct{})}
	log, err := os.Create(s.log())
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "data"))
	s.cmd.Env = append(os.Environ(), "GOWANUS_ADMIN_PASSWORD="+s.password)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() { // ends with the server, which stop ends
		_ = s.cmd.Wait() // whether it ended too early is told by await
		close(s.exited)
	}()
	if err := s.await(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) log() string { return filepath.Join(s.dir, "server.log") }

var listening = regexp.MustCompile(`(?m)^listening on (http://\S+)$`)

// await returns when the server has told its address.
func (s *server) await() error {
	deadline := time.After(startTimeout)
	for {
		text, err := os.ReadFile(s.log())
		if err != nil {
			return err
		}
		if m := listening.FindSubmatch(text); m != nil {
			s.url = string(m[1])
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the server has ended: %s", s.lastWords())
		case <-deadline:
			return fmt.Errorf("the server does not listen within %s: %s", startTimeout, s.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) lastWords() string {
	text, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return string(text[max(0, len(text)-most):])
}

// stop ends the server and removes its data. A server that crashed during the
// run is told of.
func (s *server) stop() {
	select {
	case <-s.exited:
		fmt.Fprintf(os.Stderr, "conformance: the server has ended by itself: %s\n%s\n", s.cmd.ProcessState, s.lastWords())
	default:
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		fmt.Fprintf(os.Stderr, "conformance: the server does not stop within %s\n", stopTimeout)
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	_ = os.RemoveAll(s.dir)
}
