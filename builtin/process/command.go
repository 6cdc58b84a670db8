package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// runCommand is the step run-command.
func (p *Provider) runCommand(ctx context.Context, c *action.Call) (any, error) {
	in, err := read(c, "run-command", "name", "command", "env", "dir", "timeout")
	if err != nil {
		return nil, err
	}
	if in.command == "" {
		return nil, fault.New(fault.Invalid, "run-command has no command")
	}
	out, err := p.command(ctx, c, in)
	if err != nil {
		return nil, fault.Wrap(err, "run "+or(in.name, "command"), c.Entity.Name)
	}
	return map[string]any{"exitCode": 0, "stdout": out}, nil
}

// command runs a shell command to its end and gives the end of its output. A
// command that an earlier server was running for the same step is ended
// first, so that a repeated step never runs beside itself.
func (p *Provider) command(ctx context.Context, c *action.Call, in input) (string, error) {
	t, err := p.entity(c)
	if err != nil {
		return "", err
	}
	key := commandKey(c, in.name)
	if err := p.endCommands(ctx, t.dir, key); err != nil {
		return "", err
	}
	dir := t.dir
	if in.dir != "" {
		if dir = in.dir; !filepath.IsAbs(dir) {
			dir = filepath.Join(t.dir, dir)
		}
	}
	if in.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, in.timeout,
			fault.New(fault.Timeout, "it has not ended within %s", in.timeout))
		defer cancel()
	}
	var stdout, stderr tail
	h, err := hold(launch{in.command, dir, p.environment(t.entity, t.dir, in.env), both(c.Out, &stdout), both(c.Err, &stderr)})
	if err != nil {
		return "", err
	}
	defer block(c, "waiting for the end of "+or(in.name, "the command"))()
	st, err := p.supervise(ctx, t, h, key)
	if err != nil {
		return "", err
	}
	if !st.ok {
		return "", fault.New(fault.Unavailable, "it %s%s", st.sentence(), quote(or(stderr.String(), stdout.String())))
	}
	return stdout.String(), nil
}

// supervise releases a command and waits for its end; when ctx ends first,
// the command is ended too.
func (p *Provider) supervise(ctx context.Context, t *tracked, h *held, key string) (status, error) {
	file := filepath.Join(t.dir, fmt.Sprintf("%s%s-%s.json", commandPrefix, key, h.Run))
	err := writeJSON(file, h.started)
	if err == nil {
		defer os.Remove(file) // one that stays is of a run that ended, and finds nothing to end
		p.running(h.Run, true)
		defer p.running(h.Run, false)
		if err = failpoint.Hit("process.command.before"); err == nil {
			err = h.release()
		}
	}
	if err != nil {
		h.discard()
		return status{}, err
	}
	type result struct {
		status
		err error
	}
	done := make(chan result, 1)
	go func() { // ends with the command, which ends at the latest below
		st, err := collect(h.cmd)
		done <- result{st, err}
	}()
	select {
	case r := <-done:
		return r.status, errors.Join(r.err, failpoint.Hit("process.command.after"))
	case <-ctx.Done():
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.stopTimeout+killPatience)
		defer cancel()
		if err := end(cleanup, p.stopTimeout, func() ([]ident, error) { return members(h.started) }); err != nil {
			return status{}, err
		}
		<-done
		return status{}, context.Cause(ctx)
	}
}

// running notes which commands this server is waiting for.
func (p *Provider) running(run string, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if yes {
		p.commands[run] = true
	} else {
		delete(p.commands, run)
	}
}

const commandPrefix = ".command-"

// commandKey stays the same when a step is repeated after a crash.
func commandKey(c *action.Call, name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", c.Workflow, c.Step, name))
	return hex.EncodeToString(sum[:8])
}

// endCommands ends what an earlier server was running in a run directory: the
// commands with the given key, or all of them when key is empty.
func (p *Provider) endCommands(ctx context.Context, dir, key string) error {
	files, err := filepath.Glob(filepath.Join(dir, commandPrefix+key+"*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		var s started
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err = errors.Join(err, json.Unmarshal(text, &s)); err != nil {
			return err
		}
		p.mu.Lock()
		current := p.commands[s.Run]
		p.mu.Unlock()
		if current && key != "" {
			continue
		}
		if err := end(ctx, p.stopTimeout, func() ([]ident, error) { return members(s) }); err != nil {
			return err
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// block tells users what is waited for.
func block(c *action.Call, details string) func() {
	if c.Block == nil {
		return func() {}
	}
	return c.Block(details)
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

// String gives what is kept, as text.
func (t *tail) String() string { return strings.ToValidUTF8(string(t.text), "\uFFFD") }

// both writes to a task's stream, if there is one, and to a tail.
func both(stream io.Writer, t *tail) io.Writer {
	if stream == nil {
		return t
	}
	return io.MultiWriter(stream, t)
}

// quoteLines is how many lines of output stand in an error.
const quoteLines = 5

// quote appends the last lines of a program's output to an error's text.
func quote(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if len(lines) > quoteLines {
		lines = lines[len(lines)-quoteLines:]
	}
	if text := strings.Join(lines, "\n"); text != "" {
		return ": " + text
	}
	return ""
}

// killPatience bounds the wait for processes that were sent SIGKILL.
const killPatience = 5 * time.Second
