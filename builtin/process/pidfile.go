package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of start times in /proc; Linux fixes it for
// everything that user programs see.
const ticksPerSecond = 100

// pidFileSlack allows for the clock's coarseness between a process's start
// and the time of its pid file.
const pidFileSlack = time.Second

// fromPidFile gives the daemon that a launch command named in PID_FILE. It
// must have started after the command did and before the file was written,
// which a later user of the same pid did not.
func fromPidFile(dir string, r started) (ident, bool) {
	path := filepath.Join(dir, pidFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return ident{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return ident{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 || pid == os.Getpid() {
		return ident{}, false
	}
	p, ok := readProc(pid)
	if !ok || p.dead || p.Start < r.Start {
		return ident{}, false
	}
	began, ok := startTime(p.Start)
	return p.ident, ok && began.Before(info.ModTime().Add(pidFileSlack))
}

// startTime turns a start time of /proc into wall-clock time.
func startTime(ticks uint64) (time.Time, bool) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Time{}, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	up, err := strconv.ParseFloat(first, 64)
	age := up - float64(ticks)/ticksPerSecond
	return time.Now().Add(-time.Duration(age * float64(time.Second))), err == nil
}
