package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

const blueprint = `
name: sleepers
location: localhost
services:
- {type: vanilla-software-process, id: a, launch.command: exec sleep 1000}
- {type: vanilla-software-process, id: b, launch.command: exec sleep 1000, customize.command: "true"}
- type: vanilla-software-process
  id: c
  launch.command: exec sleep 1000
  shell.env: {A: '$brooklyn:component("a").attributeWhenReady("pid")'}
`

const services = 3

// settled starts a server on the data of one that died and makes sure that
// nothing was lost, doubled or orphaned; then it deletes what is there.
func settled(t *testing.T, data string, acknowledged bool) {
	t.Helper()
	s := serve(t, data, "")
	apps := s.applications(t)
	if acknowledged && len(apps) != 1 {
		t.Fatalf("%d applications, one was acknowledged", len(apps))
	}
	known := map[string]bool{}
	for _, app := range apps {
		eventually(t, "the application runs", func() error {
			if state := s.sensor(app.ID, app.ID, "service.state"); state != "RUNNING" {
				return fmt.Errorf("it is %v", state)
			}
			return nil
		})
		var children []named
		s.must(t, "GET", "/v1/applications/"+app.ID+"/entities/"+app.ID+"/children", "", &children)
		live := processes(t, data)
		for _, c := range children {
			known[c.ID] = true
			if len(live[c.ID]) != 1 {
				t.Errorf("%s runs as %v", c.Name, live[c.ID])
			}
		}
		if len(children) != services {
			t.Errorf("%d services, want %d", len(children), services)
		}
	}
	for entity, pids := range processes(t, data) {
		if !known[entity] {
			t.Errorf("orphans of %s: %v", entity, pids)
		}
	}
	for _, app := range apps {
		var a activity
		s.must(t, "DELETE", "/v1/applications/"+app.ID, "", &a)
		if done, alive := s.finished(a.ID); !alive || done.IsError {
			t.Errorf("delete: %v", done.Result)
		}
	}
	nothingLeft(t, data)
	s.stop(t)
}

func nothingLeft(t *testing.T, data string) {
	t.Helper()
	if live := processes(t, data); len(live) > 0 {
		t.Errorf("processes are left: %v", live)
	}
	dirs, err := filepath.Glob(filepath.Join(data, "processes", "*", "*.log"))
	if err != nil || len(dirs) > 0 {
		t.Errorf("run directories are left: %v %v", dirs, err)
	}
}

// points gives the names of all failpoints that a deployment and a deletion
// pass.
func points(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "points")
	s := serve(t, t.TempDir(), "record="+file)
	var a activity
	s.must(t, "POST", "/v1/applications", blueprint, &a)
	s.finished(a.ID)
	s.must(t, "DELETE", "/v1/applications/"+a.EntityID, "", &a)
	s.finished(a.ID)
	s.stop(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func TestKillAtEveryPoint(t *testing.T) {
	all := points(t)
	if len(all) < 10 {
		t.Fatalf("only %d points: %v", len(all), all)
	}
	for _, point := range all {
		for _, pass := range []string{"=kill", "=2*kill"} {
			if pass == "=2*kill" && strings.HasPrefix(point, "engine.") {
				continue // passed once
			}
			t.Run(point+pass, func(t *testing.T) {
				t.Parallel()
				killAt(t, point+pass)
			})
		}
	}
}

// killAt lets the server die of a failpoint: in a deployment or, if that does
// not pass it, in the deletion.
func killAt(t *testing.T, failpoint string) {
	data := t.TempDir()
	s := serve(t, data, failpoint)
	var a activity
	acknowledged := s.call("POST", "/v1/applications", blueprint, &a) == nil
	if acknowledged {
		if _, alive := s.finished(a.ID); alive {
			finishDeletion(t, s, data, a.EntityID)
			return
		}
	}
	settled(t, data, acknowledged)
}

// finishDeletion deletes on a server that may die of it; the next one has to
// finish what was acknowledged.
func finishDeletion(t *testing.T, s *server, data, app string) {
	t.Helper()
	var a activity
	if s.call("DELETE", "/v1/applications/"+app, "", &a) == nil {
		if _, alive := s.finished(a.ID); alive {
			s.kill()
		}
	}
	<-s.ended
	next := serve(t, data, "")
	eventually(t, "the deletion is finished", func() error {
		if apps := next.applications(t); len(apps) > 0 {
			return fmt.Errorf("%v is there", apps)
		}
		return nil
	})
	nothingLeft(t, data)
	next.stop(t)
}

func TestKillAtRandomMoments(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 10 {
		after := time.Duration(random.IntN(500)) * time.Millisecond
		t.Run(fmt.Sprintf("%d after %s", i, after), func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			s := serve(t, data, "")
			acknowledged := make(chan bool, 1)
			go func() { acknowledged <- s.call("POST", "/v1/applications", blueprint, nil) == nil }()
			time.Sleep(after) // the random moment is the point of the test
			s.kill()
			settled(t, data, <-acknowledged)
		})
	}
}

