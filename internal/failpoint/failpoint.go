// Package failpoint lets a test kill, delay or fail a running server at named
// points of its code.
//
// Code marks a point where a crash is interesting, usually on both sides of
// something that acts on the outside:
//
//	if err := failpoint.Hit("docker.create.before"); err != nil {
//		return err
//	}
//
// A name is the package, the act and the side, joined by dots. A point that
// cannot fail may ignore the error. Unless Enable was called, a hit costs one
// load of a nil pointer.
//
// The server's main calls Enable once with the environment variable
// GOWANUS_FAILPOINTS, a list of what shall happen where:
//
//	docker.create.before=kill       SIGKILL to the own process
//	docker.create.before=3*kill     the same at the third hit only
//	store.commit=error              Hit returns an error
//	store.commit=error(disk gone)   the same with this text
//	store.commit=sleep(100ms)       Hit returns after 100 ms
//	store.commit=pause              Hit returns after Resume, or never
//	record=FILE                     append the name of each point to FILE when it is first hit
//
// Without a count it happens at every hit. A test of crashes runs once with
// record to learn which points there are, and then once for each with kill.
package failpoint

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Env names the environment variable that a server's main gives to Enable.
const Env = "GOWANUS_FAILPOINTS"

// active is nil unless Enable was called with something to do. It is global
// because the points are spread over all packages and must cost nothing.
var active atomic.Pointer[set]

// set is what Enable was told, and what was hit since.
type set struct {
	actions map[string][]action
	record  *os.File

	mu      sync.Mutex
	hits    map[string]int
	resumed chan struct{}
}

// Enable makes the points of spec act, in place of what an earlier call said.
// An empty spec makes none act. It fails without changing anything when the
// spec is not of the form described above.
func Enable(spec string) error {
	s, err := parse(spec)
	if err != nil {
		return err
	}
	replace(s)
	return nil
}

// Disable makes no point act, and lets go those that pause.
func Disable() { replace(nil) }

func replace(s *set) {
	old := active.Swap(s)
	if old == nil {
		return
	}
	old.resume()
	if old.record != nil {
		old.record.Close() // every name was written by itself; nothing is pending
	}
}

// Hit marks a point. It returns nil unless Enable said otherwise.
func Hit(name string) error {
	s := active.Load()
	if s == nil {
		return nil
	}
	return s.hit(name)
}

// Resume lets go the points that pause now. Later hits pause again.
func Resume() {
	if s := active.Load(); s != nil {
		s.resume()
	}
}

// Names lists the points that were hit since Enable, sorted.
func Names() []string {
	s := active.Load()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.hits))
	for name := range s.hits {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Hits tells how often a point was hit since Enable.
func Hits(name string) int {
	s := active.Load()
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[name]
}

func (s *set) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.resumed)
	s.resumed = make(chan struct{})
}

func (s *set) hit(name string) error {
	nth, resumed, err := s.count(name)
	if err != nil {
		return err
	}
	for _, a := range s.actions[name] {
		if a.nth != 0 && a.nth != nth {
			continue
		}
		if err := a.act(name, resumed); err != nil {
			return err
		}
	}
	return nil
}

// count notes the hit, in the record too when it is the point's first.
func (s *set) count(name string) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits[name]++
	nth := s.hits[name]
	if nth == 1 && s.record != nil {
		if _, err := s.record.WriteString(name + "\n"); err != nil {
			return 0, nil, fmt.Errorf("failpoint %s: record it: %w", name, err)
		}
	}
	return nth, s.resumed, nil
}

// act does what was asked for at the point.
func (a action) act(name string, resumed <-chan struct{}) error {
	switch a.verb {
	case "kill":
		return killSelf()
	case "sleep":
		time.Sleep(a.delay)
	case "pause":
		<-resumed
	case "error":
		if a.text != "" {
			return errors.New(a.text)
		}
		return fmt.Errorf("failpoint %s failed on purpose", name)
	}
	return nil
}

// killSelf returns only when the process cannot be killed.
func killSelf() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return fmt.Errorf("failpoint: find the own process: %w", err)
	}
	if err := self.Kill(); err != nil {
		return fmt.Errorf("failpoint: kill the own process: %w", err)
	}
	select {} // nothing after the point may run while the signal is on its way
}
