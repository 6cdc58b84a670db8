package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files of a data directory.
const (
	passwordFile = "admin-password"
	planeFile    = "plane-id"
	storeDir     = "store"
	processDir   = "processes"
	cacheDir     = "cache"
	modulesDir   = "modules"
)

// defaultDataDir is where a server keeps its data unless told otherwise.
func defaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gowanus"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usageError("no default for --data-dir: %w", err)
	}
	return filepath.Join(home, ".local", "share", "gowanus"), nil
}

func passwordPath(dir string) string { return filepath.Join(dir, passwordFile) }

// keep gives the text of a file in the data directory, which it makes with a
// text of its own when it is not there.
func keep(dir, name string, make func() string) (text string, made bool, err error) {
	path := filepath.Join(dir, name)
	for range 2 {
		old, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(old)) != "" {
			return strings.TrimSpace(string(old)), false, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
		text = make()
		if err = create(dir, path, text+"\n"); err == nil {
			return text, true, nil
		} else if !errors.Is(err, fs.ErrExist) {
			return "", false, err
		}
	}
	return "", false, fmt.Errorf("%s is empty; delete it", path)
}

// create writes a file that others cannot read, whole and durably, or not at
// all; one that is there is left alone.
func create(dir, path, text string) error {
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// newPassword gives a password that nobody guesses.
func newPassword() string { return rand.Text() }

// newPlane gives a name for a new server, fit for labels and network names.
func newPlane() string { return strings.ToLower(rand.Text()[:10]) }
