package badger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

var (
	kills = flag.Int("kills", 20, "how often the test of crashes kills its child")
	seed  = flag.Uint64("seed", 0, "of the random tests; 0 takes one from the clock")
)

// random gives a source that a failing test can be repeated with.
func random(t testing.TB) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// childDir names the environment variable that makes the test binary the
// child which is killed.
const childDir = "GOWANUS_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println(writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Every batch n puts n under so many keys; every bigEvery-th is too big for
// one transaction.
const (
	tornKeys = 5
	bigEvery = 100
)

// writeUntilKilled commits numbered batches and prints each that was
// acknowledged.
func writeUntilKilled(dir string) error {
	s, err := badger.Open(badger.Config{Dir: dir})
	if err != nil {
		return err
	}
	first, err := storedNumber(s)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 64)
	fmt.Fprintln(out, "from", first)
	for n := first + 1; ; n++ {
		early := &store.Batch{}
		early.Put("enqueued", "n", number(n))
		s.Enqueue(early)
		if err := s.Commit(context.Background(), numbered(n)); err != nil {
			return err
		}
		fmt.Fprintln(out, "acked", n)
		out.Flush()
	}
}

// numbered is a batch of which a part can be told from the whole.
func numbered(n uint64) *store.Batch {
	b := &store.Batch{}
	for k := range tornKeys {
		b.Put("torn", strconv.Itoa(k), number(n))
	}
	b.Put("log", fmt.Sprintf("%012d", n), number(n))
	if n%bigEvery == 0 {
		for k := range 30 {
			b.Put("big", strconv.Itoa(k), append(number(n), bytes.Repeat([]byte{byte(n) | 1}, 100_000)...))
		}
		b.Put("big", "long", append(number(n), bytes.Repeat([]byte{byte(n) | 1}, 1_200_000)...))
	}
	b.Put("torn", "last", number(n))
	return b
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// storedNumber gives the last batch in the store, and fails when any is torn
// or missing.
func storedNumber(s store.Store) (uint64, error) {
	var n uint64
	keys := 0
	err := s.Scan("torn", "", func(key string, value []byte) error {
		got := binary.BigEndian.Uint64(value)
		if keys > 0 && got != n {
			return fmt.Errorf("torn batch: key %s is of %d, others of %d", key, got, n)
		}
		n = got
		keys++
		return nil
	})
	if err != nil {
		return 0, err
	}
	if n > 0 && keys != tornKeys+1 {
		return 0, fmt.Errorf("torn batch: %d keys", keys)
	}
	next := uint64(1)
	err = s.Scan("log", "", func(key string, value []byte) error {
		if got := binary.BigEndian.Uint64(value); got != next {
			return fmt.Errorf("batch %d is missing, found %d", next, got)
		}
		next++
		return nil
	})
	if err == nil && next != n+1 {
		err = fmt.Errorf("the last batch is %d, but the log ends at %d", n, next-1)
	}
	if err != nil {
		return 0, err
	}
	return n, checkBig(s, n)
}

func checkBig(s store.Store, n uint64) error {
	want := n / bigEvery * bigEvery
	keys := 0
	err := s.Scan("big", "", func(key string, value []byte) error {
		keys++
		if got := binary.BigEndian.Uint64(value); got != want {
			return fmt.Errorf("torn big batch: key %s is of %d, want %d", key, got, want)
		}
		return nil
	})
	if err == nil && want > 0 && keys != 31 {
		err = fmt.Errorf("torn big batch: %d keys", keys)
	}
	return err
}

// TestKill kills a writing process again and again: what it acknowledged is
// there afterwards, and no batch is torn.
func TestKill(t *testing.T) {
	t.Parallel()
	r := random(t)
	dir := t.TempDir()
	total := uint64(0)
	for round := range *kills {
		acked := killedRun(t, dir, time.Duration(r.IntN(60_000))*time.Microsecond, round%4 == 3)
		total = max(total, acked)
		if round%2 == 1 && round < *kills-1 {
			continue // the next child finds what this one left
		}
		s, err := badger.Open(badger.Config{Dir: dir})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		stored, err := storedNumber(s)
		if err != nil || stored < total {
			t.Fatalf("round %d: %d acknowledged, %d stored, %v", round, total, stored, err)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d commits over %d kills", total, *kills)
	if total == 0 {
		t.Error("no child got to commit anything")
	}
}

// killedRun starts the child, kills it some time after it has opened the
// store, or after its start, and gives the last number that it acknowledged.
func killedRun(t *testing.T, dir string, after time.Duration, atStart bool) uint64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := uint64(0)
	lines := bufio.NewScanner(out)
	var kill *time.Timer
	if atStart {
		kill = time.AfterFunc(after/2, func() { _ = cmd.Process.Kill() })
	}
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(rest, 10, 64)
		switch {
		case word == "from" && err == nil:
			if kill == nil {
				kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			}
			acked = n
		case word == "acked" && err == nil:
			acked = n
		default:
			t.Errorf("child: %s", lines.Text())
		}
	}
	if kill != nil {
		kill.Stop()
	}
	_ = cmd.Wait() // it was killed
	return acked
}
