//go:build lab

package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// space is a network, host name and mount namespace. It exists as long as its
// files are open or a process is inside.
type space struct{ net, uts, mnt *os.File }

// newSpace makes a space. In it, /run and hidden are empty memory file
// systems, so that a daemon finds nothing there and leaves nothing behind.
func newSpace(hostname string, hidden ...string) (*space, error) {
	type result struct {
		s   *space
		err error
	}
	done := make(chan result)
	go func() {
		// The thread is never unlocked: it ends with the goroutine, as its
		// namespaces must not be met by others.
		runtime.LockOSThread()
		s, err := enterNew(hostname, hidden)
		done <- result{s, err}
	}()
	r := <-done
	return r.s, r.err
}

func enterNew(hostname string, hidden []string) (*space, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWNS); err != nil {
		return nil, fmt.Errorf("make namespaces: %w", err)
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return nil, fmt.Errorf("set host name: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	for _, dir := range append([]string{"/run"}, hidden...) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return nil, fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	s := &space{}
	for name, f := range map[string]**os.File{"net": &s.net, "uts": &s.uts, "mnt": &s.mnt} {
		var err error
		if *f, err = os.Open("/proc/thread-self/ns/" + name); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *space) close() {
	for _, f := range []*os.File{s.net, s.uts, s.mnt} {
		if f != nil {
			f.Close() // read-only: nothing can be lost
		}
	}
}

// path names one of the space's files for other processes.
func path(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// enter gives the arguments of nsenter for running something in the space.
func (s *space) enter(args ...string) []string {
	return append([]string{"--net=" + path(s.net), "--uts=" + path(s.uts), "--mount=" + path(s.mnt), "--"}, args...)
}

// ip runs ip in the space; the arguments are separated by blanks.
func (s *space) ip(format string, args ...any) error {
	_, err := command("nsenter", append([]string{"--net=" + path(s.net), "--", "ip"}, strings.Fields(fmt.Sprintf(format, args...))...)...)
	return err
}

// wire makes the switch, the hosts' namespaces and the links between them and
// the root namespace.
func (l *Lab) wire(hosts int) (err error) {
	if l.fabric, err = newSpace("switch"); err != nil {
		return err
	}
	if err := l.fabric.ip("link set lo up"); err != nil {
		return err
	}
	if err := l.fabric.ip("link add br0 up type bridge"); err != nil {
		return err
	}
	here := strings.Fields(fmt.Sprintf("link add %s type veth peer name p0 netns %s", l.link(), path(l.fabric.net)))
	for _, args := range [][]string{here, {"addr", "add", l.address(1) + "/24", "dev", l.link()}, {"link", "set", l.link(), "up"}} {
		if _, err := command("ip", args...); err != nil {
			return err
		}
	}
	if err := l.fabric.ip("link set p0 up master br0"); err != nil {
		return err
	}
	for i := 1; i <= hosts; i++ {
		h, err := l.newHost(i)
		if err != nil {
			return err
		}
		l.Hosts = append(l.Hosts, h)
		for _, cmd := range []string{
			"link set lo up",
			fmt.Sprintf("link add eth0 type veth peer name p%d netns %s", i, path(l.fabric.net)),
			"addr add " + h.Address + "/24 dev eth0",
			"link set eth0 up",
			"route add default via " + l.address(1),
		} {
			if err := h.space.ip("%s", cmd); err != nil {
				return err
			}
		}
		if err := l.fabric.ip("link set p%d up master br0", i); err != nil {
			return err
		}
	}
	return nil
}
