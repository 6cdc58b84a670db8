package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ident names a process beyond doubt within one boot of the machine: pids are
// used again, a pid with its start time is not.
type ident struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot
}

// String is the resource that stands in the entity's lease.
func (i ident) String() string { return fmt.Sprintf("%d:%d", i.PID, i.Start) }

// proc is what /proc says of one process.
type proc struct {
	ident
	session int
	dead    bool // it ended, but its parent has not collected it yet
}

// readProc gives the process that has a pid now, if there is one.
func readProc(pid int) (proc, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return proc{}, false
	}
	return parseStat(pid, string(text))
}

// parseStat reads a line of /proc/PID/stat. The second field, the name, may
// hold blanks and parentheses, so fields count from the last parenthesis.
func parseStat(pid int, text string) (proc, bool) {
	const state, session, start = 0, 3, 19 // fields 3, 6 and 22 of proc(5)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) <= start {
		return proc{}, false
	}
	p := proc{ident: ident{PID: pid}, dead: fields[state] == "Z" || fields[state] == "X"}
	var err1, err2 error
	p.session, err1 = strconv.Atoi(fields[session])
	p.Start, err2 = strconv.ParseUint(fields[start], 10, 64)
	return p, err1 == nil && err2 == nil
}

// processes lists the processes of the machine.
func processes() ([]proc, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []proc
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, ok := readProc(pid); ok {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// hasEnv tells whether a process was given the environment entry "KEY=value".
// A process of another user, and one that overwrote it, has none.
func hasEnv(pid int, entry string) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	return err == nil && slices.ContainsFunc(bytes.Split(text, []byte{0}), func(e []byte) bool { return string(e) == entry })
}

// isHeld tells whether a process still is the shell that waits to become the
// command.
func isHeld(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	args := bytes.Split(text, []byte{0})
	return err == nil && len(args) > 3 && string(args[3]) == heldName
}

// bootID names this boot of the machine: records of an earlier one are of
// processes that are gone.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
}

// members gives the live processes that belong to a run. Only these are ever
// signalled, so each is proven to be ours: it is the recorded leader or a
// recorded daemon (pid and start time), or its environment holds the run id,
// or it lives in the session of one that is proven and that the run opened.
// A leader that ended and is not collected yet still proves its session.
func members(r started) ([]ident, error) {
	boot, err := bootID()
	if err != nil || boot != r.Boot {
		return nil, err
	}
	all, err := processes()
	if err != nil {
		return nil, err
	}
	proven := map[int]bool{}
	sessions := map[int]bool{}
	for _, p := range all {
		if p.Start < r.Start || p.PID == os.Getpid() {
			continue
		}
		if p.ident == r.ident || slices.Contains(r.Members, p.ident) || hasEnv(p.PID, envRun+"="+r.Run) {
			proven[p.PID] = true
			if p.session == r.PID || p.session == p.PID {
				sessions[p.session] = true
			}
		}
	}
	var ours []ident
	for _, p := range all {
		if !p.dead && (proven[p.PID] || sessions[p.session] && p.Start >= r.Start) {
			ours = append(ours, p.ident)
		}
	}
	return ours, nil
}
