package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

func provisioningType() gowanus.Type {
	return strategy("provisioning-flags", "host.ProvisioningFlagsPlacementStrategy", provisioning, gowanus.Type{
		Description: "refuses hosts with too little memory or too few processors beside what others reserved",
		Columns:     []string{"cpu.cores", "cpu.reserved", "memory.total", "memory.reserved"},
		Config: []gowanus.ConfigKey{
			{Name: "minRam", Type: "any", Description: "memory that is needed: a number of megabytes, or text such as 4g"},
			{Name: "minCores", Type: "double", Description: "processors that are needed"},
		},
	})
}

// megabyte is the unit of minRam, as of a container's memory limit.
const megabyte = 1 << 20

// provisioning compares as Clocker did: a host must have more than is needed,
// so that something is left for itself.
func provisioning(in *gowanus.Hosts, out *gowanus.Ranking) {
	ram, err := readMemory(in.Config["minRam"])
	if err != nil {
		invalid(out, "minRam", "minRam: "+err.Error())
		return
	}
	cores := in.Config.Float("minCores")
	if cores < 0 {
		invalid(out, "minCores", "minCores: expected 0 or more, got "+number(cores))
		return
	}
	room{
		need: math.Max(cores, in.Demand.Float("cpus")), total: in.Float64s("cpu.cores"), reserved: in.Float64s("cpu.reserved"),
		of: "processors", write: func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) },
	}.check(in.Len(), out)
	room{
		need: math.Max(ram, in.Demand.Float("memory")), total: in.Float64s("memory.total"), reserved: in.Float64s("memory.reserved"),
		of: "memory", write: func(n float64) string { return strconv.FormatFloat(math.Floor(n/megabyte), 'f', -1, 64) + " MB" },
	}.check(in.Len(), out)
}

// room is what hosts have of one resource, and what is needed of it.
type room struct {
	need            float64
	total, reserved []float64
	of              string
	write           func(float64) string
}

func (r room) check(hosts int, out *gowanus.Ranking) {
	if r.need == 0 {
		return
	}
	scores := out.Scores()
	for i := range hosts {
		if scores[i] != scores[i] {
			continue // refused for something else already
		}
		total, reserved := math.NaN(), 0.0
		if r.total != nil {
			total = r.total[i]
		}
		if r.reserved != nil {
			reserved = count(r.reserved[i])
		}
		switch {
		case total != total:
			out.Refuse(i, "how much "+r.of+" it has is not known")
		case total-reserved <= r.need:
			out.Refuse(i, r.write(reserved)+" of "+r.write(total)+" "+r.of+" reserved, more than "+r.write(r.need)+" must be free")
		}
	}
}

var memoryUnits = map[string]float64{"": megabyte, "b": 1, "k": 1 << 10, "m": megabyte, "g": 1 << 30, "t": 1 << 40}

// readMemory gives bytes: of a number of megabytes, or of text with a unit.
func readMemory(v any) (float64, error) {
	var n float64
	switch x := v.(type) {
	case nil:
		return 0, nil
	case float64:
		n = x * megabyte
	case string:
		text := strings.ToLower(strings.TrimSpace(x))
		digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz ")
		unit := strings.TrimSpace(text[len(digits):])
		if unit != "b" {
			unit = strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")
		}
		size, known := memoryUnits[unit]
		number, err := strconv.ParseFloat(digits, 64)
		if err != nil || !known {
			return 0, errors.New("expected megabytes, or text such as 512m or 4g, got " + display(v))
		}
		n = number * size
	default:
		return 0, errors.New("expected megabytes, or text such as 512m or 4g, got " + display(v))
	}
	if !(n >= 0) || math.IsInf(n, 0) {
		return 0, errors.New("expected 0 or more, got " + display(v))
	}
	return n, nil
}
