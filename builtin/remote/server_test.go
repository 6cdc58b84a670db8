package remote_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

const testPassword = "open sesame"

// server is an SSH server on loopback that runs commands as sshd does.
type server struct {
	host, port string
	hostKey    ssh.Signer
	userKey    ssh.Signer
	userPEM    []byte
	dir        string

	logins  atomic.Int64
	mu      sync.Mutex
	conns   []net.Conn
	changed chan struct{} // a connection ended
	mute    atomic.Bool   // commands are taken and never answered
	lose    atomic.Bool   // commands end the connection
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func startServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: t.TempDir(), changed: make(chan struct{}, 100)}
	s.host, s.port, _ = net.SplitHostPort(l.Addr().String())
	s.hostKey, _ = newKey(t)
	s.userKey, s.userPEM = newKey(t)
	config := &ssh.ServerConfig{
		PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if c.User() == "joe" && string(password) == testPassword {
				return nil, nil
			}
			return nil, errors.New("wrong password")
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if bytes.Equal(key.Marshal(), s.userKey.PublicKey().Marshal()) {
				return nil, nil
			}
			return nil, errors.New("wrong key")
		},
	}
	config.AddHostKey(s.hostKey)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, raw)
			s.mu.Unlock()
			all.Go(func() { s.serve(raw, config) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.cut()
		all.Wait()
	})
	return s
}

// cut ends all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *server) serve(raw net.Conn, config *ssh.ServerConfig) {
	defer raw.Close()
	_, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	s.logins.Add(1)
	var all sync.WaitGroup
	all.Go(func() {
		for r := range requests {
			if r.WantReply && !s.mute.Load() {
				_ = r.Reply(false, nil)
			}
		}
	})
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			break
		}
		all.Go(func() { s.session(raw, channel, requests) })
	}
	all.Wait()
	s.changed <- struct{}{}
}

func (s *server) session(raw net.Conn, channel ssh.Channel, requests <-chan *ssh.Request) {
	var cmd *exec.Cmd
	var all sync.WaitGroup
	defer all.Wait()
	defer func() {
		if cmd != nil {
			_ = cmd.Process.Kill()
		}
	}()
	for r := range requests {
		switch r.Type {
		case "exec":
			var text struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &text)
			if s.lose.Load() {
				raw.Close()
				continue
			}
			_ = r.Reply(true, nil)
			if s.mute.Load() {
				continue
			}
			cmd = exec.Command("/bin/sh", "-c", text.Command)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			in, err := cmd.StdinPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				channel.Close()
				continue
			}
			running := cmd
			all.Go(func() {
				_, _ = io.Copy(in, channel)
				in.Close()
			})
			all.Go(func() {
				err := running.Wait()
				var exit *exec.ExitError
				code := 0
				if errors.As(err, &exit) {
					code = exit.ExitCode()
				}
				if code >= 0 {
					_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
				} else {
					_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
						Signal   string
						Core     bool
						Err, Tag string
					}{"TERM", false, "", ""}))
				}
				channel.Close()
			})
		default:
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
		}
	}
}

// trust writes a file of known hosts that has a key for the server.
func (s *server) trust(t *testing.T, key ssh.PublicKey) string {
	t.Helper()
	file := filepath.Join(s.dir, "known_hosts")
	line := knownhosts.Line([]string{net.JoinHostPort(s.host, s.port)}, key)
	if err := os.WriteFile(file, fmt.Appendln(nil, line), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// keyFile writes the user's private key to a file.
func (s *server) keyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(s.dir, "id_ed25519")
	if err := os.WriteFile(file, s.userPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startSilent listens and says nothing.
func startSilent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
