package placement

import (
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Snapshot is what is known of the hosts of a location at one moment, as
// columns with one value per host, in the order in which the location lists
// the hosts. It is for one goroutine at a time.
type Snapshot struct {
	table               *Table
	hosts               []location.Host
	application, parent string
	own                 map[string]*column // given, or made for this entity
}

// NewSnapshot makes a Snapshot of hosts that nobody has a place on. The hosts
// are not copied.
func NewSnapshot(hosts []location.Host) *Snapshot {
	t := NewTable()
	t.SetHosts(hosts)
	return t.Snapshot("", "")
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
	if s.own == nil {
		s.own = map[string]*column{}
	}
	s.own[name] = c
	return nil
}

// column gives a column, or nil when no host has a value for it.
func (s *Snapshot) column(name string) *column {
	if c := s.own[name]; c != nil {
		return c
	}
	if name != AppMembers && name != AppSiblings {
		return s.table.column(name)
	}
	c := s.table.members(s.application, s.parent, name == AppSiblings)
	_ = s.set(name, len(c.floats), c) // it has one for each host
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
