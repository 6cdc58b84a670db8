// Package section reads and writes custom sections of WebAssembly files, and
// leaves every other byte of them as it is.
package section

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Describe names the section in which a module carries its own description,
// see sdk/ABI.md.
const Describe = "gowanus:describe"

// header begins each core WebAssembly file of version 1.
const header = "\x00asm\x01\x00\x00\x00"

// span is one section of a file; from and to are where it begins and ends.
type span struct {
	from, to int
	custom   bool
	name     string // of a custom section
	content  []byte // of a custom section, behind its name
}

// Get gives the content of the first custom section of a name, as a part of
// bin; nil when there is none. A file that cannot be read is fault.Invalid.
func Get(bin []byte, name string) ([]byte, error) {
	spans, err := scan(bin)
	if err != nil {
		return nil, err
	}
	for _, s := range spans {
		if s.custom && s.name == name {
			return s.content, nil
		}
	}
	return nil, nil
}

// Set gives the file with one custom section of the name: in the place of the
// first that it has, else at its end. bin is not changed. A file that cannot be
// read is fault.Invalid, and a section beyond 4 GiB fault.Limit.
func Set(bin []byte, name string, content []byte) ([]byte, error) {
	spans, err := scan(bin)
	if err != nil {
		return nil, err
	}
	section, err := encode(name, content)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(bin)+len(section))
	out = append(out, header...)
	placed := false
	for _, s := range spans {
		switch {
		case !s.custom || s.name != name:
			out = append(out, bin[s.from:s.to]...)
		case !placed:
			out = append(out, section...)
			placed = true
		}
	}
	if !placed {
		out = append(out, section...)
	}
	return out, nil
}

// Remove gives the file without its custom sections of the name. bin is not
// changed. A file that cannot be read is fault.Invalid.
func Remove(bin []byte, name string) ([]byte, error) {
	spans, err := scan(bin)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(bin)), header...)
	for _, s := range spans {
		if !s.custom || s.name != name {
			out = append(out, bin[s.from:s.to]...)
		}
	}
	return out, nil
}

func encode(name string, content []byte) ([]byte, error) {
	body := binary.AppendUvarint(nil, uint64(len(name)))
	size := uint64(len(body)) + uint64(len(name)) + uint64(len(content))
	if size > math.MaxUint32 {
		return nil, fault.New(fault.Limit, "custom section %s of %d bytes, the format allows %d", name, size, uint32(math.MaxUint32))
	}
	out := binary.AppendUvarint([]byte{0}, size)
	return append(append(append(out, body...), name...), content...), nil
}

// scan finds the sections of a file.
func scan(bin []byte) ([]span, error) {
	if len(bin) < len(header) || !bytes.HasPrefix(bin, []byte(header[:4])) {
		return nil, invalid("expected a WebAssembly file, got %d bytes that begin with %q", len(bin), bin[:min(len(bin), 8)])
	}
	if string(bin[:len(header)]) != header {
		return nil, invalid("expected a core WebAssembly module of version 1, got %q; components cannot be used", bin[4:8])
	}
	var spans []span
	for at := len(header); at < len(bin); {
		s := span{from: at, custom: bin[at] == 0}
		size, n := number(bin[at+1:])
		if n == 0 || uint64(size) > uint64(len(bin)-at-1-n) {
			return nil, invalid("the section at byte %d does not end within the file", at)
		}
		body := bin[at+1+n:][:size]
		s.to = at + 1 + n + int(size)
		if s.custom {
			length, k := number(body)
			if k == 0 || uint64(length) > uint64(len(body)-k) {
				return nil, invalid("the name of the custom section at byte %d does not end within it", at)
			}
			s.name, s.content = string(body[k:k+int(length)]), body[k+int(length):]
		}
		spans = append(spans, s)
		at = s.to
	}
	return spans, nil
}

// number reads an unsigned LEB128 number of 32 bits and gives its length in
// bytes; 0 says that there is none.
func number(b []byte) (uint32, int) {
	v, n := binary.Uvarint(b[:min(len(b), 5)])
	if n <= 0 || v > math.MaxUint32 {
		return 0, 0
	}
	return uint32(v), n
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }
