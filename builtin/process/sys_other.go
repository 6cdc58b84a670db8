//go:build !linux

package process

import (
	"context"
	"errors"
	"syscall"
)

var errUnsupported = errors.New("processes are managed on Linux only")

type handle struct{}

func open(ident) (*handle, error)                { return nil, errUnsupported }
func (h *handle) wait(ctx context.Context) error { return errUnsupported }
func (h *handle) signal(syscall.Signal) error    { return errUnsupported }
func (h *handle) close()                         {}
func ownSession() *syscall.SysProcAttr           { return nil }
func machineMemory() int64                       { return 0 }
func supported() error                           { return errUnsupported }
