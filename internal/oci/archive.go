package oci

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// archive is an image layout in a tar file. It is unpacked beside, and packed
// again when it was changed.
type archive struct {
	*layout
	file string
}

// maxArchiveEntries bounds the files of an archive.
const maxArchiveEntries = 100_000

// blobName is what the file of a blob is called.
var blobName = regexp.MustCompile(`^` + blobFolder + `/[0-9a-f]{64}$`)

func openArchive(file string, l *Limits) (*archive, error) {
	dir, err := os.MkdirTemp("", "gowanus-layout-")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "%w", err)
	}
	a := &archive{file: file}
	if err = unpack(file, dir, l); err == nil {
		a.layout, err = openLayout(dir, file, l)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return a, nil
}

// unpack writes the files of a layout, and skips what else is in the archive.
func unpack(file, dir string, l *Limits) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fault.New(fault.Invalid, "%w", err)
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(blobFolder, 0o755); err != nil {
		return err
	}
	total, r := int64(0), tar.NewReader(f)
	for n := 0; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.New(fault.Invalid, "%s is no tar archive: %w", file, err)
		}
		if n == maxArchiveEntries {
			return fault.New(fault.Limit, "%s has more than %d entries", file, n)
		}
		name := strings.TrimPrefix(path.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || name != v1.ImageIndexFile && name != v1.ImageLayoutFile && !blobName.MatchString(name) {
			continue
		}
		if total += h.Size; total > archiveTimes*l.TotalBytes {
			return tooLarge("what is in "+file, total, archiveTimes*l.TotalBytes, "TotalBytes")
		}
		if err := extract(root, name, r); err != nil {
			return fault.New(fault.Invalid, "unpack %s of %s: %w", name, file, err)
		}
	}
}

// archiveTimes is how many artifacts of the largest size an archive may have.
const archiveTimes = 8

func extract(root *os.Root, name string, from io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// close packs the layout, if it was changed, and removes the folder.
func (a *archive) close() (err error) {
	dir := a.root.Name()
	if a.changed {
		err = a.pack()
	}
	return errors.Join(err, a.layout.close(), os.RemoveAll(dir))
}

// pack replaces the archive. The same layout makes the same bytes.
func (a *archive) pack() error {
	fresh, err := os.CreateTemp(filepath.Dir(a.file), filepath.Base(a.file)+".new-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // of no effect once it is renamed
	w := tar.NewWriter(fresh)
	err = fs.WalkDir(a.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return a.add(w, name)
	})
	if err := errors.Join(err, w.Close(), fresh.Chmod(0o644), fresh.Sync(), fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), a.file)
}

func (a *archive) add(w *tar.Writer, name string) error {
	f, err := a.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644, Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
