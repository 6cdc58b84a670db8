package badger_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

var damages = flag.Int("damages", 50, "how often each test of damages damages a store")

// image copies the files of a store in use, as a crash would leave them.
func image(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o700)
		}
		return copySparse(path, filepath.Join(to, relative))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copySparse copies a file without filling its holes, which are most of a log.
func copySparse(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(info.Size()); err != nil {
		return err
	}
	for at := int64(0); ; {
		start, err := unix.Seek(int(in.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err != nil {
			return err
		}
		if at, err = unix.Seek(int(in.Fd()), start, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, start), io.NewSectionReader(in, start, at-start)); err != nil {
			return err
		}
	}
}

// written commits the numbered batches from first to last.
func written(t testing.TB, s store.Store, first, last uint64) {
	t.Helper()
	for n := first; n <= last; n++ {
		if err := s.Commit(t.Context(), numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// used is the length of a file without the zeros at its end.
func used(t testing.TB, path string) (content []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(content, "\x00")
}

// damage spoils a file from its byte number from on, and says how.
func damage(t testing.TB, r *rand.Rand, path string, from int) string {
	t.Helper()
	content := used(t, path)
	if len(content) <= from {
		return "nothing"
	}
	at := from + r.IntN(len(content)-from)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	how := ""
	switch r.IntN(3) {
	case 0:
		how, err = fmt.Sprintf("truncated to %d", at), file.Truncate(int64(at))
	case 1:
		bit := byte(1) << r.IntN(8)
		how = fmt.Sprintf("bit %02x flipped at %d", bit, at)
		_, err = file.WriteAt([]byte{content[at] ^ bit}, int64(at))
	default:
		block := at / 512 * 512
		how = fmt.Sprintf("512 bytes zeroed at %d", block)
		_, err = file.WriteAt(make([]byte, min(512, len(content)-block)), int64(block))
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s (%d bytes) %s", filepath.Base(path), len(content), how)
}

// noticed opens a damaged store. It fails the test when anything of the
// acknowledged batches is missing without an error.
func noticed(t testing.TB, dir, how string, acked uint64) bool {
	t.Helper()
	s, err := badger.Open(badger.Config{Dir: dir})
	if err != nil {
		if kind := fault.KindOf(err); kind != fault.Precondition && kind != fault.Unavailable {
			t.Errorf("%s: kind %v of %v", how, kind, err)
		}
		return true
	}
	defer s.Close()
	stored, err := storedNumber(s)
	if fault.KindOf(err) == fault.Internal && err != nil && strings.Contains(err.Error(), "damaged") {
		return true
	}
	if err != nil || stored < acked {
		t.Errorf("%s: silent loss: %d of %d batches, %v", how, stored, acked, err)
	}
	return false
}

// logs lists the write-ahead logs of a store, oldest first.
func logs(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "data", "*.mem"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs in %s: %v", dir, err)
	}
	return paths
}

func TestDamagedLog(t *testing.T) {
	t.Parallel()
	r := random(t)
	live, crashed := t.TempDir(), t.TempDir()
	s := open(t, badger.Config{Dir: live})
	written(t, s, 1, bigEvery-1) // little, so that copies are fast
	image(t, live, crashed)
	count := 0
	for range *damages {
		dir := t.TempDir()
		image(t, crashed, dir)
		log := logs(t, dir)[0]
		how := damage(t, r, log, len(used(t, log))/2)
		if noticed(t, dir, how, bigEvery-1) {
			count++
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d of %d damages noticed, the others harmless", count, *damages)
	if noticed(t, crashed, "nothing", bigEvery-1) {
		t.Error("an undamaged store was refused")
	}
}

// spoil changes the files of a store; it gets the store's directory.
type spoil func(t *testing.T, dir string)

func remove(name string) spoil {
	return func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// rewrite passes a file's content through fn.
func rewrite(name string, fn func([]byte) []byte) spoil {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fn(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func cut(n int) func([]byte) []byte {
	return func(content []byte) []byte { return content[:len(content)-n] }
}

// TestLoss spoils a store of 40 batches, 20 in a table and 20 in a log, and
// opens it twice without and once with the loss allowed.
func TestLoss(t *testing.T) {
	live, crashed := t.TempDir(), t.TempDir()
	s := open(t, badger.Config{Dir: live})
	written(t, s, 1, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, badger.Config{Dir: live})
	written(t, s, 21, 40)
	image(t, live, crashed)
	const log, sst = "data/00001.mem", "data/000001.sst"
	const lost, allow = "store DIR has lost data: ", "; restore a backup, or copy the directory and allow the loss to go on with what is left"
	const damaged, restore = "store DIR is damaged: ", "; restore a backup"
	for _, test := range []struct {
		name  string
		spoil spoil
		err   string // "" is none
		left  int    // batches with the loss allowed; -1 when it does not help
	}{
		{"nothing", func(*testing.T, string) {}, "", 40},
		{"the mark", remove("mark"), lost + "there is no high-water mark, so nobody knows whether commits are missing" + allow, 40},
		{"the mark's content", rewrite("mark", func(c []byte) []byte { return make([]byte, len(c)) }), lost + "the high-water mark is damaged, so nobody knows whether commits are missing" + allow, 40},
		{"the log", remove(log), lost + "it ends at commit 20, but commit 40 was acknowledged: 20 commits are missing" + allow, 20},
		{"the log's end", rewrite(log, func(c []byte) []byte { return bytes.TrimRight(c, "\x00")[:len(bytes.TrimRight(c, "\x00"))-50] }),
			lost + "it ends at commit 39, but commit 40 was acknowledged: 1 commits are missing" + allow, 39},
		{"the list of tables", remove("data/MANIFEST"), damaged + "its list of tables, data/MANIFEST, is missing" + restore, -1},
		{"the end of the list of tables", rewrite("data/MANIFEST", cut(3)), lost + "its list of tables is damaged" + allow, -1},
		{"all of the list but its magic", rewrite("data/MANIFEST", func(c []byte) []byte { return c[:8] }), lost + "its list of tables is damaged" + allow, -1},
		{"the list's magic", rewrite("data/MANIFEST", func(c []byte) []byte { return c[1:] }), lost + "its list of tables is damaged" + allow, -1},
		{"a table", remove(sst), damaged + "its table 000001.sst: it is missing" + restore, -1},
		{"a table's end", rewrite(sst, cut(9)), damaged + "its table 000001.sst: it was cut short: 71154 bytes are missing" + restore, -1},
		{"a table's block", rewrite(sst, func(c []byte) []byte { c[100] ^= 1; return c }), damaged + "its table 000001.sst: the checksum of its block 0 is wrong" + restore, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			image(t, crashed, dir)
			test.spoil(t, dir)
			for range 2 {
				wantLoss(t, dir, test.err)
			}
			if test.left < 0 {
				return
			}
			s := open(t, badger.Config{Dir: dir, AllowLoss: true})
			if n, err := storedNumber(s); err != nil || n != uint64(test.left) {
				t.Errorf("%d batches are left, %v; want %d", n, err, test.left)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wantLoss(t, dir, "") // what was allowed once is settled
		})
	}
}

func wantLoss(t *testing.T, dir, how string) {
	t.Helper()
	s, err := badger.Open(badger.Config{Dir: dir})
	if err == nil {
		err = s.Close()
		if how == "" && err == nil {
			return
		}
		t.Fatalf("opened, closed with %v; want %q", err, how)
	}
	text := strings.ReplaceAll(how, "DIR", dir)
	if err.Error() != text || fault.KindOf(err) != fault.Precondition {
		t.Errorf(" got %v\nwant %s", err, text)
	}
}

func TestFilesOfAnotherStore(t *testing.T) {
	one, other, mixed := t.TempDir(), t.TempDir(), t.TempDir()
	s := open(t, badger.Config{Dir: one})
	written(t, s, 1, 5)
	image(t, one, mixed)
	s = open(t, badger.Config{Dir: other})
	written(t, s, 11, 15)
	image(t, filepath.Join(other, "data"), filepath.Join(mixed, "data"))
	wantLoss(t, mixed, "store DIR has lost data: its commit 5 is not the one that was acknowledged: its files are of different stores; restore a backup, or copy the directory and allow the loss to go on with what is left")
}

// TestLossBetweenLogs makes what a crash leaves that comes before the first of
// two logs is turned into a table, and spoils the first.
func TestLossBetweenLogs(t *testing.T) {
	live, crashed := t.TempDir(), t.TempDir()
	s := open(t, badger.Config{Dir: live})
	written(t, s, 1, 20)
	image(t, live, crashed)
	again := t.TempDir()
	image(t, crashed, again)
	s = open(t, badger.Config{Dir: again})
	written(t, s, 21, 40)
	later := t.TempDir()
	image(t, again, later)
	for _, name := range []string{"mark", "data/00002.mem"} {
		if err := copySparse(filepath.Join(later, name), filepath.Join(crashed, name)); err != nil {
			t.Fatal(err)
		}
	}
	// The mark knows of the table by now; in the crash it does not.
	if err := badger.ForgetTables(crashed); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(crashed, "data/00001.mem")
	whole := t.TempDir()
	image(t, crashed, whole)
	wantLoss(t, whole, "")

	if err := os.Truncate(first, int64(len(used(t, first)))*3/4); err != nil {
		t.Fatal(err)
	}
	s, err := badger.Open(badger.Config{Dir: crashed})
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "to 20 are missing from its logs") {
		t.Error(err)
	}
}

// TestDamagedFiles damages any file of a store that has tables, logs and long
// values.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	r := random(t)
	live, crashed := t.TempDir(), t.TempDir()
	s := open(t, badger.Config{Dir: live})
	written(t, s, 1, 70)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, badger.Config{Dir: live})
	written(t, s, 71, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, badger.Config{Dir: live})
	written(t, s, 101, 130)
	image(t, live, crashed)
	files, err := filepath.Glob(filepath.Join(crashed, "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(crashed, "mark"))
	count := 0
	for range *damages {
		dir := t.TempDir()
		image(t, crashed, dir)
		path := files[r.IntN(len(files))]
		relative, err := filepath.Rel(crashed, path)
		if err != nil {
			t.Fatal(err)
		}
		if noticed(t, dir, damage(t, r, filepath.Join(dir, relative), 0), 130) {
			count++
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d of %d damages to %d files noticed, the others harmless", count, *damages, len(files))
	if noticed(t, crashed, "nothing", 130) {
		t.Error("an undamaged store was refused")
	}
}
