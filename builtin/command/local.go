package command

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// inherited are the variables of the server's own environment that a command
// sees. The rest stays here: it may hold the server's secrets.
var inherited = [...]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// grace is how long a command may go on after SIGTERM, and its output after
// its end, when it left children behind that hold it open.
const grace = 2 * time.Second

// Shell is the program that reads commands: bash where it is installed.
func Shell() string {
	for _, name := range []string{"/bin/bash", "/usr/bin/bash"} {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return "/bin/sh"
}

// Local runs a command on this machine, in an empty folder of its own that is
// removed in the end, and gives its exit code; 128 and the signal's number when
// a signal ended it. When ctx ends, the command and all that it started in its
// process group is ended, and the error is the cause. When this process is
// killed, they end too.
func (k *Keys) Local(ctx context.Context, command string, s *Streams) (code int, err error) {
	dir, err := os.MkdirTemp("", "gowanus-command-")
	if err != nil {
		return 0, fault.As(err, fault.Unavailable)
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, Shell(), "-s")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, s.Out, s.Err
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		cmd.Env = append(cmd.Env, name+"="+k.Env[name])
	}
	ownGroup(cmd)
	cmd.Cancel = func() error { return signalGroup(cmd, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return 0, cause
		}
		return 0, fault.New(fault.Unavailable, "%s: %w", k.step, err)
	}
	go func() { _, _ = io.WriteString(in, guarded(command)) }() // ends with the command; its pipe stays open until then
	err = cmd.Wait()
	if cause := context.Cause(ctx); cause != nil {
		_ = signalGroup(cmd, syscall.SIGKILL) // what did not heed SIGTERM
		return 0, cause
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return 0, fault.New(fault.Unavailable, "%s: %w", k.step, err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
