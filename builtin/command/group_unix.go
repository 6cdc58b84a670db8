//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// ownGroup lets a command begin a process group, so that all of it can be
// ended.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(cmd *exec.Cmd, s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
