package testing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// trial says how long something is tried.
type trial struct {
	timeout  time.Duration
	attempts int           // 0 is as many as there is time for
	backoff  time.Duration // the longest pause between two
}

// readTrial reads the inputs timeout, maxAttempts and backoffToPeriod.
func readTrial(in map[string]any) (t trial, err error) {
	for name, to := range map[string]*time.Duration{"timeout": &t.timeout, "backoffToPeriod": &t.backoff} {
		if *to, err = coerce.Duration(in[name]); err != nil {
			return t, fault.New(fault.Invalid, "%s: %w", name, err)
		}
	}
	if in["maxAttempts"] == nil {
		return t, nil
	}
	n, err := coerce.To("integer", in["maxAttempts"])
	count, _ := n.(int64)
	if err != nil || count < 1 {
		return t, fault.New(fault.Invalid, "maxAttempts: expected 1 or more, not %v", in["maxAttempts"])
	}
	t.attempts = int(count)
	return t, nil
}

// readTest reads what is tested for, and how often.
func readTest(in map[string]any) (t trial, wanted []assertion, err error) {
	if t, err = readTrial(in); err == nil {
		wanted, err = readAssertions(in["assert"])
	}
	return t, wanted, err
}

// firstPause is how long is waited before the second attempt; it doubles.
const firstPause = 20 * time.Millisecond

// final is an error after which nothing is tried again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// until makes attempts until one succeeds, and gives the error of the last one
// when the time or the attempts are over. With wake the next attempt is made
// when it is sent to, else after a pause.
func (t trial) until(ctx context.Context, c *action.Call, what string, wake <-chan struct{}, attempt func(ctx context.Context, n int) error) error {
	over := fault.New(fault.Timeout, "the test has no more time")
	trying, cancel := context.WithTimeoutCause(ctx, t.timeout, over)
	defer cancel()
	var last error
	pause := firstPause
	for n := 1; ; n++ {
		err := attempt(trying, n)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case trying.Err() == nil || last == nil: // what an attempt that was broken off says tells nothing new
			last = err
		}
		var f final
		switch {
		case errors.As(err, &f):
			return f.error
		case t.attempts > 0 && n >= t.attempts:
			return fault.New(fault.KindOf(last), "%w (%s)", last, plural(n, "attempt"))
		}
		if err := t.wait(ctx, trying, c, what, wake, pause); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return fault.New(fault.Timeout, "%w (after %s)", last, coerce.FormatDuration(t.timeout))
		}
		pause = min(2*pause, max(t.backoff, firstPause))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// wait lets time pass until the next attempt.
func (t trial) wait(ctx, trying context.Context, c *action.Call, what string, wake <-chan struct{}, pause time.Duration) error {
	defer c.Block("Waiting until " + what + " is as expected")()
	var due <-chan time.Time
	if wake == nil {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-wake:
		return nil
	case <-due:
		return nil
	case <-trying.Done():
		return context.Cause(trying)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
