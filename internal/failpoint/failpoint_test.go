package failpoint_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// TestMain lets the test binary be the process that a point kills.
func TestMain(m *testing.M) {
	if os.Getenv("FAILPOINT_CHILD") == "" {
		os.Exit(m.Run())
	}
	if err := failpoint.Enable(os.Getenv(failpoint.Env)); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	for i := range 5 {
		fmt.Println("before", i)
		_ = failpoint.Hit("child.step")
	}
}

func enable(t *testing.T, spec string) {
	t.Helper()
	if err := failpoint.Enable(spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(failpoint.Disable)
}

func TestNothingHappensUnlessEnabled(t *testing.T) {
	enable(t, "")
	if err := failpoint.Hit("a"); err != nil {
		t.Fatal(err)
	}
	if names := failpoint.Names(); names != nil {
		t.Fatalf("names %v, want none", names)
	}
}

func TestErrors(t *testing.T) {
	enable(t, "a=error, b=2*error(disk, gone),b=3*error(still gone)")
	for i, want := range []struct{ point, text string }{
		{"a", "failpoint a failed on purpose"},
		{"a", "failpoint a failed on purpose"},
		{"b", ""},
		{"b", "disk, gone"},
		{"b", "still gone"},
		{"b", ""},
		{"c", ""},
	} {
		err := failpoint.Hit(want.point)
		if got := text(err); got != want.text {
			t.Errorf("hit %d of %s: %q, want %q", i, want.point, got, want.text)
		}
	}
	if got := failpoint.Hits("b"); got != 4 {
		t.Errorf("b was hit %d times, want 4", got)
	}
	if got, want := failpoint.Names(), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestInvalidSpecs(t *testing.T) {
	const expected = "expected name=[N*]kill, error, error(text), sleep(duration) or pause, or record=FILE, joined by commas"
	enable(t, "kept=error")
	for spec, want := range map[string]string{
		"a":               `failpoint "a": ` + expected,
		"=kill":           `failpoint "=kill": ` + expected,
		"a=kill,,b=kill":  `failpoint "": ` + expected,
		"a=explode":       `failpoint "a=explode": cannot do "explode"; ` + expected,
		"a=kill(9)":       `failpoint "a=kill(9)": cannot do "kill(9)"; ` + expected,
		"a=0*kill":        `failpoint "a=0*kill": count "0" is not a whole number from 1; ` + expected,
		"a=x*kill":        `failpoint "a=x*kill": count "x" is not a whole number from 1; ` + expected,
		"a=sleep":         `failpoint "a=sleep": "" is not a duration like 100ms; ` + expected,
		"a=sleep(soon)":   `failpoint "a=sleep(soon)": "soon" is not a duration like 100ms; ` + expected,
		"a=error(half":    `failpoint "a=error(half": the parenthesis is not closed; ` + expected,
		"record=/no/such": `failpoint: open the record: open /no/such: no such file or directory`,
	} {
		if got := text(failpoint.Enable(spec)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", spec, got, want)
		}
	}
	if failpoint.Hit("kept") == nil {
		t.Error("a refused spec replaced the one before")
	}
}

func TestSleepAndPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enable(t, "slow=sleep(100ms),stuck=pause")
		start := time.Now()
		if err := failpoint.Hit("slow"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("took %s, want 100ms", took)
		}
		done := make(chan error, 1)
		go func() { done <- failpoint.Hit("stuck") }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("did not pause")
		default:
		}
		failpoint.Resume()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestRecordThenKill(t *testing.T) {
	record := filepath.Join(t.TempDir(), "points")
	out, err := child(t, "record="+record)
	if err != nil || !strings.Contains(out, "before 4") {
		t.Fatalf("recording run: %v\n%s", err, out)
	}
	names, err := os.ReadFile(record)
	if err != nil || string(names) != "child.step\n" {
		t.Fatalf("recorded %q, %v", names, err)
	}
	out, err = child(t, "child.step=3*kill")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("ended with %v, want SIGKILL", err)
	}
	if !strings.HasSuffix(out, "before 2\n") {
		t.Fatalf("killed elsewhere than at the third hit:\n%s", out)
	}
}

func child(t *testing.T, spec string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "FAILPOINT_CHILD=1", failpoint.Env+"="+spec)
	out, err := cmd.Output()
	return string(out), err
}

func FuzzEnable(f *testing.F) {
	for _, seed := range []string{"", "a=kill", "a=2*error(x,y),b=sleep(1ms)", "a=pause", "(=,", "a=*kill"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if strings.Contains(spec, "record") {
			t.Skip("would create files")
		}
		defer failpoint.Disable()
		if err := failpoint.Enable(spec); err != nil && !strings.HasPrefix(err.Error(), "failpoint ") {
			t.Errorf("%q: %v", spec, err)
		}
	})
}

func BenchmarkHitDisabled(b *testing.B) {
	for b.Loop() {
		_ = failpoint.Hit("docker.create.before")
	}
}
