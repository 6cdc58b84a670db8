//go:build lab

package lab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// registryProgram is Debian's build of distribution, the registry of Docker.
const registryProgram = "docker-registry"

const registryStartLimit = 20 * time.Second

// Registry is a registry on the loopback interface that a test started.
type Registry struct {
	Host     string // "127.0.0.1:PORT"
	Dir      string // where it keeps everything
	User     string
	Password string
}

// StartRegistry starts Debian's registry, which asks for a login. It ends with the
// test. It needs no hosts.
func StartRegistry(tb testing.TB) *Registry {
	tb.Helper()
	unlock, err := lockCache("install")
	if err == nil {
		err = packages(registryProgram, registryProgram)
		unlock()
	}
	if err != nil {
		tb.Fatalf("lab: %v", err)
	}
	r := &Registry{Dir: filepath.Join(tb.TempDir(), "registry"), User: "ci", Password: "lab-password"}
	file, err := r.configure(tb.TempDir())
	if err != nil {
		tb.Fatalf("lab: %v", err)
	}
	cmd := exec.Command(registryProgram, "serve", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatalf("lab: start the registry: %v", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if r.Host, err = listening(out); err != nil {
		tb.Fatalf("lab: start the registry: %v", err)
	}
	return r
}

// configure writes its files into a folder. It may take any port.
func (r *Registry) configure(dir string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(r.Password), bcrypt.MinCost)
	if err != nil {
		return "", err
	}
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, fmt.Appendf(nil, "%s:%s\n", r.User, hash), 0o600); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "config.yml")
	return file, os.WriteFile(file, fmt.Appendf(nil, `version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: %s}}
auth: {htpasswd: {realm: lab, path: %s}}
http: {addr: "127.0.0.1:0"}
`, r.Dir, users), 0o600)
}

// listening reads what the registry logs until it says where it listens.
func listening(out io.ReadCloser) (string, error) {
	found := make(chan string, 1)
	go func() { // ends with the registry
		defer close(found)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, rest, is := strings.Cut(lines.Text(), "listening on ")
			if host, _, _ := strings.Cut(rest, `"`); is && strings.HasPrefix(host, "127.") {
				found <- host
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case host, is := <-found:
		if is {
			return host, nil
		}
		return "", fmt.Errorf("it ended")
	case <-time.After(registryStartLimit):
		return "", fmt.Errorf("it does not listen after %v", registryStartLimit)
	}
}

// Blob gives the file in which it keeps what has a digest.
func (r *Registry) Blob(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(r.Dir, "docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
}

// Tag gives the file with the digest to which a tag leads.
func (r *Registry) Tag(repository, tag string) string {
	return filepath.Join(r.Dir, "docker/registry/v2/repositories", repository, "_manifests/tags", tag, "current/link")
}
