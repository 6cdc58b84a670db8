package process

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Names in the environment of everything that is started.
const (
	envPlane  = "GOWANUS_PLANE"
	envEntity = "GOWANUS_ENTITY"
	envRun    = "GOWANUS_RUN" // proves that a process belongs to one run of one command
)

// heldName marks, as fourth word of its command line, a shell that has not
// become the command yet.
const heldName = "gowanus-held"

// heldScript waits for a line on descriptor 3 and becomes the command. When
// the server dies, the pipe ends, and so does the shell.
const heldScript = `IFS= read -r go <&3 || exit 125; exec 3<&-; unset go; exec /bin/sh -c "$1"`

// drain is how long the output of a command is read on after it has ended,
// when it left children that keep its output open.
const drain = time.Second

// held is a started shell that waits to become its command.
type held struct {
	started
	cmd  *exec.Cmd
	gate *os.File // releases when written to, ends the shell when closed
}

// launch says what to start.
type launch struct {
	command  string
	dir      string
	env      []string
	out, err io.Writer
}

// hold starts a command up to the point where it waits for release. Whoever
// holds it calls release or discard.
func hold(l launch) (*held, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	wait, gate, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer wait.Close()
	h := &held{gate: gate}
	h.Boot, h.Run = boot, rand.Text()
	h.cmd = exec.Command("/bin/sh", "-c", heldScript, heldName, l.command)
	h.cmd.Dir = l.dir
	h.cmd.Env = append(l.env, envRun+"="+h.Run)
	h.cmd.Stdout, h.cmd.Stderr = l.out, l.err
	h.cmd.ExtraFiles = []*os.File{wait}
	h.cmd.SysProcAttr = ownSession()
	h.cmd.WaitDelay = drain
	if err := h.cmd.Start(); err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	p, ok := readProc(h.cmd.Process.Pid)
	if !ok {
		h.discard()
		return nil, fmt.Errorf("process %d is not in /proc", h.cmd.Process.Pid)
	}
	h.ident = p.ident
	return h, nil
}

// release lets the shell become its command.
func (h *held) release() error {
	_, err := h.gate.Write([]byte("\n"))
	_ = h.gate.Close() // the line is in the pipe, or err says why not
	return err
}

// discard ends the shell before it became anything.
func (h *held) discard() {
	_ = h.gate.Close()
	_ = h.cmd.Wait() // exit code 125 is what we asked for
}

// status is how a process ended.
type status struct {
	text string // "exited with code 1"
	code int    // -1 when a signal ended it, or it is not known
	ok   bool   // it may have been a success
}

// sentence goes on after "it".
func (s status) sentence() string {
	if strings.HasPrefix(s.text, "killed") {
		return "was " + s.text
	}
	return s.text
}

// collect waits for a child of this server and says how it ended.
func collect(cmd *exec.Cmd) (status, error) {
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return status{"exited", -1, false}, err
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return status{fmt.Sprintf("killed by signal %d", ws.Signal()), -1, false}, nil
	}
	code := cmd.ProcessState.ExitCode()
	return status{fmt.Sprintf("exited with code %d", code), code, code == 0}, nil
}

// inherited are the variables of the server's own environment that commands
// see. The rest stays here: it may hold the server's secrets.
var inherited = [...]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// environment is what a command of an entity sees: the values of its step,
// after the basics of the server's machine and before what identifies it.
func (p *Provider) environment(entity, dir string, env map[string]string) []string {
	var all []string
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			all = append(all, name+"="+v)
		}
	}
	all = append(all, "RUN_DIR="+dir, "LOG_DIR="+dir, "PID_FILE="+filepath.Join(dir, pidFile))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, "GOWANUS_") {
			all = append(all, name+"="+env[name])
		}
	}
	return append(all, envPlane+"="+p.plane, envEntity+"="+entity)
}
