package placement

import (
	"math"

	"github.com/gowanus-project/gowanus/engine/location"
)

// maxColumns bounds the columns that a Table keeps. Blueprints may ask for
// labels of any name; above it those kept so far are made anew when they are
// wanted.
const maxColumns = 256

// Table knows the hosts of a location and who has a place on which, and keeps
// both as columns: a change costs what it changes, and a choice only what its
// strategies read. It is for one goroutine at a time.
type Table struct {
	hosts   []location.Host
	rows    map[string]int32 // of hosts, by id
	columns map[string]*column

	seats map[string]*seat            // by entity
	apps  map[string]map[string]*seat // by application and entity
	at    [][]*seat                   // by row, in the order in which they came
}

// seat is a Resident where it is.
type seat struct {
	Resident
	row   int32 // -1: the location does not list the host
	moved bool  // used while rows change
}

// NewTable gives a Table without hosts.
func NewTable() *Table {
	return &Table{rows: map[string]int32{}, columns: map[string]*column{}, seats: map[string]*seat{}, apps: map[string]map[string]*seat{}}
}

// SetHosts tells what the hosts are like now, in the order in which the
// location lists them. The Table keeps the slice.
func (t *Table) SetHosts(hosts []location.Host) {
	before := t.hosts
	t.hosts = hosts
	if !sameHosts(before, hosts) {
		t.reorder()
		return
	}
	for i := range hosts {
		if hosts[i].Revision != 0 && hosts[i].Revision == before[i].Revision {
			continue
		}
		for _, c := range t.columns {
			if c.host != nil {
				c.host(c, int32(i), &hosts[i])
			}
		}
	}
}

func sameHosts(a, b []location.Host) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

// reorder finds everybody's row after hosts came, went or moved.
func (t *Table) reorder() {
	clear(t.columns)
	t.rows = make(map[string]int32, len(t.hosts))
	for i := range t.hosts {
		t.rows[t.hosts[i].ID] = int32(i)
	}
	old := t.at
	t.at = make([][]*seat, len(t.hosts))
	placed := func(s *seat) {
		if s.row = t.row(s.Host); s.row >= 0 {
			t.at[s.row] = append(t.at[s.row], s)
		}
	}
	for _, list := range old {
		for _, s := range list {
			placed(s)
			s.moved = true
		}
	}
	for _, s := range t.seats {
		if !s.moved {
			placed(s)
		}
		s.moved = false
	}
}

func (t *Table) row(host string) int32 {
	if row, ok := t.rows[host]; ok {
		return row
	}
	return -1
}

// Seat records that an entity has a place, or what changed about it.
func (t *Table) Seat(r Resident) {
	if s := t.seats[r.ID]; s != nil {
		if s.Host == r.Host && s.Application == r.Application {
			s.Resident = r
			t.changed(s.row)
			return
		}
		t.Leave(r.ID)
	}
	s := &seat{Resident: r, row: t.row(r.Host)}
	t.seats[r.ID] = s
	app := t.apps[r.Application]
	if app == nil {
		app = map[string]*seat{}
		t.apps[r.Application] = app
	}
	app[r.ID] = s
	if s.row >= 0 {
		t.at[s.row] = append(t.at[s.row], s)
		t.changed(s.row)
	}
}

// Leave records that an entity has no place any more.
func (t *Table) Leave(entity string) {
	s := t.seats[entity]
	if s == nil {
		return
	}
	delete(t.seats, entity)
	app := t.apps[s.Application]
	if delete(app, entity); len(app) == 0 {
		delete(t.apps, s.Application)
	}
	if s.row < 0 {
		return
	}
	list := t.at[s.row]
	for i := range list {
		if list[i] == s {
			t.at[s.row] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	t.changed(s.row)
}

// Rename records the present name of an entity, if it has a place.
func (t *Table) Rename(entity, name string) {
	if s := t.seats[entity]; s != nil && s.Name != name {
		s.Name = name
		t.changed(s.row)
	}
}

// Len gives how many have a place.
func (t *Table) Len() int { return len(t.seats) }

// changed brings the columns up to date with who is on a host.
func (t *Table) changed(row int32) {
	if row < 0 {
		return
	}
	for _, c := range t.columns {
		if c.seats != nil {
			c.seats(c, row, t.at[row])
		}
	}
}

// Snapshot gives the hosts as they are for an entity of an application, by id,
// whose parent is the given one. It holds until the Table changes.
func (t *Table) Snapshot(application, parent string) *Snapshot {
	return &Snapshot{table: t, hosts: t.hosts, application: application, parent: parent}
}

// column gives a column, or nil when no host has a value for it.
func (t *Table) column(name string) *column {
	c, kept := t.columns[name]
	if !kept {
		if c = newColumn(name); c == nil {
			return nil
		}
		c.grow(len(t.hosts))
		for i := range t.hosts {
			if c.host != nil {
				c.host(c, int32(i), &t.hosts[i])
			} else {
				c.seats(c, int32(i), t.at[i])
			}
		}
		if len(t.columns) >= maxColumns {
			clear(t.columns)
		}
		t.columns[name] = c
	}
	if c.known == 0 {
		return nil
	}
	return c
}

// members counts, per host, who is there of an application; of siblings only
// those whose parent is the given one.
func (t *Table) members(application, parent string, siblings bool) *column {
	c := &column{typ: typeFloat64, floats: make([]float64, len(t.hosts)), known: 1}
	for _, s := range t.apps[application] {
		if s.row >= 0 && (!siblings || s.Parent == parent) {
			c.floats[s.row]++
		}
	}
	return c
}

// grow makes room for n hosts without values.
func (c *column) grow(n int) {
	switch c.typ {
	case typeFloat64:
		c.floats = make([]float64, n)
		for i := range c.floats {
			c.floats[i] = math.NaN()
		}
	case typeBitmap:
		c.bits, c.known = make([]bool, n), 1 // always sent: false is a value too
	case typeString:
		c.texts = make([]string, n)
	}
}

func (c *column) setFloat(row int32, v float64) {
	if was, is := !math.IsNaN(c.floats[row]), !math.IsNaN(v); was != is {
		c.count(is)
	}
	c.floats[row] = v
}

func (c *column) setText(row int32, v string) {
	if was, is := c.texts[row] != "", v != ""; was != is {
		c.count(is)
	}
	if c.texts[row] != v {
		c.texts[row], c.packed = v, nil
	}
}

func (c *column) count(more bool) {
	if more {
		c.known++
	} else {
		c.known--
	}
}
