package sdk_test

import (
	"encoding/binary"
	"math"
)

// column is one column of hosts; its values are []float64 or []bool.
type column struct {
	name   string
	values any
}

// columns encodes the document of placement.rank as sdk/ABI.md says. It does
// not use the engine's own encoder, so that both are held to the contract.
func columns(demand string, hosts int, all ...column) []byte {
	b := make([]byte, 32+32*len(all))
	add := func(part []byte) uint32 {
		b = append(b, make([]byte, (8-len(b)%8)%8)...)
		b = append(b, part...)
		return uint32(len(b) - len(part))
	}
	put := func(at int, words ...uint32) {
		for i, w := range words {
			binary.LittleEndian.PutUint32(b[at+4*i:], w)
		}
	}
	copy(b, "GWPC")
	put(4, 1, uint32(hosts), uint32(len(all)), add([]byte(demand)), uint32(len(demand)))
	for i, c := range all {
		var data []byte
		kind := uint32(1)
		switch values := c.values.(type) {
		case []float64:
			for _, f := range values {
				data = binary.LittleEndian.AppendUint64(data, math.Float64bits(f))
			}
		case []bool:
			kind, data = 3, make([]byte, (hosts+63)/64*8)
			for k, set := range values {
				if set {
					data[k/8] |= 1 << (k % 8)
				}
			}
		}
		put(32+32*i, kind, add([]byte(c.name)), uint32(len(c.name)), add(data), uint32(len(data)))
	}
	put(24, uint32(len(b)))
	return b
}
