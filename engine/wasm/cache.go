package wasm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// The cache has one directory for each module, named by the hash of its file
// and of the rules that it was checked against. In it are the module's shell
// (rewrite.Module.Shell), and wazero's file with the compiled code.
//
// wazero keeps compiled code under a hash of the module that it was made from,
// so that to use it the whole module must be given, which it reads and
// validates again: three quarters of the time until a module of some megabytes
// is ready. Therefore the shell is compiled as well, which takes no time, and
// the code of the whole module is put into the place of the shell's. Whether
// the code in use is that of the whole module is asked of each instance
// (rewrite.ExportWhole).
//
// That a directory is there also says that the module was checked; whoever can
// write into the cache could as well write machine code there.

const shellFile = "shell.wasm"

// entry gives the directory of a module in the cache, "" without a cache.
func (r *Runtime) entry(hash [32]byte, l *Limits) string {
	if r.cfg.CacheDir == "" {
		return ""
	}
	all := rules(l)
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %+v\n", rewrite.Version, ABIVersion, all.Limits)
	for _, signatures := range []map[string]rewrite.Signature{all.Imports, all.Exports} {
		names := make([]string, 0, len(signatures))
		for name := range signatures {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(h, "%s %s\n", name, signatures[name])
		}
	}
	h.Write(hash[:])
	return filepath.Join(r.cfg.CacheDir, hex.EncodeToString(h.Sum(nil)))
}

// cached says whether a module is in the cache.
func cached(entry string) bool {
	if entry == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(entry, shellFile))
	return err == nil
}

// prune removes from the cache what was last used before a time, also what a
// process left that was killed, and of the rest what was used longest ago until
// no more than most bytes are left.
func prune(dir string, before time.Time, most int64) error {
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	var kept []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
			errs = append(errs, gone(err))
		case !info.IsDir():
		case info.ModTime().Before(before):
			errs = append(errs, gone(os.RemoveAll(filepath.Join(dir, e.Name()))))
		default:
			kept = append(kept, info)
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range kept {
		path := filepath.Join(dir, info.Name())
		size, err := sizeOf(path)
		errs = append(errs, err)
		if most -= size; most < 0 {
			errs = append(errs, gone(os.RemoveAll(path)))
		}
	}
	return errors.Join(errs...)
}

// gone makes nothing of the error that something is not there any more.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func sizeOf(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return gone(err)
	})
	return sum, err
}

// fromCache makes a program of what is in the cache. Code that is damaged, or
// for another version of wazero or another processor, is an error.
func (m *Module) fromCache() (*program, error) {
	shell, err := os.ReadFile(filepath.Join(m.entry, shellFile))
	if err != nil {
		return nil, err
	}
	code, before, err := codeFile(m.entry)
	if err != nil {
		return nil, err
	}
	p, err := m.compileWith(shell, m.entry)
	if err != nil {
		return nil, err
	}
	// What wazero cannot use it replaces, here by the code of the shell.
	now, after, err := codeFile(m.entry)
	if err == nil && (code != now || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime())) {
		err = errors.New("it is not for this processor or this version")
	}
	if err != nil {
		_ = p.close(m.runtime.ctx)
		return nil, err
	}
	used := time.Now()
	_ = os.Chtimes(m.entry, used, used) // for prune
	return p, nil
}

// codeFile finds wazero's only file below a directory.
func codeFile(dir string) (string, fs.FileInfo, error) {
	var found string
	var info fs.FileInfo
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == shellFile {
			return err
		}
		if found != "" {
			return fmt.Errorf("%s has more than one file of code", dir)
		}
		found = path
		info, err = d.Info()
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("%s has no file of code", dir)
	}
	return found, info, err
}

// compileIntoCache compiles a module and keeps its code. When it cannot be
// kept, since the disk is full or damaged, that is only logged.
func (m *Module) compileIntoCache(w *rewrite.Module) (*program, error) {
	work, err := os.MkdirTemp(m.runtime.cfg.CacheDir, ".new-")
	if err != nil {
		m.log.Warn("compiled code is not kept", "error", err)
		return m.compileWith(w.Binary, "")
	}
	defer os.RemoveAll(work)
	whole := filepath.Join(work, "whole")
	p, err := m.compileWith(w.Binary, whole)
	if err != nil {
		if fault.KindOf(err) == fault.Invalid {
			return nil, err
		}
		return m.compileWith(w.Binary, "")
	}
	if err := m.keep(w, whole, filepath.Join(work, "entry")); err != nil {
		m.log.Warn("compiled code is not kept", "error", err)
	}
	return p, nil
}

// keep puts the code that was compiled into the directory whole into the
// module's entry, by way of the directory work.
func (m *Module) keep(w *rewrite.Module, whole, work string) error {
	p, err := m.compileWith(w.Shell, work)
	if err != nil {
		return err
	}
	if err := p.close(m.runtime.ctx); err != nil {
		return err
	}
	code, _, err := codeFile(whole)
	if err != nil {
		return err
	}
	place, _, err := codeFile(work)
	if err != nil {
		return err
	}
	if err := os.Rename(code, place); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, shellFile), w.Shell, 0o600); err != nil {
		return err
	}
	if err := os.RemoveAll(m.entry); err != nil {
		return err
	}
	return os.Rename(work, m.entry)
}
