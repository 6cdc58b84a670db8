package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gowanus-project/gowanus/builtin/command"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// reader is what the login shell of the machine is told: that the better shell
// reads its commands from standard input.
const reader = `exec "$(command -v bash || command -v sh)" -s`

// patience is how long the end of a command that was given up is waited for.
// It comes in any case: the machine sees to that.
const patience = 2 * time.Second

// signals are the numbers of the signals that end commands, for exit codes as
// shells have them.
var signals = map[string]int{"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15}

// session runs a script and gives its exit code.
func (r *Remote) session(ctx context.Context, t *target, script string, streams *command.Streams) (int, error) {
	s, release, err := r.openSession(ctx, t)
	if err != nil {
		return 0, err
	}
	defer release()
	defer s.Close()
	s.Stdout, s.Stderr = streams.Out, streams.Err
	in, err := s.StdinPipe()
	if err == nil {
		err = s.Start(reader)
	}
	if err != nil {
		return 0, fault.New(fault.Unavailable, "ssh: %s: %w", t.address(), err)
	}
	done := make(chan error, 1)
	go func() { // ends with the session, which is closed below
		if _, err := io.WriteString(in, script); err != nil {
			in.Close()
		}
		done <- s.Wait()
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		in.Close() // ends the command
		select {
		case <-done:
		case <-time.After(patience):
		}
		return 0, context.Cause(ctx)
	}
	var exit *ssh.ExitError
	var unsaid *ssh.ExitMissingError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Signal() != "":
		return 128 + signals[exit.Signal()], nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	case errors.As(err, &unsaid):
		return 0, fault.New(fault.Unavailable, "ssh: the connection to %s was lost before the command ended", t.address())
	}
	return 0, fault.New(fault.Unavailable, "ssh: %s: %w", t.address(), err)
}

// openSession opens a session on the shared connection. One that turns out to
// be lost is replaced, once.
func (r *Remote) openSession(ctx context.Context, t *target) (*ssh.Session, func(), error) {
	for attempt := 1; ; attempt++ {
		c, put, err := r.get(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		select {
		case c.sessions <- struct{}{}:
		case <-ctx.Done():
			put()
			return nil, nil, context.Cause(ctx)
		}
		release := func() {
			<-c.sessions
			put()
		}
		s, err := newSession(ctx, c.client)
		if err == nil {
			return s, release, nil
		}
		var denied *ssh.OpenChannelError
		if !errors.As(err, &denied) && ctx.Err() == nil {
			r.drop(t.id(), c)
			c.client.Close()
		}
		release()
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if denied != nil || attempt == 2 {
			return nil, nil, fault.New(fault.Unavailable, "ssh: %s opens no session: %w", t.address(), err)
		}
	}
}

// newSession opens a session unless ctx ends first.
func newSession(ctx context.Context, client *ssh.Client) (*ssh.Session, error) {
	type result struct {
		s   *ssh.Session
		err error
	}
	done := make(chan result, 1)
	go func() { // ends with the answer, or with the connection
		s, err := client.NewSession()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.s.Close()
			}
		}()
		return nil, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}
