package process

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handle holds on to one process, whatever becomes of its pid.
type handle struct{ file *os.File }

// open gives a handle on a process. Not found: os.ErrProcessDone.
func open(id ident) (*handle, error) {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, os.ErrProcessDone
	} else if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	h := &handle{os.NewFile(uintptr(fd), "pidfd")}
	if p, ok := readProc(id.PID); !ok || p.dead || p.ident != id { // the pid is another's by now
		h.close()
		return nil, os.ErrProcessDone
	}
	return h, nil
}

// wait returns nil when the process has ended; it sleeps in the runtime's
// poller until then.
func (h *handle) wait(ctx context.Context) error {
	conn, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	if err := h.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = h.file.SetReadDeadline(time.Unix(1, 0)) })()
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Poll(p, 0)
		}
		failed = err
		return n > 0 || err != nil
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	return errors.Join(err, failed)
}

// signal sends a signal; one to a process that has ended is no error.
func (h *handle) signal(sig syscall.Signal) error {
	conn, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := conn.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	if errors.Is(sent, unix.ESRCH) {
		return nil
	}
	return os.NewSyscallError("pidfd_send_signal", sent)
}

func (h *handle) close() { _ = h.file.Close() }

// ownSession makes a child the leader of a session and process group.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// machineMemory gives the memory of the machine in bytes.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// supported tells whether this system can hold on to processes.
func supported() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	return unix.Close(fd)
}
