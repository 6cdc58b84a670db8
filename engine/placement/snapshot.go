package placement

import (
	"math"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// The columns that a Snapshot has, or can be given.
const (
	ID          = "id"
	Name        = "name"
	Address     = "address"
	Up          = "up"
	Containers  = "containers"
	AppMembers  = "app.members"
	AppSiblings = "app.siblings"
	CPUCores    = "cpu.cores"
	CPUUsed     = "cpu.used"
	MemoryTotal = "memory.total"
	MemoryUsed  = "memory.used"
	MemoryFree  = "memory.free"
	Latitude    = "latitude"
	Longitude   = "longitude"
	Entities    = "entities"
	labelPrefix = "label:"
)

// Snapshot is what is known of the hosts of a location, as columns with one
// value per host, in the order in which the location lists the hosts. It is
// for one goroutine at a time.
type Snapshot struct {
	hosts   []location.Host
	columns map[string]*column // given, or made from hosts when first asked for
}

// NewSnapshot makes a Snapshot of hosts. It has the columns that follow from
// location.Host: id, name, address, up, cpu.cores, memory.total and label:KEY.
// The hosts are not copied.
func NewSnapshot(hosts []location.Host) *Snapshot {
	return &Snapshot{hosts: hosts, columns: map[string]*column{}}
}

// Len gives the number of hosts.
func (s *Snapshot) Len() int { return len(s.hosts) }

// Host gives the host of a row.
func (s *Snapshot) Host(row int) location.Host { return s.hosts[row] }

// SetFloats gives or replaces a column of numbers, one per host; NaN stands
// for a host without a value. The values are not copied. A wrong number of
// them is fault.Internal.
func (s *Snapshot) SetFloats(name string, values []float64) error {
	return s.set(name, len(values), &column{typ: typeFloat64, floats: values})
}

// SetStrings gives or replaces a column of texts, one per host; "" stands for
// a host without a value. The values are not copied. A wrong number of them is
// fault.Internal.
func (s *Snapshot) SetStrings(name string, values []string) error {
	return s.set(name, len(values), &column{typ: typeString, texts: values})
}

func (s *Snapshot) set(name string, n int, c *column) error {
	if n != len(s.hosts) {
		return fault.New(fault.Internal, "column %s has %d values for %d hosts", name, n, len(s.hosts))
	}
	s.columns[name] = c
	return nil
}

// SetLeases fills the columns containers and app.members from the leases of
// the location. Leases on hosts that it does not list are not counted.
func (s *Snapshot) SetLeases(leases []location.Lease, application string) {
	rows := make(map[string]int, len(s.hosts))
	for i := range s.hosts {
		rows[s.hosts[i].ID] = i
	}
	all, members := make([]float64, len(s.hosts)), make([]float64, len(s.hosts))
	for i := range leases {
		row, ok := rows[leases[i].Host]
		if !ok {
			continue
		}
		all[row]++
		if leases[i].Application == application {
			members[row]++
		}
	}
	s.columns[Containers] = &column{typ: typeFloat64, floats: all}
	s.columns[AppMembers] = &column{typ: typeFloat64, floats: members}
}

// column gives a column, or nil when no host has a value for it.
func (s *Snapshot) column(name string) *column {
	c, ok := s.columns[name]
	if !ok {
		c = s.derive(name)
		s.columns[name] = c
	}
	return c
}

// derive makes a column of what location.Host tells.
func (s *Snapshot) derive(name string) *column {
	switch name {
	case ID:
		return s.texts(func(h *location.Host) string { return h.ID })
	case Name:
		return s.texts(func(h *location.Host) string { return h.Name })
	case Address:
		return s.texts(func(h *location.Host) string { return h.Address })
	case CPUCores:
		return s.floats(func(h *location.Host) float64 { return h.CPUs })
	case MemoryTotal:
		return s.floats(func(h *location.Host) float64 { return float64(h.Memory) })
	case Up:
		c := &column{typ: typeBitmap, bits: make([]bool, len(s.hosts))}
		for i := range s.hosts {
			c.bits[i] = s.hosts[i].Up
		}
		return c
	}
	if key, ok := strings.CutPrefix(name, labelPrefix); ok {
		return s.texts(func(h *location.Host) string { return h.Labels[key] })
	}
	return nil
}

func (s *Snapshot) texts(of func(*location.Host) string) *column {
	c := &column{typ: typeString, texts: make([]string, len(s.hosts))}
	known := false
	for i := range s.hosts {
		c.texts[i] = of(&s.hosts[i])
		known = known || c.texts[i] != ""
	}
	if !known {
		return nil
	}
	return c
}

// floats makes a column of sizes, where 0 means that the size is not known.
func (s *Snapshot) floats(of func(*location.Host) float64) *column {
	c := &column{typ: typeFloat64, floats: make([]float64, len(s.hosts))}
	known := false
	for i := range s.hosts {
		if c.floats[i] = of(&s.hosts[i]); c.floats[i] == 0 {
			c.floats[i] = math.NaN()
			continue
		}
		known = true
	}
	if !known {
		return nil
	}
	return c
}

// name gives the name of a host that users know it by.
func (s *Snapshot) name(row int) string {
	if h := &s.hosts[row]; h.ID != "" {
		return h.ID
	}
	return s.hosts[row].Name
}

// up gives the rows of the hosts that are up, and of those that are not.
func (s *Snapshot) up() (rows, down []int32) {
	rows = make([]int32, 0, len(s.hosts))
	for i := range s.hosts {
		if s.hosts[i].Up {
			rows = append(rows, int32(i))
		} else {
			down = append(down, int32(i))
		}
	}
	return slices.Clip(rows), down
}
