package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
)

// Error numbers of WASI preview 1.
const (
	wasiOK         = 0
	wasiBadFile    = 8
	wasiInvalid    = 28
	wasiNotCapable = 76
)

// The clock starts here and advances by what the guest sleeps, and a little at
// each look at it, so that a loop that waits for time to pass ends.
const (
	clockStart = 1_640_995_200_000_000_000 // 2022-01-01T00:00:00Z in nanoseconds
	clockTick  = 1_000                     // nanoseconds per look
)

// world is what WASI shows a guest: nothing but time of its own, random
// numbers that are the same in every call, and a place to write to.
type world struct {
	elapsed uint64 // nanoseconds since the instance was made
	random  *rand.ChaCha8
	stderr  []byte                   // the beginning of what was written, for error messages
	lines   [2]struct{ text []byte } // of standard output and error, until they end
}

// reset begins a call: it sees the same random numbers as any other.
func (w *world) reset() {
	w.random = nil
	w.stderr, w.lines[0].text, w.lines[1].text = w.stderr[:0], w.lines[0].text[:0], w.lines[1].text[:0]
}

const lastWords = 400 // bytes of what a call wrote as errors that an error message shows

// say keeps what a call writes to standard error, or to the log as an error: a
// runtime that gives up tells there why.
func (w *world) say(text []byte) {
	w.stderr = append(w.stderr, text[:min(len(text), max(0, lastWords-len(w.stderr)))]...)
}

func (w *world) lastWords() string {
	text := bytes.TrimSpace(w.stderr)
	if len(text) == 0 {
		return ""
	}
	return fmt.Sprintf(", after writing %q", text)
}

// wasiFunctions are the functions of wasi_snapshot_preview1 that language
// runtimes need. Those that would open files are there because standard
// libraries import them, and refuse.
func wasiFunctions() []hostFunction {
	list := []hostFunction{
		{"args_get", sig("ii", "i"), wasiNothing},
		{"args_sizes_get", sig("ii", "i"), wasiNoStrings},
		{"environ_get", sig("ii", "i"), wasiNothing},
		{"environ_sizes_get", sig("ii", "i"), wasiNoStrings},
		{"clock_res_get", sig("ii", "i"), wasiClockResolution},
		{"clock_time_get", sig("iIi", "i"), wasiClock},
		{"random_get", sig("ii", "i"), wasiRandom},
		{"sched_yield", sig("", "i"), func(_ *instance, s []uint64) { s[0] = wasiOK }},
		{"proc_exit", sig("i", ""), func(_ *instance, s []uint64) { panic(&exitError{code: uint32(s[0])}) }},
		{"poll_oneoff", sig("iiii", "i"), wasiPoll},
		{"fd_write", sig("iiii", "i"), wasiWrite},
		{"fd_fdstat_get", sig("ii", "i"), wasiFileStatus},
	}
	for name, params := range map[string]string{
		"fd_close": "i", "fd_fdstat_set_flags": "ii", "fd_filestat_get": "ii", "fd_prestat_get": "ii",
		"fd_prestat_dir_name": "iii", "fd_read": "iiii", "fd_seek": "iIii", "fd_tell": "ii",
		"fd_sync": "i", "fd_datasync": "i", "fd_pread": "iiiIi", "fd_pwrite": "iiiIi", "fd_readdir": "iiiIi",
		"fd_filestat_set_size": "iI", "fd_filestat_set_times": "iIIi", "fd_renumber": "ii",
		"fd_advise": "iIIi", "fd_allocate": "iII", "fd_fdstat_set_rights": "iII",
	} {
		list = append(list, hostFunction{name, sig(params, "i"), func(_ *instance, s []uint64) { s[0] = wasiBadFile }})
	}
	for name, params := range map[string]string{
		"path_open": "iiiiiIIii", "path_filestat_get": "iiiii", "path_readlink": "iiiiii", "path_create_directory": "iii",
		"path_remove_directory": "iii", "path_unlink_file": "iii", "path_rename": "iiiiii", "path_symlink": "iiiii",
		"path_link": "iiiiiii", "path_filestat_set_times": "iiiiIIi",
	} {
		list = append(list, hostFunction{name, sig(params, "i"), func(_ *instance, s []uint64) { s[0] = wasiNotCapable }})
	}
	return list
}

func wasiNothing(_ *instance, s []uint64) { s[0] = wasiOK }

// wasiNoStrings answers that there are no arguments, or no environment.
func wasiNoStrings(i *instance, s []uint64) {
	i.put32("args_sizes_get", s[0], 0)
	i.put32("args_sizes_get", s[1], 0)
	s[0] = wasiOK
}

func (i *instance) put32(what string, at uint64, v uint32) {
	binary.LittleEndian.PutUint32(i.bytes(what, at, 4), v)
}

func (i *instance) put64(what string, at uint64, v uint64) {
	binary.LittleEndian.PutUint64(i.bytes(what, at, 8), v)
}

func wasiClockResolution(i *instance, s []uint64) {
	i.put64("clock_res_get", s[1], clockTick)
	s[0] = wasiOK
}

