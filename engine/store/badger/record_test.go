package badger

import (
	"bytes"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

func TestRecord(t *testing.T) {
	key := bucketKey("entity", "abc")
	good, _ := appendRecord(nil, key, []byte("value"))
	value, err := openRecord(key, good)
	if err != nil || string(value) != "value" {
		t.Fatalf("got %q, %v", value, err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	newer := bytes.Clone(good)
	newer[0] = 2
	for _, test := range []struct {
		name, err   string
		key, record []byte
	}{
		{"short", "record entity/abc is damaged: it has 4 bytes, expected at least 5", key, good[:4]},
		{"newer", "record entity/abc is damaged: its version is 2, expected 1", key, newer},
		{"flipped", "record entity/abc is damaged: its checksum is adb667b9, expected 5fdde4ba", key, flipped},
		{"of another key", "record entity/abd is damaged: its checksum is d9941817, expected 5fdde4ba", bucketKey("entity", "abd"), good},
	} {
		_, err := openRecord(test.key, test.record)
		if err == nil || err.Error() != test.err || fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: got %v\nwant %s", test.name, err, test.err)
		}
	}
}

func FuzzOpenRecord(f *testing.F) {
	good, _ := appendRecord(nil, []byte("b\x00k"), []byte("value"))
	f.Add([]byte("b\x00k"), good)
	f.Add([]byte(""), []byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, key, record []byte) {
		value, err := openRecord(key, record)
		if err != nil {
			return
		}
		if again, _ := appendRecord(nil, key, value); !bytes.Equal(again, record) {
			t.Errorf("%x opens as %x, which is %x again", record, value, again)
		}
	})
}

func TestMarkSlots(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := openMark(dir); err != errNoMark {
		t.Fatalf("got %v", err)
	}
	k, err := createMark(dir, mark{})
	if err != nil {
		t.Fatal(err)
	}
	marks := make([]mark, 4)
	for i := range marks {
		marks[i] = mark{position{uint64(i), uint64(10 * i), 7}, fingerprint{int64(i), 8, 9}}
		if err := k.write(marks[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, markFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		spoil []int // bytes to flip
		want  mark
		err   error
	}{
		{"whole", nil, marks[3], nil},
		{"the newer torn", []int{30}, marks[2], nil},
		{"the older torn", []int{slotStride + 30}, marks[3], nil},
		{"both torn", []int{30, slotStride + 30}, mark{}, errBadMark},
	} {
		spoilt := bytes.Clone(content)
		for _, at := range test.spoil {
			spoilt[at] ^= 4
		}
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		k, got, err := openMark(dir)
		if got != test.want || err != test.err {
			t.Errorf("%s: got %+v, %v; want %+v, %v", test.name, got, err, test.want, test.err)
		}
		if err := k.file.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseMark(f *testing.F) {
	content := make([]byte, slotStride+slotSize)
	copy(content, appendSlot(nil, 3, mark{position{1, 2, 3}, fingerprint{4, 5, 6}}))
	f.Add(content[:slotSize])
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		turn, m, ok := parseMark(content)
		if slot := appendSlot(nil, turn, m); ok && !bytes.Contains(content, slot) {
			t.Errorf("%+v is not in the file", m)
		}
	})
}

func TestFingerprint(t *testing.T) {
	record := func(body string) []byte {
		to := []byte{0, 0, 0, byte(len(body)), 0, 0, 0, 0}
		crc := crc32.Checksum([]byte(body), castagnoli)
		to[4], to[5], to[6], to[7] = byte(crc>>24), byte(crc>>16), byte(crc>>8), byte(crc)
		return append(to, body...)
	}
	dir := t.TempDir()
	list := slices.Concat([]byte("Bdgr\x00\x00\x00\x08"), record("one"), record("two"))
	if err := os.WriteFile(filepath.Join(dir, manifestFile), list, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := fingerprint{}.refresh(dir)
	if err != nil || f.size != int64(len(list)) || parseFingerprint(f.append(nil)) != f {
		t.Fatalf("fingerprint %+v, %v", f, err)
	}
	zeroed := bytes.Clone(list)
	clear(zeroed[len(zeroed)-11:])
	rewritten := slices.Concat(list[:8], record("both"))
	for _, test := range []struct {
		name    string
		content []byte
		want    bool
	}{
		{"same", list, true},
		{"longer", slices.Concat(list, record("three")), true},
		{"cut", list[:len(list)-1], false},
		{"cut between records", list[:8+11], false},
		{"end zeroed", zeroed, false},
		{"rewritten", rewritten, true},
		{"rewritten and cut", rewritten[:len(rewritten)-1], false},
		{"beginning zeroed", append(make([]byte, 30), list[30:]...), false},
		{"empty", nil, false},
	} {
		if got := f.matches(test.content); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if !(fingerprint{}).matches(nil) {
		t.Error("the zero fingerprint refuses a list")
	}
}

func TestJournal(t *testing.T) {
	ops := []store.Op{{Key: "own", Value: []byte{1}}, {Bucket: "b", Key: "k", Value: []byte("v")}, {Bucket: "b", Key: "gone", Value: []byte{}, Delete: true}}
	got, err := decodeJournal(encodeJournal(ops))
	if err != nil || len(got) != 3 || string(got[1].Value) != "v" || !got[2].Delete || got[0].Bucket != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = decodeJournal(encodeJournal(ops)[:12])
	if err == nil || err.Error() != "the journal of a large batch is damaged at its write 1" {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeJournal(f *testing.F) {
	f.Add(encodeJournal([]store.Op{{Bucket: "b", Key: "k", Value: []byte("v")}, {Bucket: "b", Key: "d", Delete: true}}))
	f.Add([]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, from []byte) {
		ops, err := decodeJournal(from)
		if err != nil {
			return
		}
		again, err := decodeJournal(encodeJournal(ops))
		if err != nil || len(again) != len(ops) {
			t.Errorf("%d writes become %d, %v", len(ops), len(again), err)
		}
	})
}

// FuzzScanWAL starts from a log that Badger itself wrote.
func FuzzScanWAL(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		b := &store.Batch{}
		b.Put("b", "k", []byte("v"))
		b.Delete("b", "d")
		if err := s.Commit(f.Context(), b); err != nil {
			f.Fatal(err)
		}
	}
	logs, err := readWALs(filepath.Join(dir, dataDir))
	if err != nil || len(logs) != 1 || logs[0].first.commits != 0 || logs[0].last.commits != 3 {
		f.Fatalf("logs %+v, %v", logs, err)
	}
	content, err := os.ReadFile(logs[0].path)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(content[:logs[0].end+100])
	f.Fuzz(func(t *testing.T, content []byte) {
		log, err := scanWAL(bytes.NewReader(content), int64(len(content)))
		if err != nil || log.end > int64(len(content)) {
			t.Errorf("%+v, %v", log, err)
		}
	})
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1 << 10: "1 kB", 120 << 20: "120 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// TestFailedWrite sees that a store that could not write everything takes no
// more until it is opened anew.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	one := func(value string) *store.Batch {
		b := &store.Batch{}
		b.Put("b", "k", []byte(value))
		return b
	}
	if err := s.Commit(t.Context(), one("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.(*disk).mark.file.Close(); err != nil {
		t.Fatal(err)
	}
	cause := "write the high-water mark: write " + filepath.Join(dir, markFile) + ": file already closed"
	reason := "store is read-only until the server is started anew: " + cause
	if err := s.Commit(t.Context(), one("2")); err == nil || err.Error() != cause {
		t.Errorf("got %v, want %s", err, cause)
	}
	s.Enqueue(one("3"))
	if err := s.Commit(t.Context(), one("4")); err == nil || err.Error() != reason || fault.KindOf(err) != fault.ReadOnly {
		t.Errorf("got %v, want %s", err, reason)
	}
	if h := s.Health(); !h.ReadOnly || h.Reason != reason || h.LastError != reason || h.Dropped != 1 {
		t.Errorf("health %+v", h)
	}
	if err := s.Close(); err == nil {
		t.Error("closed without an error")
	}
	s, err = Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Get("b", "k"); err != nil || string(got) != "2" {
		t.Errorf("got %q, %v", got, err)
	}
}
