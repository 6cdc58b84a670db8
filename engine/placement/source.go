package placement

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
)

// The columns that there are, beside LabelPrefix with the name of a label.
const (
	ID             = "id"
	Name           = "name"
	Address        = "address"
	Up             = "up"
	Containers     = "containers"
	AppMembers     = "app.members"
	AppSiblings    = "app.siblings"
	CPUCores       = "cpu.cores"
	CPUUsed        = "cpu.used"
	CPUReserved    = "cpu.reserved"
	MemoryTotal    = "memory.total"
	MemoryUsed     = "memory.used"
	MemoryFree     = "memory.free"
	MemoryReserved = "memory.reserved"
	Latitude       = "latitude"
	Longitude      = "longitude"
	Entities       = "entities"
	EntityIDs      = "entity.ids"
	EntityNames    = "entity.names"
	EntityTypes    = "entity.types"
	EntityApps     = "entity.applications"
	LabelPrefix    = "label:"
)

// Resident is an entity that has a place on a host.
type Resident struct {
	hook.Ref
	Parent string // the id of its parent
	Host   string
	Memory int64   // bytes that it reserved
	CPUs   float64 // processors, likewise
}

// Columns gives the names of all columns, with "label:KEY" for those of
// labels.
func Columns() []string {
	return []string{
		ID, Name, Address, Up, Containers, AppMembers, AppSiblings, CPUCores, CPUUsed, CPUReserved, MemoryTotal, MemoryUsed,
		MemoryFree, MemoryReserved, Latitude, Longitude, Entities, EntityIDs, EntityNames, EntityTypes, EntityApps, LabelPrefix + "KEY",
	}
}

// Measured tells whether any of the columns has to be measured on the hosts.
func Measured(columns []string) bool {
	for _, name := range columns {
		if name == CPUUsed || name == MemoryUsed || name == MemoryFree {
			return true
		}
	}
	return false
}

// newColumn makes an empty column that knows where its values come from; nil
// for a name that there is none of.
func newColumn(name string) *column {
	if key, ok := strings.CutPrefix(name, LabelPrefix); ok {
		return hostText(func(h *location.Host) string { return h.Labels[key] })
	}
	switch name {
	case ID:
		return hostText(func(h *location.Host) string { return h.ID })
	case Name:
		return hostText(func(h *location.Host) string { return h.Name })
	case Address:
		return hostText(func(h *location.Host) string { return h.Address })
	case Up:
		return &column{typ: typeBitmap, host: func(c *column, row int32, h *location.Host) { c.bits[row] = h.Up }}
	case CPUCores:
		return hostFloat(func(h *location.Host) float64 { return size(h.CPUs) })
	case MemoryTotal:
		return hostFloat(func(h *location.Host) float64 { return size(float64(h.Memory)) })
	case CPUUsed:
		return usage(func(_ *location.Host, u *location.Usage) float64 { return u.CPU })
	case MemoryUsed:
		return usage(func(_ *location.Host, u *location.Usage) float64 { return float64(u.Memory) })
	case MemoryFree:
		return usage(func(h *location.Host, u *location.Usage) float64 {
			return size(float64(h.Memory)) - float64(u.Memory)
		})
	case Latitude:
		return hostFloat(func(h *location.Host) float64 { return degrees(h.Labels[Latitude], 90) })
	case Longitude:
		return hostFloat(func(h *location.Host) float64 { return degrees(h.Labels[Longitude], 180) })
	}
	return newSeatColumn(name)
}

func hostText(of func(*location.Host) string) *column {
	return &column{typ: typeString, host: func(c *column, row int32, h *location.Host) { c.setText(row, of(h)) }}
}

func hostFloat(of func(*location.Host) float64) *column {
	return &column{typ: typeFloat64, host: func(c *column, row int32, h *location.Host) { c.setFloat(row, of(h)) }}
}

func usage(of func(*location.Host, *location.Usage) float64) *column {
	return hostFloat(func(h *location.Host) float64 {
		if h.Usage == nil {
			return math.NaN()
		}
		return of(h, h.Usage)
	})
}

// size makes what is not known, 0, no value.
func size(n float64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return n
}

// degrees reads a latitude or longitude; NaN for what is none.
func degrees(text string, most float64) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(v) > most {
		return math.NaN()
	}
	return v
}

// newSeatColumn is newColumn for what depends on who is on a host.
func newSeatColumn(name string) *column {
	switch name {
	case Containers:
		return seatFloat(func(list []*seat) float64 { return float64(len(list)) })
	case CPUReserved:
		return seatFloat(func(list []*seat) (sum float64) {
			for _, s := range list {
				sum += s.CPUs
			}
			return sum
		})
	case MemoryReserved:
		return seatFloat(func(list []*seat) (sum float64) {
			for _, s := range list {
				sum += float64(s.Memory)
			}
			return sum
		})
	case Entities:
		return &column{typ: typeString, seats: func(c *column, row int32, list []*seat) { c.setText(row, documents(list)) }}
	case EntityIDs:
		return lines(func(s *seat) string { return s.ID })
	case EntityNames:
		return lines(func(s *seat) string { return s.Name })
	case EntityTypes:
		return lines(func(s *seat) string { return s.Type })
	case EntityApps:
		return lines(func(s *seat) string { return s.Application })
	}
	return nil
}

func seatFloat(of func([]*seat) float64) *column {
	return &column{typ: typeFloat64, seats: func(c *column, row int32, list []*seat) { c.setFloat(row, of(list)) }}
}

// lines makes a column with a line for each entity on a host.
func lines(of func(*seat) string) *column {
	return &column{typ: typeString, seats: func(c *column, row int32, list []*seat) {
		if len(list) == 1 {
			c.setText(row, oneLine(of(list[0])))
			return
		}
		var b strings.Builder
		for i, s := range list {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(oneLine(of(s)))
		}
		c.setText(row, b.String())
	}}
}

func oneLine(text string) string {
	if strings.Contains(text, "\n") {
		return strings.ReplaceAll(text, "\n", " ")
	}
	return text
}

// documents gives who is on a host as JSON, "" for nobody.
func documents(list []*seat) string {
	if len(list) == 0 {
		return ""
	}
	refs := make([]hook.Ref, len(list))
	for i, s := range list {
		refs[i] = s.Ref
	}
	text, err := json.Marshal(refs)
	if err != nil { // texts can always be written
		return ""
	}
	return string(text)
}