func wasiClock(i *instance, s []uint64) {
	i.world.elapsed += clockTick
	now := i.world.elapsed
	if uint32(s[0]) == 0 { // the wall clock; all others count from the start
		now += clockStart
	}
	i.put64("clock_time_get", s[2], now)
	s[0] = wasiOK
}

func wasiRandom(i *instance, s []uint64) {
	if i.world.random == nil {
		i.world.random = rand.NewChaCha8([32]byte([]byte("gowanus: no secrets from in here")))
	}
	const piece = 64 << 10
	for rest := i.bytes("random_get", s[0], s[1]); len(rest) > 0; {
		n := min(len(rest), piece)
		_, _ = i.world.random.Read(rest[:n])
		rest = rest[n:]
		i.checkHalted()
	}
	s[0] = wasiOK
}

// wasiWrite takes standard output and error as lines of the log.
func wasiWrite(i *instance, s []uint64) {
	fd, list, n := uint32(s[0]), s[1], uint32(s[2])
	if fd != 1 && fd != 2 {
		s[0] = wasiBadFile
		return
	}
	if n > 1024 {
		s[0] = wasiInvalid
		return
	}
	vectors := i.bytes("fd_write", list, uint64(n)*8)
	var text []byte
	total := uint32(0)
	for ; len(vectors) > 0; vectors = vectors[8:] {
		at, length := binary.LittleEndian.Uint32(vectors), binary.LittleEndian.Uint32(vectors[4:])
		part := i.bytes("fd_write", uint64(at), uint64(length))
		text = append(text, part[:min(len(part), max(0, i.module.limits.LogBytes-len(text)))]...)
		total += length
	}
	i.put32("fd_write", s[3], total)
	i.written(fd, text)
	if total > uint32(len(text)) { // where the rest of it ended is not known
		i.endLine(fd)
	}
	s[0] = wasiOK
}

func (i *instance) written(fd uint32, text []byte) {
	if fd == 2 {
		i.world.say(text)
	}
	l := &i.world.lines[fd-1]
	for part := range bytes.Lines(text) {
		l.text = append(l.text, part[:min(len(part), max(0, i.module.limits.LogBytes-len(l.text)))]...)
		if part[len(part)-1] == '\n' {
			i.endLine(fd)
		}
	}
}

// endLine logs what was written of a line of standard output or error.
func (i *instance) endLine(fd uint32) {
	l := &i.world.lines[fd-1]
	if text := bytes.TrimRight(l.text, "\r\n"); len(text) > 0 {
		level := slog.LevelInfo
		if fd == 2 {
			level = slog.LevelWarn
		}
		i.logLine(level, text)
	}
	l.text = l.text[:0]
}

// endLines does so for lines that the call did not end.
func (i *instance) endLines() {
	i.endLine(1)
	i.endLine(2)
}

// wasiFileStatus says that 0, 1 and 2 are character devices.
func wasiFileStatus(i *instance, s []uint64) {
	if uint32(s[0]) > 2 {
		s[0] = wasiBadFile
		return
	}
	status := i.bytes("fd_fdstat_get", s[1], 24)
	clear(status)
	status[0] = 2
	s[0] = wasiOK
}

// Sizes of what poll_oneoff reads and writes.
const (
	subscriptionSize = 48
	eventSize        = 32
)

// wasiPoll returns at once: time is what passes for the guest, not for us. The
// clock advances to the earliest time that was waited for, unless a file was
// waited for as well, which fails immediately.
func wasiPoll(i *instance, s []uint64) {
	n := uint32(s[2])
	if n == 0 || n > 1024 {
		s[0] = wasiInvalid
		return
	}
	in := append([]byte(nil), i.bytes("poll_oneoff", s[0], uint64(n)*subscriptionSize)...)
	out := i.bytes("poll_oneoff", s[1], uint64(n)*eventSize)
	now, wake := i.world.elapsed, uint64(longest)
	for sub := in; len(sub) > 0; sub = sub[subscriptionSize:] {
		if sub[8] == 0 {
			wake = min(wake, wakeTime(sub, now))
		} else {
			wake = 0
		}
	}
	i.world.elapsed = max(now, wake)
	count := uint32(0)
	for sub := in; len(sub) > 0; sub = sub[subscriptionSize:] {
		kind, failure := sub[8], uint16(wasiOK)
		if kind != 0 {
			failure = wasiBadFile
		} else if wakeTime(sub, now) > i.world.elapsed {
			continue
		}
		event := out[count*eventSize : (count+1)*eventSize]
		clear(event)
		copy(event, sub[:8])
		binary.LittleEndian.PutUint16(event[8:], failure)
		event[10] = kind
		count++
	}
	i.put32("poll_oneoff", s[3], count)
	s[0] = wasiOK
}

// longest is as far as the clock goes, 146 years.
const longest = 1 << 62

// wakeTime reads when a subscription to a clock that was made at now is over.
// Both are nanoseconds since the instance was made.
func wakeTime(subscription []byte, now uint64) uint64 {
	clock, timeout := binary.LittleEndian.Uint32(subscription[16:]), min(binary.LittleEndian.Uint64(subscription[24:]), longest)
	switch absolute := subscription[40]&1 == 1; {
	case !absolute:
		return min(now+timeout, longest)
	case clock == 0:
		return max(timeout, clockStart) - clockStart
	}
	return timeout
}
