package bom

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// ZipLimits bound what an archive may hold. Zero fields take the defaults.
type ZipLimits struct {
	Files int   // default 10,000
	Bytes int64 // of all files, unpacked; default 64 MiB
	Ratio int64 // how many times its packed size a file may have; default 100
}

func (l ZipLimits) withDefaults() ZipLimits {
	if l.Files == 0 {
		l.Files = 10_000
	}
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Ratio == 0 {
		l.Ratio = 100
	}
	return l
}

// Archive gives the files of a zip. Nothing of it is ever written to disk.
type Archive struct {
	files map[string]*zip.File
	limit int64
}

// catalogFile is where an archive has its BOM.
const catalogFile = "catalog.bom"

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

func parseZip(file string, content []byte, o Options) (*Bundle, error) {
	archive, err := Open(content, o.Zip)
	if err != nil {
		return nil, fault.Wrap(err, "read archive", file)
	}
	text, err := archive.Read(catalogFile)
	if err != nil {
		return nil, fault.Wrap(invalid("it has no %s", catalogFile), "read archive", file)
	}
	b, err := parseText(catalogFile, text, o, archive)
	if err != nil {
		return nil, err
	}
	b.Format = Zip
	return b, nil
}

// Open reads the list of files of an archive, and refuses one that breaks a
// limit or has names that lead out of it.
func Open(content []byte, l ZipLimits) (*Archive, error) {
	l = l.withDefaults()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, invalid("not a zip archive: %w", err)
	}
	if len(z.File) > l.Files {
		return nil, fault.New(fault.Limit, "it has %d files, ZipLimits.Files allows %d", len(z.File), l.Files)
	}
	a := &Archive{files: make(map[string]*zip.File, len(z.File)), limit: l.Bytes}
	folded := map[string]string{}
	var total uint64
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := checkFile(f, l); err != nil {
			return nil, err
		}
		if total += f.UncompressedSize64; total > uint64(l.Bytes) {
			return nil, fault.New(fault.Limit, "its files have more than %d bytes, ZipLimits.Bytes", l.Bytes)
		}
		fold := strings.ToLower(f.Name)
		if other, twice := folded[fold]; twice {
			return nil, invalid("the files %q and %q have the same name", other, f.Name)
		}
		folded[fold] = f.Name
		a.files[f.Name] = f
	}
	return a, nil
}

// checkFile refuses names that lead out of a folder and everything that is not
// a plain file.
func checkFile(f *zip.File, l ZipLimits) error {
	name := f.Name
	switch {
	case !utf8.ValidString(name) || strings.ContainsAny(name, "\\\x00:"):
		return invalid("the file name %q has characters that are not allowed", name)
	case !fs.ValidPath(name) || path.Clean(name) != name:
		return invalid("the file name %q leads out of the archive", name)
	case !f.Mode().IsRegular():
		return invalid("%q is not a plain file", name)
	case f.Flags&1 != 0:
		return invalid("the file %q is encrypted", name)
	case f.UncompressedSize64 > 1<<20 && int64(f.UncompressedSize64/max(f.CompressedSize64, 1)) > l.Ratio:
		return fault.New(fault.Limit, "the file %q unpacks to more than %d times its size, ZipLimits.Ratio", name, l.Ratio)
	}
	return nil
}

// Names gives the names of all files, sorted.
func (a *Archive) Names() []string { return slices.Sorted(maps.Keys(a.files)) }

// Read gives the content of a file. What is longer than its archive says is
// refused.
func (a *Archive) Read(name string) ([]byte, error) {
	f := a.files[name]
	if f == nil {
		return nil, fault.New(fault.NotFound, "the archive has no file %s", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, invalid("file %s: %w", name, err)
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, a.limit+1))
	switch {
	case err != nil:
		return nil, invalid("file %s: %w", name, err)
	case int64(len(out)) > a.limit:
		return nil, fault.New(fault.Limit, "the file %s has more than %d bytes, ZipLimits.Bytes", name, a.limit)
	}
	return out, nil
}

// IsZip tells whether a content is an archive.
func IsZip(content []byte) bool {
	return bytes.HasPrefix(content, []byte("PK\x03\x04")) || bytes.HasPrefix(content, []byte("PK\x05\x06"))
}
