package process

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	rest := " 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
	tests := []struct {
		text string
		want proc
		ok   bool
	}{
		{"9 (sh) S" + rest, proc{ident{9, 4711}, 7, false}, true},
		{"9 (a) b) (c) R" + rest, proc{ident{9, 4711}, 7, false}, true},
		{"9 (sh) Z" + rest, proc{ident{9, 4711}, 7, true}, true},
		{"9 (sh) S 1 7", proc{}, false},
		{"", proc{}, false},
		{"9 (sh) S" + strings.Replace(rest, "4711", "x", 1), proc{ident{9, 0}, 7, false}, false},
	}
	for _, test := range tests {
		if got, ok := parseStat(9, test.text); got != test.want || ok != test.ok {
			t.Errorf("parseStat(%q) = %v, %v, want %v, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("9 (sh) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0")
	f.Add(")")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parseStat(9, text); ok && p.PID != 9 {
			t.Errorf("pid %d", p.PID)
		}
	})
}

func TestStartTime(t *testing.T) {
	p, _ := readProc(os.Getpid())
	began, ok := startTime(p.Start)
	if age := time.Since(began); !ok || age < 0 || age > time.Hour {
		t.Errorf("this test began %s ago", age)
	}
}

// TestPidFile refuses pids that the launch command cannot have meant.
func TestPidFile(t *testing.T) {
	self, _ := readProc(os.Getpid())
	parent, _ := readProc(os.Getppid())
	tests := []struct {
		text  string
		start uint64
		ok    bool
	}{
		{"1", 0, false},
		{"0", 0, false},
		{"-5", 0, false},
		{"x", 0, false},
		{"", 0, false},
		{strconv.Itoa(self.PID), 0, false},
		{strconv.Itoa(parent.PID), parent.Start + 1, false}, // older than the command
		{strconv.Itoa(parent.PID) + "\n", parent.Start, true},
	}
	for _, test := range tests {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/"+pidFile, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, ok := fromPidFile(dir, started{ident: ident{Start: test.start}}); ok != test.ok || ok && id != parent.ident {
			t.Errorf("%q: got %v, %v, want %v", test.text, id, ok, test.ok)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/"+pidFile, []byte(strconv.Itoa(parent.PID)), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-1000 * time.Hour) // written before that process began
	if err := os.Chtimes(dir+"/"+pidFile, old, old); err != nil {
		t.Fatal(err)
	}
	if _, ok := fromPidFile(dir, started{}); ok {
		t.Error("a later user of the pid was taken for the daemon")
	}
}
