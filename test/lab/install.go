//go:build lab

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// policy is the program that Debian's packages ask before they start a
// service; 101 means no.
const policy = "/usr/sbin/policy-rc.d"

// install makes sure that the programs are there that the lab runs.
func install() error {
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("it needs iproute2 and util-linux: %w", err)
		}
	}
	unlock, err := lockCache("install")
	if err != nil {
		return err
	}
	defer unlock()
	return packages("dockerd", "docker.io", "iptables")
}

// packages installs Debian's packages, without starting services, unless a
// program of theirs is there. The caller holds the lock.
func packages(program string, names ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("it needs %s, and can install it only with apt-get: %w", program, err)
	}
	if _, err := os.Stat(policy); os.IsNotExist(err) {
		if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
			return err
		}
		defer os.Remove(policy)
	}
	return apt(append([]string{"install", "--yes", "--no-install-recommends"}, names...)...)
}

// apt runs apt-get, once more after an update when it fails.
func apt(args ...string) error {
	run := func(args ...string) error {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	first := run(args...)
	if first == nil {
		return nil
	}
	if err := run("update"); err != nil {
		return errors.Join(first, err)
	}
	return run(args...)
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	file, err := command("go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	return filepath.Dir(file), nil
}

// cache is a folder for downloads that is kept.
func cache() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".lab", "cache")
	return dir, os.MkdirAll(dir, 0o755)
}

// lockCache keeps other labs from doing the same thing at the same time.
func lockCache(what string) (unlock func(), err error) {
	dir, err := cache()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, what+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil // closing gives the lock back
}
