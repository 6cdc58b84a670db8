package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// stepCall is the third step of the workflow w1.
func stepCall(input m) *action.Call {
	c := call(input)
	c.Workflow, c.Step = "w1", 3
	return c
}

// stepName is the name of its container.
const stepName = "gowanus-step-22e3be36faace886"

// ends is a container that writes and ends.
func (f *fake) ends(code int, out, errs string) {
	f.follow = func(_ context.Context, c *container, o, e io.Writer) error {
		fmt.Fprint(o, out)
		fmt.Fprint(e, errs)
		f.change(func() { c.Status, c.ExitCode = "exited", code })
		return nil
	}
}

func TestContainerStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		f.ends(3, "out\n", "err\n")
		b := setup(t, Config{}, f)
		c := stepCall(m{"image": "redis:3", "command": "echo $A", "env": m{"B": 2.0, "A": "$(id)"}, "exit_code": int64(3)})
		out := b.mustRun(t, "container", c)
		if want := (m{"stdout": "out\n", "stderr": "err\n", "exit_code": int64(3)}); !reflect.DeepEqual(out, want) {
			t.Errorf("output %v, want %v", out, want)
		}
		wantCalls(t, f, "Network gowanus-app1", "CreateNetwork gowanus-app1", "ImageID redis:3", "Create "+stepName,
			"Inspect c1", "Start c1", "Follow c1", "Inspect c1", "Follow c1", "Inspect c1", "Remove c1")
		got := *f.specs["c1"]
		got.Labels = maps.Clone(got.Labels)
		delete(got.Labels, LabelSpec)
		want := spec{
			Name: stepName, Image: "redis:3", Env: []string{"A=$(id)", "B=2"}, Entrypoint: []string{"/bin/sh"}, Command: []string{"-c", "echo $A", "sh"},
			Labels: map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelStep: "w1/3"}, Restart: "no", Network: "gowanus-app1",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if c.Lease.Resource != "" {
			t.Errorf("the lease holds %q", c.Lease.Resource)
		}
		if out, errs := c.Out.(*bytes.Buffer).String(), c.Err.(*bytes.Buffer).String(); out != "out\n" || errs != "err\n" {
			t.Errorf("the streams have %q and %q", out, errs)
		}
	})
}

func TestContainerStepCommands(t *testing.T) {
	for _, c := range []struct {
		input               m
		entrypoint, command []string
	}{
		{m{}, nil, nil},
		{m{"args": []any{"a b", 2.0}}, nil, []string{"a b", "2"}},
		{m{"args": "a b"}, nil, []string{"a b"}},
		{m{"command": []any{"ls", "-l"}}, []string{"ls", "-l"}, nil},
		{m{"command": []any{"ls"}, "args": []any{"-l"}}, []string{"ls"}, []string{"-l"}},
		{m{"command": "echo $1", "args": []any{"$(id)"}}, []string{"/bin/sh"}, []string{"-c", "echo $1", "sh", "$(id)"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake("lh1")
			b := setup(t, Config{}, f)
			c.input["image"] = "redis:3"
			b.mustRun(t, "container", stepCall(c.input))
			if s := f.specs["c1"]; !slices.Equal(s.Entrypoint, c.entrypoint) || !slices.Equal(s.Command, c.command) {
				t.Errorf("%v became %q and %q", c.input, s.Entrypoint, s.Command)
			}
		})
	}
}

// After a crash the step finds what it began.
func TestContainerStepIsRepeated(t *testing.T) {
	for _, c := range []struct {
		before string // state of the container that is there
		change m      // of the input since
		calls  []string
	}{
		{"created", nil, []string{"Inspect c1", "Start c1", "Follow c1", "Inspect c1", "Follow c1", "Inspect c1", "Remove c1"}},
		{"running", nil, []string{"Inspect c1", "Follow c1", "Inspect c1", "Follow c1", "Inspect c1", "Remove c1"}},
		{"exited", nil, []string{"Inspect c1", "Follow c1", "Inspect c1", "Remove c1"}},
		{"exited", m{"command": "other"}, []string{"Remove c1", "Create " + stepName, "Inspect c2", "Start c2", "Follow c2", "Inspect c2", "Follow c2", "Inspect c2", "Remove c2"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake("lh1")
			f.ends(0, "once\n", "")
			b := setup(t, Config{}, f)
			f.fail["Start"] = []error{errors.New("the server dies here")}
			f.fail["Remove"] = []error{errors.New("and does not clean up")}
			input := m{"image": "redis:3", "command": "once"}
			if _, err := b.run(t.Context(), "container", stepCall(input)); err == nil {
				t.Fatal("it went through")
			}
			f.change(func() { f.containers["c1"].Status = status(c.before) })
			f.called()
			maps.Copy(input, c.change)
			out := b.mustRun(t, "container", stepCall(input))
			if out.(m)["stdout"] != "once\n" {
				t.Errorf("output %v", out)
			}
			wantCalls(t, f, append([]string{"Create " + stepName, "Inspect " + stepName}, c.calls...)...)
		})
	}
}

func TestContainerStepLosesContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		b := setup(t, Config{}, f)
		tries := 0
		f.follow = func(_ context.Context, c *container, out, errs io.Writer) error {
			tries++
			fmt.Fprint(out, "abcdef"[:2*min(tries, 3)])
			fmt.Fprint(errs, "x")
			if tries < 3 {
				return fault.As(io.ErrUnexpectedEOF, fault.Unavailable)
			}
			f.change(func() { c.Status = "exited" })
			return nil
		}
		c := stepCall(m{"image": "redis:3"})
		out := b.mustRun(t, "container", c)
		if want := (m{"stdout": "abcdef", "stderr": "x", "exit_code": int64(0)}); !reflect.DeepEqual(out, want) {
			t.Errorf("output %v, want %v", out, want)
		}
		if got := c.Out.(*bytes.Buffer).String(); got != "abcdef" {
			t.Errorf("the stream has %q", got)
		}
	})
}

// An engine that stops following before the last lines gives them when it is
// asked again.
func TestContainerStepMissesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		b := setup(t, Config{}, f)
		text := "1\n2\n"
		f.follow = func(_ context.Context, c *container, out, errs io.Writer) error {
			fmt.Fprint(out, text)
			text += "3\n"
			fmt.Fprint(errs, text)
			f.change(func() { c.Status = "exited" })
			return nil
		}
		c := stepCall(m{"image": "redis:3"})
		out := b.mustRun(t, "container", c)
		if want := (m{"stdout": "1\n2\n3\n", "stderr": "1\n2\n3\n3\n", "exit_code": int64(0)}); !reflect.DeepEqual(out, want) {
			t.Errorf("output %v, want %v", out, want)
		}
		if got := c.Out.(*bytes.Buffer).String(); got != "1\n2\n3\n" {
			t.Errorf("the stream has %q", got)
		}
	})
}

func TestContainerStepErrors(t *testing.T) {
	lost := fault.New(fault.Unavailable, "connection refused")
	for _, c := range []struct {
		name  string
		input m
		setup func(*fake)
		kind  fault.Kind
		want  string
	}{
		{"no image", m{}, nil, fault.Invalid, "container: image: missing"},
		{"unknown key", m{"imag": "x"}, nil, fault.Invalid, `container: imag: there is no such key; did you mean "image"?`},
		{"pull", m{"image": "x", "pull_image": "maybe"}, nil, fault.Invalid, `container: pull_image: must be one of if-not-present, always, never, is "maybe"`},
		{"args", m{"image": "x", "args": []any{m{}}}, nil, fault.Invalid, "container: args[0]: must be a string, is map[]"},
		{"command", m{"image": "x", "command": m{}}, nil, fault.Invalid, "container: command: expected text, not a list or a map"},
		{"location", m{"image": "x", "location": "moon"}, nil, fault.NotFound, `container: there is no docker location "moon"`},
		{"exit code", m{"image": "redis:3"}, func(f *fake) { f.ends(4, "", "sorry\n") }, fault.Unavailable, "container: the command ended with exit code 4: sorry"},
		{"memory", m{"image": "redis:3"}, func(f *fake) {
			f.follow = func(_ context.Context, c *container, _, _ io.Writer) error {
				f.change(func() { c.Status, c.ExitCode, c.OutOfMem = "exited", 137, true })
				return nil
			}
		}, fault.Unavailable, "container: the command ended with exit code 137 (it ran out of memory)"},
		{"no such image", m{"image": "nope:1"}, nil, fault.NotFound, `no such image nope:1 on host "lh1" nor in its registry: pull image nope:1 on host "lh1": manifest for nope:1 not found`},
		{"never pulled", m{"image": "nope:1", "pull_image": "never"}, nil, fault.NotFound, `look for image nope:1 on host "lh1": no such image`},
		{"removed", m{"image": "redis:3"}, func(f *fake) {
			f.follow = func(_ context.Context, c *container, _, _ io.Writer) error {
				f.change(func() { delete(f.containers, c.ID) })
				return nil
			}
		}, fault.Unavailable, `container: somebody removed container c1 on host "lh1" while it ran`},
		{"host is lost", m{"image": "redis:3"}, func(f *fake) {
			f.follow = func(context.Context, *container, io.Writer, io.Writer) error { return lost }
		}, fault.Unavailable, "connection refused"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake("lh1")
			if c.setup != nil {
				c.setup(f)
			}
			b := setup(t, Config{}, f)
			_, err := b.run(t.Context(), "container", stepCall(c.input))
			wantErr(t, err, c.kind, c.want)
			if len(f.containers) != 0 {
				t.Errorf("%s: a container is left", c.name)
			}
		})
	}
}

func TestContainerStepIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		b := setup(t, Config{}, f)
		cause := fault.New(fault.Timeout, "too long")
		ctx, cancel := context.WithCancelCause(t.Context())
		f.follow = func(ctx context.Context, _ *container, _, _ io.Writer) error {
			cancel(cause)
			<-ctx.Done()
			return ctx.Err()
		}
		if _, err := b.run(ctx, "container", stepCall(m{"image": "redis:3"})); !errors.Is(err, cause) {
			t.Errorf("gave %v", err)
		}
		if len(f.containers) != 0 {
			t.Error("its container is left")
		}
	})
}

// The engine may make a container although nobody waits for it any more.
func TestContainerStepIsGivenUpEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		b := setup(t, Config{}, f)
		c := stepCall(m{"image": "redis:3"})
		labels := map[string]string{LabelPlane: "p1", LabelApplication: "App1", LabelStep: "w1/3"}
		f.fail["Create"] = []error{context.Canceled}
		f.containers["c7"] = &container{ID: "c7", Name: stepName, Labels: labels}
		if _, err := b.run(t.Context(), "container", c); !errors.Is(err, context.Canceled) {
			t.Errorf("gave %v", err)
		}
		if len(f.containers) != 0 {
			t.Error("its container is left")
		}
	})
}

func TestContainerStepPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		f.fail["Info"] = []error{fault.New(fault.Unavailable, "down")}
		second := newFake("lh2")
		b := setup(t, Config{}, f, second)
		nowhere := func(c *action.Call) *action.Call { c.Lease = nil; return c }
		b.mustRun(t, "container", nowhere(stepCall(m{"image": "redis:3"}))) // the only location, whose first host is down
		if s := second.specs["c1"]; s == nil || s.Network != "bridge" {
			t.Errorf("it ran as %+v", s)
		}
		if _, err := b.Open(location.Definition{Name: "other", Kind: Kind, Config: m{"host": "tcp://10.77.0.12:2376"}}); err != nil {
			t.Fatal(err)
		}
		_, err := b.run(t.Context(), "container", nowhere(stepCall(m{"image": "redis:3"})))
		wantErr(t, err, fault.Precondition, "container: the entity has no docker host: the key location says where to run it, as one of cloud, other")
		b.mustRun(t, "container", nowhere(stepCall(m{"image": "redis:3", "location": "other"})))
		b.location.Close()
		if _, err = New(Config{Plane: "p1"}).runContainer(t.Context(), nowhere(stepCall(m{"image": "redis:3"}))); err == nil || !strings.Contains(err.Error(), "there is no docker location to run it on") {
			t.Errorf("gave %v", err)
		}
	})
}

func TestContainerStepPulls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		f.registry["redis:3"], f.registry["new:1"] = "sha256:newer", "sha256:new"
		b := setup(t, Config{}, f)
		b.mustRun(t, "container", stepCall(m{"image": "redis:3", "pull_image": "always"}))
		b.mustRun(t, "container", stepCall(m{"image": "new:1"}))
		b.mustRun(t, "container", stepCall(m{"image": "new:1", "pull_image": "never"}))
		pulls := slices.DeleteFunc(f.called(), func(call string) bool { return !strings.HasPrefix(call, "Pull") })
		if want := []string{"Pull redis:3", "Pull new:1"}; !slices.Equal(pulls, want) {
			t.Errorf("pulled %q, want %q", pulls, want)
		}
	})
}

func TestCleanRemovesContainersOfSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("lh1")
		b := setup(t, Config{}, f)
		labels := map[string]string{LabelPlane: "p1", LabelApplication: "App1"}
		own, step, other := maps.Clone(labels), maps.Clone(labels), maps.Clone(labels)
		own[LabelEntity], step[LabelStep] = "e1", "w1/3"
		other[LabelStep], other[LabelApplication] = "w2/1", "App2"
		for id, l := range map[string]map[string]string{"c1": own, "c2": step, "c3": other} {
			f.containers[id] = &container{ID: id, Labels: l}
		}
		if err := b.location.Clean(t.Context(), "App1"); err != nil {
			t.Fatal(err)
		}
		if left := slices.Sorted(maps.Keys(f.containers)); !slices.Equal(left, []string{"c1", "c3"}) {
			t.Errorf("left are %v", left)
		}
	})
}
