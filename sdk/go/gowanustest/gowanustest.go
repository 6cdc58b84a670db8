// Package gowanustest tries the handlers of a module in ordinary Go tests.
package gowanustest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// Effector asks the registered module for an effector's decision. With a token
// in the call it is the continuation that is asked.
func Effector(c gowanus.EffectorCall) (gowanus.Decision, error) {
	hook := gowanus.HookEntityEffector
	if c.Token != "" {
		hook = gowanus.HookEntityContinue
	}
	return decide(hook, c)
}

// Policy gives the registered module an event or a timer.
func Policy(c gowanus.PolicyCall) (gowanus.Decision, error) {
	return decide(gowanus.HookPolicyEvent, c)
}

// decide goes through the wire format both ways, so that a test sees values as
// the engine would hand them over. An error answer becomes a *gowanus.Error.
func decide(hook gowanus.Hook, document any) (gowanus.Decision, error) {
	in, err := json.Marshal(document)
	if err != nil {
		return gowanus.Decision{}, fmt.Errorf("encode call: %w", err)
	}
	var d gowanus.Decision
	if err := json.Unmarshal(gowanus.Call(hook, in), &d); err != nil {
		return d, fmt.Errorf("decode answer: %w", err)
	}
	if d.Error != nil {
		return d, d.Error
	}
	return d, nil
}

// Column is one column of hosts. Values is a []float64, []uint32, []bool or
// []string with one value per host.
type Column struct {
	Name   string
	Values any
}

// Ranked is what a strategy answered for one host.
type Ranked struct {
	Score  float64 // NaN when refused
	Reason string
}

// Refused says whether the host was refused.
func (r Ranked) Refused() bool { return math.IsNaN(r.Score) }

// Rank asks a strategy of the registered module about count hosts.
func Rank(request gowanus.RankRequest, count int, columns ...Column) ([]Ranked, error) {
	in, err := Columns(request, count, columns...)
	if err != nil {
		return nil, err
	}
	return ranking(gowanus.Call(gowanus.HookPlacementRank, in), count)
}

// Columns encodes the input of placement.rank.
func Columns(request gowanus.RankRequest, count int, columns ...Column) ([]byte, error) {
	demand, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode demand: %w", err)
	}
	b := make([]byte, 32+32*len(columns))
	add := func(part []byte) uint32 {
		b = append(b, make([]byte, (8-len(b)%8)%8)...)
		at := len(b)
		b = append(b, part...)
		return uint32(at)
	}
	copy(b, "GWPC")
	header := []uint32{gowanus.ABIVersion, uint32(count), uint32(len(columns)), add(demand), uint32(len(demand))}
	for i, c := range columns {
		typ, data, n := encode(c.Values)
		if n != count {
			return nil, fmt.Errorf("column %s: %d values of %T for %d hosts", c.Name, n, c.Values, count)
		}
		entry := []uint32{typ, add([]byte(c.Name)), uint32(len(c.Name)), add(data), uint32(len(data))}
		for k, v := range entry {
			binary.LittleEndian.PutUint32(b[32+32*i+4*k:], v)
		}
	}
	for k, v := range append(header, uint32(len(b))) {
		binary.LittleEndian.PutUint32(b[4+4*k:], v)
	}
	return b, nil
}

// encode gives a column's type, data and number of hosts; -1 for values that
// are no column.
func encode(values any) (typ uint32, data []byte, n int) {
	order := binary.LittleEndian
	switch v := values.(type) {
	case []float64:
		for _, f := range v {
			data = order.AppendUint64(data, math.Float64bits(f))
		}
		return gowanus.ColumnFloat64, data, len(v)
	case []uint32:
		for _, u := range v {
			data = order.AppendUint32(data, u)
		}
		return gowanus.ColumnUint32, data, len(v)
	case []bool:
		data = make([]byte, (len(v)+63)/64*8)
		for i, set := range v {
			if set {
				data[i/8] |= 1 << (i % 8)
			}
		}
		return gowanus.ColumnBitmap, data, len(v)
	case []string:
		var text []byte
		data = order.AppendUint32(nil, 0)
		for _, s := range v {
			text = append(text, s...)
			data = order.AppendUint32(data, uint32(len(text)))
		}
		return gowanus.ColumnString, append(data, text...), len(v)
	}
	return 0, nil, -1
}

// ranking decodes the answer of placement.rank.
func ranking(out []byte, count int) ([]Ranked, error) {
	if len(out) > 0 && out[0] == '{' {
		var d gowanus.Decision
		if err := json.Unmarshal(out, &d); err != nil {
			return nil, fmt.Errorf("decode answer: %w", err)
		}
		if d.Error == nil {
			return nil, fmt.Errorf("the answer is neither a ranking nor an error: %.100s", out)
		}
		return nil, d.Error
	}
	if len(out) < 32 || string(out[:4]) != "GWPR" {
		return nil, fmt.Errorf("the answer does not start with GWPR")
	}
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(out[at:])) }
	if u32(8) != count || u32(28) != len(out) {
		return nil, fmt.Errorf("the answer ranks %d hosts in %d bytes, expected %d hosts in %d bytes", u32(8), u32(28), count, len(out))
	}
	ranked := make([]Ranked, count)
	for i := range ranked {
		ranked[i].Score = math.Float64frombits(binary.LittleEndian.Uint64(out[u32(16)+8*i:]))
		if k := int(binary.LittleEndian.Uint16(out[u32(20)+2*i:])); k > 0 {
			at := u32(24) + 8*(k-1)
			ranked[i].Reason = string(out[u32(at) : u32(at)+u32(at+4)])
		}
	}
	return ranked, nil
}
