//go:build lab

package lab

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sweep removes everything that carries the slot's name: processes, the link,
// cgroups and the scratch folder. The slot's lock must be held.
func (l *Lab) sweep() error {
	return errors.Join(l.killStrays(), l.removeLink(), l.removeCgroups(), os.RemoveAll(l.Dir))
}

// killStrays ends, by their ids, processes that work in the scratch folder or
// in the slot's cgroups. There are some when a daemon or a test was killed.
func (l *Lab) killStrays() error {
	for range 100 {
		pids := slices.Concat(l.byCommand(), l.byCgroup())
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		time.Sleep(50 * time.Millisecond) // they are nobody's children that could be waited for
	}
	return errors.New("processes of the lab do not end")
}

// byCommand finds processes with a path below the scratch folder among their
// arguments: dockerd, containerd, its shims and docker-proxies.
func (l *Lab) byCommand() []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is a good one
	for _, file := range files {
		text, err := os.ReadFile(file)
		pid, bad := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && bad == nil && pid != os.Getpid() && strings.Contains(string(text), l.Dir+"/lh") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// cgroups finds the slot's cgroups in all hierarchies, children first.
func (l *Lab) cgroups() []string {
	var dirs []string
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		roots, _ := filepath.Glob(pattern + l.link() + "-lh*")
		for _, root := range roots {
			// A folder that vanishes meanwhile needs no removal.
			_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, path)
				}
				return nil
			})
		}
	}
	slices.Reverse(dirs)
	return dirs
}

func (l *Lab) byCgroup() []int {
	var pids []int
	for _, dir := range l.cgroups() {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func (l *Lab) removeCgroups() error {
	var errs []error
	for _, dir := range l.cgroups() {
		if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeLink removes the veth. It goes by itself with the switch namespace,
// but a little later.
func (l *Lab) removeLink() error {
	if _, err := os.Stat("/sys/class/net/" + l.link()); err != nil {
		return nil
	}
	if err := exec.Command("ip", "link", "delete", l.link()).Run(); err != nil {
		if _, gone := os.Stat("/sys/class/net/" + l.link()); gone == nil {
			return err
		}
	}
	return nil
}
