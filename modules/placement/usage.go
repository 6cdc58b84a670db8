package main

import (
	"math"
	"strconv"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	maxCPUKey     = "docker.container.cluster.maxCpu"
	maxMemoryKey  = "docker.container.cluster.maxMemory"
	defaultCPU    = 0.5
	defaultMemory = 0.8
)

var memoryColumns = []string{"memory.used", "memory.total"}

func shareKey(name string, def float64, description string, flags ...string) []gowanus.ConfigKey {
	return []gowanus.ConfigKey{{Name: name, Flags: flags, Type: "double", Default: def, Description: description + ", from 0 to 1"}}
}

func maxCPU(in *gowanus.Hosts, out *gowanus.Ranking) {
	limitShare(in, out, in.Float64s("cpu.used"), maxCPUKey, defaultCPU, "its processors")
}

func cpuUsage(in *gowanus.Hosts, out *gowanus.Ranking) {
	used := in.Float64s("cpu.used")
	limitShare(in, out, used, maxCPUKey, defaultCPU, "its processors")
	scores := out.Scores()
	for i, share := range used {
		if scores[i] == 0 {
			scores[i] = 0 - share
		}
	}
}

func lowestCPU(in *gowanus.Hosts, out *gowanus.Ranking) { preferLow(in.Float64s("cpu.used"), out) }

func maxMemory(in *gowanus.Hosts, out *gowanus.Ranking) {
	limitShare(in, out, memoryShares(in), maxMemoryKey, defaultMemory, "its memory")
}

func lowestMemory(in *gowanus.Hosts, out *gowanus.Ranking) { preferLow(memoryShares(in), out) }

// memoryShares gives the share of the memory that is in use on each host, nil
// when it is not known of any.
func memoryShares(in *gowanus.Hosts) []float64 {
	used, total := in.Float64s("memory.used"), in.Float64s("memory.total")
	if used == nil || total == nil {
		return nil
	}
	shares := make([]float64, len(used))
	for i := range used {
		shares[i] = used[i] / total[i]
	}
	return shares
}

// limitShare refuses hosts that use as much as the config key allows, or of
// which that is not known.
func limitShare(in *gowanus.Hosts, out *gowanus.Ranking, shares []float64, key string, limit float64, of string) {
	if in.Config.Has(key) {
		limit = in.Config.Float(key)
	}
	if !(limit > 0 && limit <= 1) {
		invalid(out, key, key+": expected a share above 0 and up to 1, got "+number(limit))
		return
	}
	if shares == nil {
		shares = make([]float64, in.Len())
		for i := range shares {
			shares[i] = math.NaN()
		}
	}
	unknown := gowanus.Reason(0)
	used := make([]gowanus.Reason, 1001) // by thousandths: thousands of hosts share these texts
	for i, share := range shares {
		switch {
		case share < limit:
		case share >= limit:
			k := int(math.Round(math.Min(share, 1) * 1000))
			if used[k] == 0 {
				used[k] = out.Reason("uses " + percent(share) + " of " + of + ", max is " + percent(limit))
			}
			out.RefuseFor(i, used[k])
		default:
			if unknown == 0 {
				unknown = out.Reason("how much it uses of " + of + " is not known")
			}
			out.RefuseFor(i, unknown)
		}
	}
}

// preferLow sorts by shares. A host of which it is not known counts as one
// that was never used, and comes first.
func preferLow(shares []float64, out *gowanus.Ranking) {
	scores := out.Scores()
	for i, share := range shares {
		if scores[i] = 0 - share; share != share {
			scores[i] = 1
		}
	}
}

// percent writes a share with at most one place behind the point.
func percent(share float64) string {
	thousandths := int64(math.Round(share * 1000))
	text := strconv.FormatInt(thousandths/10, 10)
	if tenth := thousandths % 10; tenth != 0 {
		text += "." + strconv.FormatInt(tenth, 10)
	}
	return text + "%"
}
