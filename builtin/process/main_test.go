package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// Environment of the test binary when it plays a server that gets killed.
const (
	envDir     = "PROCESS_TEST_DIR"
	envStep    = "PROCESS_TEST_STEP"
	envName    = "PROCESS_TEST_ENTITY"
	envCommand = "PROCESS_TEST_COMMAND"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		os.Exit(serve(dir))
	}
	os.Exit(m.Run())
}

// serve runs one step in a process of its own.
func serve(dir string) int {
	if err := failpoint.Enable(os.Getenv(failpoint.Env)); err != nil {
		fmt.Println(err)
		return 2
	}
	p := New(Config{Dir: dir, Plane: "test"})
	out, err := runStep(context.Background(), p, os.Getenv(envStep), os.Getenv(envName), map[string]any{"command": os.Getenv(envCommand)}, nil)
	fmt.Println(out, err)
	return 0
}

// server starts the test binary as a server that runs one step.
func server(t *testing.T, dir, step, entity, command, failpoints string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envStep+"="+step, envName+"="+entity, envCommand+"="+command, failpoint.Env+"="+failpoints)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func newProvider(t *testing.T, dir string) *Provider {
	t.Helper()
	return newProviderOf(t, Config{Dir: dir, Plane: "test", StopTimeout: time.Second, Settle: 20 * time.Millisecond})
}

// patient makes a provider that gives a start all the time to fail.
func patient(t *testing.T) *Provider {
	t.Helper()
	return newProviderOf(t, Config{Dir: t.TempDir(), Plane: "test", StopTimeout: time.Second, Settle: time.Minute})
}

func newProviderOf(t *testing.T, c Config) *Provider {
	t.Helper()
	p := New(c)
	t.Cleanup(func() {
		for _, e := range p.all() {
			if err := p.remove(context.Background(), e); err != nil {
				t.Error(err)
			}
		}
		p.Close()
	})
	return p
}

// runStep runs a step as the engine does.
func runStep(ctx context.Context, p *Provider, step, entity string, in map[string]any, change func(*action.Call)) (any, error) {
	c := &action.Call{
		Entity:   hook.Ref{ID: entity, Application: "app", Name: "web"},
		Input:    in,
		Lease:    &location.Lease{Kind: "localhost", Location: "here"},
		Workflow: "w1",
	}
	if change != nil {
		change(c)
	}
	for _, a := range p.Actions() {
		if a.Name == step {
			return a.Run(ctx, c)
		}
	}
	return nil, fmt.Errorf("no step %s", step)
}

func mustRun(t *testing.T, p *Provider, step, entity string, in map[string]any) map[string]any {
	t.Helper()
	out, err := runStep(t.Context(), p, step, entity, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := out.(map[string]any)
	return m
}

// living counts the processes of an entity, whatever the server knows of them.
func living(t *testing.T, entity string) []int {
	t.Helper()
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range all {
		if !p.dead && hasEnv(p.PID, envEntity+"="+entity) {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// eventually waits for something outside of the test that has no event.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so in time: %s", what)
		}
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// seen collects observations.
type seen struct {
	mu   sync.Mutex
	list []location.Observation
	more chan struct{}
}

func (s *seen) Observe(o location.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, o)
	close(s.more)
	s.more = make(chan struct{})
}

// await returns when the list of "up" and reasons is as wanted.
func (s *seen) await(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		var got []string
		for _, o := range s.list {
			if o.Up {
				got = append(got, "up")
			} else {
				got = append(got, o.Reason)
			}
		}
		more := s.more
		s.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) {
			t.Fatalf("observed %q, want %q", got, want)
		}
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("observed %q, want %q", got, want)
		}
	}
}

func watch(t *testing.T, p *Provider) *seen {
	t.Helper()
	l, err := p.Open(location.Definition{Name: "here", Kind: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	s := &seen{more: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	registered := len(p.watchersNow())
	go func() { done <- l.Watch(ctx, s) }()
	eventually(t, "the watcher is registered", func() bool { return len(p.watchersNow()) > registered })
	t.Cleanup(func() {
		cancel()
		l.Close()
		if err := <-done; err != context.Canceled {
			t.Errorf("Watch ended with %v, want %v", err, context.Canceled)
		}
	})
	return s
}

func (p *Provider) watchersNow() []*watcher {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*watcher
	for w := range p.watchers {
		list = append(list, w)
	}
	return list
}

func inRunDir(p *Provider, entity, name string) string { return filepath.Join(p.dir, entity, name) }
