//go:build lab

package lab

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SSHD is an OpenSSH server on loopback with keys of its own.
type SSHD struct {
	Host, Port string
	User       string // who may log in, with Key only
	Key        string // path of the private key
	KnownHosts string // path of a file with the server's keys
}

// startWithin is how long sshd may take to listen.
const startWithin = 10 * time.Second

// NewSSHD starts a server that ends with the test. It needs no Lab.
func NewSSHD(tb testing.TB) *SSHD {
	tb.Helper()
	unlock, err := lockCache("install")
	if err != nil {
		tb.Fatal(err)
	}
	err = packages("sshd", "openssh-server")
	unlock()
	if err != nil {
		tb.Fatalf("lab: %v", err)
	}
	program, err := exec.LookPath("sshd") // sshd wants to be called by its whole path
	if err != nil {
		tb.Fatal(err)
	}
	s := &SSHD{}
	if err := s.configure(tb.TempDir(), program, tb); err != nil {
		tb.Fatalf("lab: sshd: %v", err)
	}
	return s
}

// configure makes keys and starts the server.
func (s *SSHD) configure(dir, program string, tb testing.TB) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	s.User, s.Key, s.KnownHosts = me.Username, filepath.Join(dir, "user"), filepath.Join(dir, "known_hosts")
	var known strings.Builder
	config := fmt.Sprintf("AuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nMaxSessions 10\n", s.Key)
	if s.Host, s.Port, err = net.SplitHostPort(freePort(tb)); err != nil {
		return err
	}
	for _, typ := range []string{"ed25519", "ecdsa", "rsa"} {
		file := filepath.Join(dir, "host_"+typ)
		if _, err := command("ssh-keygen", "-q", "-t", typ, "-N", "", "-f", file); err != nil {
			return err
		}
		config += "HostKey " + file + "\n"
		if typ == "ecdsa" {
			continue // the server prefers it, and the file of known hosts does not have it
		}
		public, err := os.ReadFile(file + ".pub")
		if err != nil {
			return err
		}
		known.WriteString("[" + s.Host + "]:" + s.Port + " " + string(public))
	}
	if _, err := command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.Key); err != nil {
		return err
	}
	file := filepath.Join(dir, "sshd_config")
	for path, text := range map[string]string{file: config, s.KnownHosts: known.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // for the separation of its privileges
		return err
	}
	cmd := exec.Command(program, "-D", "-e", "-f", file, "-o", "ListenAddress="+net.JoinHostPort(s.Host, s.Port))
	cmd.Stderr = tb.Output()
	cmd.WaitDelay = time.Second // its children hold the output open
	if err := cmd.Start(); err != nil {
		return err
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return s.await()
}

func (s *SSHD) await() error {
	for end := time.Now().Add(startWithin); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", net.JoinHostPort(s.Host, s.Port))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("it does not listen after %s: %w", startWithin, err)
		}
	}
}
