package shell_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/shell"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

type m = map[string]any

func run(ctx context.Context, allowed bool, input m) (any, error) {
	return shell.Config{Allowed: allowed}.Actions()[0].Run(ctx, &action.Call{Input: input})
}

func TestShell(t *testing.T) {
	out, err := run(t.Context(), true, m{"command": `echo "hi $WHO"; echo oh >&2; exit 2`, "env": m{"WHO": "you; id"}, "exit_code": int64(2)})
	if want := (m{"stdout": "hi you; id\n", "stderr": "oh\n", "exit_code": int64(2)}); err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("gave %v, %v, want %v", out, err, want)
	}
}

func TestShellErrors(t *testing.T) {
	for _, c := range []struct {
		allowed bool
		input   m
		kind    fault.Kind
		want    string
	}{
		{false, m{"command": "true"}, fault.Forbidden, "shell: commands on the server's machine are not allowed; the server option --allow-shell allows them"},
		{true, m{}, fault.Invalid, "shell: command: it is missing"},
		{true, m{"command": "x", "user": "root"}, fault.Invalid, "shell: user: there is no such key"},
		{true, m{"command": "echo a; echo b >&2; false"}, fault.Unavailable, "shell: the command ended with exit code 1: b"},
	} {
		_, err := run(t.Context(), c.allowed, c.input)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind {
			t.Errorf("%v gave %v (%v), want %s", c.input, err, fault.KindOf(err), c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := run(ctx, true, m{"command": "sleep 60"}); !errors.Is(err, cause) {
		t.Errorf("a context that ended gave %v", err)
	}
}
