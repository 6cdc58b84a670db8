package command_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/command"
	"github.com/gowanus-project/gowanus/engine/fault"
)

type m = map[string]any

func TestRead(t *testing.T) {
	k, err := command.Read("shell", m{
		"command": "true", "env": m{"A": "x", "N": int64(2), "F": 1.0, "L": []any{"a"}, "NONE": nil}, "output_max_size": "2k", "image": "x",
	}, "image")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"A": "x", "N": "2", "F": "1", "L": `["a"]`}; !maps.Equal(k.Env, want) {
		t.Errorf("env %v, want %v", k.Env, want)
	}
	if k.Output != 2048 {
		t.Errorf("output_max_size %d", k.Output)
	}
	for _, c := range []struct {
		input m
		want  string
	}{
		{m{"comand": "x"}, `shell: comand: there is no such key; did you mean "command"?`},
		{m{"env": "A=1"}, "shell: env: expected a map of variables"},
		{m{"env": m{"A-B": "x"}}, `shell: env: "A-B" cannot name an environment variable`},
		{m{"env": m{"A": "a\x00"}}, "shell: env: A holds a zero byte"},
		{m{"output_max_size": "lots"}, `shell: output_max_size: cannot read "lots" as bytes: expected a size such as "512m" or "2g"`},
		{m{"output_max_size": "1g"}, "shell: output_max_size: 1073741824 is more than 67108864 bytes"},
		{m{"exit_code": m{"les-than": int64(3)}}, `shell: exit_code: unknown key "les-than" of a predicate; did you mean "less-than"?`},
	} {
		_, err := command.Read("shell", c.input)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v gave %v, want %s", c.input, err, c.want)
		}
	}
	k, err = command.Read("shell", m{"command": []any{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Text("command"); err == nil || err.Error() != "shell: command: expected text, not a list or a map" {
		t.Errorf("a list gave %v", err)
	}
	if _, err := k.Required("env"); err == nil || err.Error() != "shell: env: it is missing" {
		t.Errorf("a missing key gave %v", err)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		wanted any
		code   int
		want   string // of the error
	}{
		{nil, 0, ""},
		{nil, 3, "shell: the command ended with exit code 3: last words"},
		{int64(3), 3, ""},
		{"3", 3, ""},
		{int64(3), 0, "shell: the command ended with exit code 0: last words"},
		{[]any{int64(0), int64(3)}, 3, ""},
		{[]any{int64(0), m{"greater-than": int64(100)}}, 137, ""},
		{[]any{int64(0), int64(3)}, 4, "shell: the command ended with exit code 4: last words"},
		{m{"less-than": int64(5)}, 4, ""},
		{m{"not": int64(0)}, 0, "shell: the command ended with exit code 0: last words"},
		{[]any{}, 0, ""},
	} {
		k, err := command.Read("shell", m{"exit_code": c.wanted})
		if err != nil {
			t.Fatal(err)
		}
		s := k.Streams(nil, nil)
		_, _ = s.Err.Write([]byte("last words\n"))
		out, err := k.Result(t.Context(), s, c.code)
		if text(err) != c.want {
			t.Errorf("%v with %d gave %v, want %s", c.wanted, c.code, err, c.want)
		}
		if want := (m{"stdout": "", "stderr": "last words\n", "exit_code": int64(c.code)}); err == nil && !reflect.DeepEqual(out, want) {
			t.Errorf("output %v, want %v", out, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		writes    []string
		max       int
		want      string
		truncated bool
	}{
		{[]string{"abc", "de"}, 5, "abcde", false},
		{[]string{"abc", "def"}, 5, "bcdef", true},
		{[]string{"abcdef"}, 5, "bcdef", true},
		{[]string{"abcde"}, 5, "abcde", false},
		{[]string{"a", "bcdef"}, 5, "bcdef", true},
		{strings.Split(strings.Repeat("abc,", 10), ","), 5, "bcabc", true},
		{[]string{"aé"}, 1, "\uFFFD", true},
		{[]string{"a"}, 0, "", true},
	} {
		k, err := command.Read("shell", m{"output_max_size": int64(c.max)})
		if err != nil {
			t.Fatal(err)
		}
		var passed bytes.Buffer
		s := k.Streams(&passed, nil)
		for _, w := range c.writes {
			if n, err := s.Out.Write([]byte(w)); n != len(w) || err != nil {
				t.Fatal(n, err)
			}
		}
		out, err := k.Result(t.Context(), s, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := out.(m)
		if got["stdout"] != c.want || (got["truncated"] == true) != c.truncated || passed.String() != strings.Join(c.writes, "") {
			t.Errorf("%q of %d became %v, and %q was passed on", c.writes, c.max, got, &passed)
		}
	}
}

func TestStreamThatBeginsAnew(t *testing.T) {
	k, err := command.Read("container", nil)
	if err != nil {
		t.Fatal(err)
	}
	var passed bytes.Buffer
	s := k.Streams(&passed, nil)
	for _, w := range []string{"abc", "", "ab", "cd", "", "a", "bcde"} {
		if w == "" {
			s.Out.Again()
			continue
		}
		_, _ = s.Out.Write([]byte(w))
	}
	if s.Out.String() != "abcde" || passed.String() != "abcde" {
		t.Errorf("kept %q, passed on %q", s.Out, &passed)
	}
}

func TestLocal(t *testing.T) {
	t.Setenv("GOWANUS_SECRET", "hidden")
	for _, c := range []struct {
		command string
		env     m
		code    int
		out     string
	}{
		{`echo "$A" >&2; echo out`, m{"A": `$(id) 'x' "y"`}, 0, "out\n"},
		{`echo "[$GOWANUS_SECRET]"; exit 4`, nil, 4, "[]\n"},
		{`kill -TERM $$`, nil, 143, ""},
		{`ls | wc -l`, nil, 0, "0\n"},
		{`sleep 5 & echo started`, nil, 0, "started\n"},
		{`cat; echo "nothing to read"`, nil, 0, "nothing to read\n"},
		{`echo one; # a comment`, nil, 0, "one\n"},
	} {
		k, err := command.Read("shell", m{"env": c.env})
		if c.env == nil {
			k, err = command.Read("shell", nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		s := k.Streams(nil, nil)
		code, err := k.Local(t.Context(), c.command, s)
		if code != c.code || err != nil || strings.TrimLeft(s.Out.String(), " ") != c.out {
			t.Errorf("%s gave %d, %v, %q", c.command, code, err, s.Out)
		}
		if want := c.env["A"]; want != nil && s.Err.String() != want.(string)+"\n" {
			t.Errorf("the variable became %q", s.Err)
		}
	}
}

func TestLocalEnds(t *testing.T) {
	k, err := command.Read("shell", nil)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := k.Streams(writer(func(b []byte) { cancel(cause) }), nil) // once it runs
	begun := time.Now()
	if _, err := k.Local(ctx, "echo up; sleep 60 & sleep 60", s); !errors.Is(err, cause) {
		t.Errorf("gave %v", err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

type writer func(b []byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

// remote runs a script as an SSH server does, and ends its input when done
// does; it gives the output and the exit code.
func remote(t *testing.T, shell, script string, done <-chan struct{}) (string, int) {
	t.Helper()
	cmd := exec.Command(shell, "-s")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte(script)); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-done
		in.Close()
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func TestScript(t *testing.T) {
	k, err := command.Read("ssh", m{"env": m{"A": `it's $(id) "x"` + "\n`y`", "B": ""}})
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"/bin/sh", command.Shell()} {
		script := k.Script("sleep 0 & wait; printf '[%s][%s]' \"$A\" \"$B\"; cat # nothing is left to read\nexit 3 \\")
		out, code := remote(t, shell, script, t.Context().Done())
		if want := `[it's $(id) "x"` + "\n`y`][]"; out != want || code != 3 {
			t.Errorf("%s gave %q and %d, want %q", shell, out, code, want)
		}
		ended := make(chan struct{})
		close(ended)
		if _, code := remote(t, shell, k.Script("sleep 60"), ended); code != -1 {
			t.Errorf("%s ended with %d, not by a signal", shell, code)
		}
	}
}
