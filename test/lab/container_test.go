//go:build lab

package lab_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/docker"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/test/lab"
)

// container runs the step container, the given one of the workflow w1.
func (e *entity) container(ctx context.Context, step int, out *bytes.Buffer, input m) (m, error) {
	lease := e.lease
	c := &action.Call{Entity: e.ref, Input: input, Lease: &lease, Workflow: "w1", Step: step}
	if out != nil {
		c.Out = out
	}
	got, err := e.c.actions["container"].Run(ctx, c)
	v, _ := got.(m)
	return v, err
}

// steps gives the containers of steps on the entity's host.
func (e *entity) steps(t *testing.T) int { return len(e.host(t).Containers(t, docker.LabelStep)) }

func TestContainerStep(t *testing.T) {
	c := newCloud(t)
	c.Load(t, lab.Shell)
	e := c.entity("step", 1)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stream bytes.Buffer
	out, err := e.container(ctx, 1, &stream, m{
		"image": lab.Shell, "command": `echo "$A $1"; echo bad >&2; exit 5`, "args": []any{"'$(x)'"}, "env": m{"A": `"$(id)"`}, "exit_code": m{"less-than": int64(6)},
	})
	if want := (m{"stdout": `"$(id)" '$(x)'` + "\n", "stderr": "bad\n", "exit_code": int64(5)}); err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("gave %v, %v, want %v", out, err, want)
	}
	if stream.String() != out["stdout"] {
		t.Errorf("the stream has %q", &stream)
	}
	_, err = e.container(ctx, 2, nil, m{"image": lab.Shell, "command": "echo sorry >&2; exit 1"})
	wantFault(t, err, fault.Unavailable, "container: the command ended with exit code 1: sorry")
	_, err = e.container(ctx, 3, nil, m{"image": lab.Shell, "command": []any{"/bin/nothing"}})
	if err == nil || !strings.Contains(err.Error(), "/bin/nothing") {
		t.Errorf("a command that is not there gave %v", err)
	}
	_, err = e.container(ctx, 4, nil, m{"image": "absent:1", "pull_image": "never"})
	wantFault(t, err, fault.NotFound, "no such image")
	out, err = e.container(ctx, 5, nil, m{"image": lab.Shell, "location": "cloud", "command": "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done", "output_max_size": int64(6)})
	if err != nil || out["stdout"] != "20000\n" || out["truncated"] != true {
		t.Errorf("gave %v, %v", out, err)
	}
	if n := e.steps(t); n != 0 {
		t.Errorf("%d containers are left", n)
	}
}

// What the server was about to do when it was killed is found again, done once,
// and taken away.
func TestContainerStepAfterCrash(t *testing.T) {
	c := newCloud(t)
	e := c.entity("step", 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	go func() { cancel(untilStep(t, e, cause)) }()
	if _, err := e.container(ctx, 1, nil, m{"image": lab.Sleeper, "args": []any{"say", "up"}}); !errors.Is(err, cause) {
		t.Errorf("a step that is given up gave %v", err)
	}
	if n := e.steps(t); n != 0 {
		t.Errorf("%d containers are left", n)
	}

	left := e.host(t)
	var made struct{ ID string }
	left.API(t, "POST", "/containers/create?name=gowanus-step-left", m{
		"Image": lab.Sleeper, "Labels": m{docker.LabelPlane: c.plane, docker.LabelApplication: "App1", docker.LabelStep: "w2/1"},
	}, &made)
	left.API(t, "POST", "/containers/"+made.ID+"/start", nil, nil)
	if err := c.location.Clean(t.Context(), "App1"); err != nil {
		t.Fatal(err)
	}
	if n := e.steps(t); n != 0 {
		t.Errorf("%d containers are left after Clean", n)
	}
}

// untilStep waits until a step's container is there, and gives err.
func untilStep(t *testing.T, e *entity, err error) error {
	for e.steps(t) == 0 {
		if t.Context().Err() != nil {
			return err
		}
	}
	return err
}
