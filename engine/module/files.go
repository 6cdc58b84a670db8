package module

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// path gives where the file of a digest is.
func (k *Keeper) path(digest string) (string, error) {
	sum, err := digestBytes(digest)
	return filepath.Join(k.cfg.Dir, hex.EncodeToString(sum[:])+".wasm"), err
}

// Save writes the file of a module that was examined. When it returns, the
// file is on disk for good. One that is there already is left alone.
func (k *Keeper) Save(m *Module) error {
	if k.cfg.Dir == "" {
		return nil
	}
	path, err := k.path(m.Digest)
	if err != nil {
		return err
	}
	if content, err := os.ReadFile(path); err == nil && Digest(content) == m.Digest {
		return nil
	}
	content, err := m.file()
	if err != nil {
		return err
	}
	if err := write(path, content); err != nil {
		return fault.New(fault.Unavailable, "keep the file of module %s: %w", m.Name(), err)
	}
	m.mu.Lock()
	m.file = func() ([]byte, error) { return k.read(m.Digest) }
	m.mu.Unlock()
	return nil
}

// write makes a file whole or not at all.
func write(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read gives the file of a digest, and refuses one that was changed.
func (k *Keeper) read(digest string) ([]byte, error) {
	path, err := k.path(digest)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the file of a module is missing: %w", err)
	}
	if got := Digest(content); got != digest {
		return nil, fault.New(fault.Unavailable, "the file %s of a module was changed: its digest is %s", path, got)
	}
	return content, nil
}

// Content gives the module's file.
func (m *Module) Content() ([]byte, error) {
	m.mu.Lock()
	file := m.file
	m.mu.Unlock()
	return file()
}

// Sweep deletes the files whose digest nobody uses.
func (k *Keeper) Sweep(used func(digest string) bool) error {
	if k.cfg.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(k.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.New(fault.Unavailable, "look through the files of modules: %w", err)
	}
	var errs []error
	for _, e := range entries {
		sum, is := strings.CutSuffix(e.Name(), ".wasm")
		if is && used("sha256:"+sum) || e.IsDir() {
			continue
		}
		if is || strings.HasPrefix(e.Name(), ".new-") {
			errs = append(errs, os.Remove(filepath.Join(k.cfg.Dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