// A server that is asked to stop in the middle of a deployment leaves what
// runs, and the next one goes on.
func TestStopInTheMiddle(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "process.start.held=sleep(300ms)")
	s.must(t, "POST", "/v1/applications", blueprint, nil)
	s.stop(t)
	settled(t, data, true)
}

// Idle servers may die as often as they like: the processes stay the same.
func TestAdoption(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "")
	var a activity
	s.must(t, "POST", "/v1/applications", blueprint, &a)
	if done, alive := s.finished(a.ID); !alive || done.IsError {
		t.Fatalf("start: %v", done.Result)
	}
	before := processes(t, data)
	for range 3 {
		s.kill()
		s = serve(t, data, "")
	}
	if after := processes(t, data); !reflect.DeepEqual(before, after) {
		t.Errorf("processes %v became %v", before, after)
	}
	var start activity
	s.must(t, "GET", "/v1/activities/"+a.ID, "", &start)
	if start.IsError || start.EndTimeUtc == nil {
		t.Errorf("the start is remembered as %+v", start)
	}
	s.kill()
	settled(t, data, true)
}

// A policy that was added, changed or removed is so when the answer has come,
// whenever the server dies after it.
func TestPoliciesSurvive(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "")
	var a activity
	s.must(t, "POST", "/v1/applications", "services: [{type: basic-startable}]", &a)
	at := "/v1/applications/" + a.EntityID + "/entities/" + a.EntityID
	die := func() {
		t.Helper()
		s.kill()
		s = serve(t, data, "")
	}
	there := func(want string) {
		t.Helper()
		var list []struct {
			Name, State string
			Config      map[string]any
		}
		s.must(t, "GET", at+"/adjuncts", "", &list)
		var got []string
		for _, one := range list {
			s.must(t, "GET", at+"/adjuncts/"+one.Name, "", &one)
			got = append(got, fmt.Sprint(one.Name, " ", one.State, " ", one.Config["period"]))
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("there are %s, want %s", text, want)
		}
	}
	s.must(t, "POST", at+"/policies?type=workflow-policy&name=tick", `{"period": "1h", "steps": ["no-op"]}`, nil)
	die()
	there("tick RUNNING 1h")
	s.must(t, "POST", at+"/policies/tick/config/period", `"2h"`, nil)
	die()
	there("tick RUNNING 2h")
	s.must(t, "POST", at+"/policies/tick/stop", "", nil)
	s.must(t, "POST", at+"/policies/tick/config/period", `"3h"`, nil)
	die()
	there("tick STOPPED 3h")
	s.must(t, "POST", at+"/policies/tick/start", "", nil)
	die()
	there("tick RUNNING 3h")
	s.must(t, "DELETE", at+"/policies/tick", "", nil)
	die()
	there("")
	s.stop(t)
}

// What dies while nobody looks is seen afterwards.
func TestDiedMeanwhile(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data, "")
	var a activity
	s.must(t, "POST", "/v1/applications", blueprint, &a)
	s.finished(a.ID)
	s.kill()
	for _, pids := range processes(t, data) {
		for _, pid := range pids {
			var n int
			if _, err := fmt.Sscan(pid, &n); err != nil || syscall.Kill(n, syscall.SIGKILL) != nil {
				t.Fatalf("kill %s: %v", pid, err)
			}
		}
	}
	s = serve(t, data, "")
	eventually(t, "the application is on fire", func() error {
		if state := s.sensor(a.EntityID, a.EntityID, "service.state"); state != "ON_FIRE" {
			return fmt.Errorf("it is %v", state)
		}
		return nil
	})
	var del activity
	s.must(t, "DELETE", "/v1/applications/"+a.EntityID, "", &del)
	s.finished(del.ID)
	nothingLeft(t, data)
}

func TestOneServerPerDataDirectory(t *testing.T) {
	data := t.TempDir()
	serve(t, data, "")
	out, err := secondServer(data)
	if err == nil || !strings.Contains(out, "in use") && !strings.Contains(out, "another") {
		t.Errorf("a second server: %v, %s", err, out)
	}
}
