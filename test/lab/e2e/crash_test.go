//go:build lab

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/test/lab"
)

// settled restarts the server on the data of one that was killed, waits until
// each application is up, deletes it, and makes sure on the way that nothing
// was lost, doubled or orphaned.
func settled(t *testing.T, l *lab.Lab, data string, services int, acknowledged bool) {
	t.Helper()
	s := lab.Serve(t, lab.Config{DataDir: data})
	defer s.Stop(t)
	var apps []member
	s.MustCall(t, "GET", "/v1/applications", nil, &apps)
	if acknowledged && len(apps) != 1 {
		t.Fatalf("%d applications after the restart, one was acknowledged", len(apps))
	}
	known := map[string]bool{}
	for _, app := range apps {
		eventually(t, "the application runs", func() error {
			if state := sensor(t, s, app.ID, app.ID, "service.state"); state != "RUNNING" {
				return fmt.Errorf("it is %v", state)
			}
			return nil
		})
		ids := children(t, s, app.ID)
		if len(ids) != services {
			t.Errorf("%d services, want %d", len(ids), services)
		}
		_, byEntity := labelled(t, l)
		for name, id := range ids {
			known[id] = true
			if byEntity[id] != 1 {
				t.Errorf("%s has %d containers", name, byEntity[id])
			}
		}
	}
	_, byEntity := labelled(t, l)
	for entity, n := range byEntity {
		if !known[entity] {
			t.Errorf("%d orphaned containers of %s", n, entity)
		}
	}
	for _, app := range apps {
		remove(t, s, app.ID)
	}
	nothingLeft(t, l)
}

// attempt deploys on a server that is going to die, and tells whether the
// deployment was acknowledged before it did.
func attempt(s *lab.Server, blueprint string) (acknowledged bool) {
	_, err := s.Call("POST", "/v1/applications", blueprint, nil)
	return err == nil
}

const crashed = 3 // services of the applications that crashes interrupt

// points gives the names of all failpoints that a deployment and a deletion
// pass.
func points(t *testing.T, l *lab.Lab) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "points")
	s := lab.Serve(t, lab.Config{Env: map[string]string{"GOWANUS_FAILPOINTS": "record=" + file}})
	remove(t, s, running(t, s, sleepers(crashed, "")))
	s.Stop(t)
	nothingLeft(t, l)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// The server is killed at every point before and after something that acts:
// in a deployment, and where that passes without meeting it, in a deletion.
func TestKillAtEveryPoint(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	all := points(t, l)
	if len(all) < 10 {
		t.Fatalf("only %d points: %v", len(all), all)
	}
	for _, point := range all {
		t.Run(point, func(t *testing.T) {
			data := t.TempDir()
			s := lab.Serve(t, lab.Config{DataDir: data, Env: map[string]string{"GOWANUS_FAILPOINTS": point + hit(point)}})
			a, acknowledged := activity{}, false
			if _, err := s.Call("POST", "/v1/applications", sleepers(crashed, ""), &a); err == nil {
				acknowledged = true
			}
			if acknowledged && !dead(s, a.ID) {
				s.Call("DELETE", "/v1/applications/"+a.EntityID, nil, nil) // it may die of this
				select {
				case <-s.Ended():
				case <-time.After(5 * time.Second):
					s.Kill()
				}
				finishDeletion(t, l, data)
				return
			}
			settled(t, l, data, crashed, acknowledged)
		})
	}
}

// hit says at which pass of a point the server dies: where several entities
// pass, in the middle of them.
func hit(point string) string {
	if strings.HasPrefix(point, "engine.") || strings.Contains(point, ".network.") {
		return "=kill"
	}
	return "=2*kill"
}

// dead waits until the start has ended or the server died, and tells which.
func dead(s *lab.Server, id string) bool {
	for {
		var a activity
		if _, err := s.Call("GET", "/v1/activities/"+id+"?timeout=1s", nil, &a); err != nil {
			<-s.Ended()
			return true
		}
		if a.EndTimeUtc != nil {
			return false
		}
	}
}

// finishDeletion restarts a server that died while it deleted an application
// and waits until that is gone.
func finishDeletion(t *testing.T, l *lab.Lab, data string) {
	t.Helper()
	s := lab.Serve(t, lab.Config{DataDir: data})
	defer s.Stop(t)
	eventually(t, "the deletion is finished", func() error {
		var apps []member
		s.MustCall(t, "GET", "/v1/applications", nil, &apps)
		if len(apps) > 0 {
			return fmt.Errorf("%v is still there", apps)
		}
		return nil
	})
	nothingLeft(t, l)
}

// The server is killed at random moments of ten deployments.
func TestKillAtRandomMoments(t *testing.T) {
	l := lab.Up(t)
	l.Load(t, lab.Sleeper)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 10 {
		after := time.Duration(random.IntN(1500)) * time.Millisecond
		t.Run(fmt.Sprintf("%d after %s", i, after), func(t *testing.T) {
			data := t.TempDir()
			s := lab.Serve(t, lab.Config{DataDir: data})
			done := make(chan bool, 1)
			go func() { done <- attempt(s, sleepers(6, "")) }()
			time.Sleep(after) // the random moment is the point of the test
			s.Kill()
			settled(t, l, data, 6, <-done)
		})
	}
}
