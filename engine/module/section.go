package module

import (
	"encoding/binary"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// SectionName is the custom section in which a module may carry its
// description, so that it can be listed without being compiled.
const SectionName = "gowanus:describe"

// Section gives the description that a file carries, or nil. It must be
// WebAssembly; broken sections are fault.Invalid.
func Section(content []byte) ([]byte, error) {
	broken := fault.New(fault.Invalid, "the module's sections are cut off")
	for at := 8; at < len(content); {
		id := content[at]
		size, n := binary.Uvarint(content[at+1:])
		begin := at + 1 + n
		if n <= 0 || size > uint64(len(content)-begin) {
			return nil, broken
		}
		body := content[begin : begin+int(size)]
		at = begin + int(size)
		if id != 0 {
			continue
		}
		length, n := binary.Uvarint(body)
		if n <= 0 || length > uint64(len(body)-n) {
			return nil, broken
		}
		if string(body[n:n+int(length)]) == SectionName {
			return body[n+int(length):], nil
		}
	}
	return nil, nil
}
