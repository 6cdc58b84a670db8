package lock_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci/lock"
)

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha256:" + strings.Repeat("b", 64)
)

func TestWriteAndRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), lock.Name)
	f, err := lock.Read(file)
	if err != nil || len(f.Artifacts) != 0 {
		t.Fatalf("none: %+v, %v", f, err)
	}
	f.Set("ghcr.io/team/redis@>=1", lock.Entry{Digest: digestA, Name: "redis", Version: "1.0.0", Format: "wasm", Capabilities: []string{"step b", "step a", "step b"}})
	if err := f.Write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "lockVersion": 1,
  "artifacts": {
    "ghcr.io/team/redis@>=1": {
      "digest": "` + digestA + `",
      "name": "redis",
      "version": "1.0.0",
      "format": "wasm",
      "capabilities": [
        "step a",
        "step b"
      ]
    }
  }
}
`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
	again, err := lock.Read(file)
	if err != nil || !reflect.DeepEqual(again, f) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "the lock file cannot be read: EOF"},
		{`{"lockVersion": 2}`, "a lock file of version 2; expected 1"},
		{`{"lockVersion": 1, "artefacts": {}}`, `the lock file cannot be read: json: unknown field "artefacts"`},
		{`{"lockVersion": 1, "artifacts": {"a": {"digest": "latest"}}}`, `lock of "a": digest "latest"; expected sha256: and 64 digits 0 to 9 and a to f`},
		{strings.Repeat(" ", 5<<20), "a lock file of 5242880 bytes; at most 4194304 are allowed"},
	} {
		if _, err := lock.Parse([]byte(c.in)); err == nil || err.Error() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	const ref = "ghcr.io/team/redis@^1"
	old := lock.Entry{Digest: digestA, Name: "redis", Version: "1.2.0", Signer: "sha256:k", Capabilities: []string{"step a"}}
	with := func(change func(*lock.Entry)) lock.Entry {
		e := old
		e.Digest, e.Version = digestB, "1.3.0"
		change(&e)
		return e
	}
	for _, c := range []struct {
		what        string
		old, fresh  lock.Entry
		allow, want string
	}{
		{"nothing was locked", lock.Entry{}, old, "", ""},
		{"the same", old, old, "", ""},
		{"newer", old, with(func(*lock.Entry) {}), "", ""},
		{"fewer capabilities", old, with(func(e *lock.Entry) { e.Capabilities = nil }), "", ""},
		{"older", old, with(func(e *lock.Entry) { e.Version = "1.1.9" }), "downgrade", "version 1.1.9 is older than 1.2.0, which is locked"},
		{"an older pre-release", old, with(func(e *lock.Entry) { e.Version = "1.2.0-rc.1" }), "downgrade", "version 1.2.0-rc.1 is older than 1.2.0, which is locked"},
		{"older in Brooklyn's way", with(func(e *lock.Entry) { e.Version = "1.0"; e.Digest = digestA }), with(func(e *lock.Entry) { e.Version = "1.0-SNAPSHOT" }), "downgrade", "version 1.0-SNAPSHOT is older than 1.0, which is locked"},
		{"replaced", old, with(func(e *lock.Entry) { e.Version = "1.2.0" }), "replacement", "version 1.2.0 is locked as " + digestA + ", and is now " + digestB},
		{"another module", old, with(func(e *lock.Entry) { e.Name = "mysql" }), "replacement", "it is mysql, and redis is locked"},
		{"unsigned", old, with(func(e *lock.Entry) { e.Signer = "" }), "unsigned", "version 1.2.0 was signed, and version 1.3.0 is not"},
		{"more capabilities", old, with(func(e *lock.Entry) { e.Capabilities = []string{"step z", "step a", "step b"} }), "capabilities", "version 1.3.0 asks for more than version 1.2.0 did: step b, step z"},
	} {
		t.Run(c.what, func(t *testing.T) {
			err := lock.Check(ref, c.old, c.fresh, nil)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := ref + " is refused: " + c.want + "; allow \"" + c.allow + "\" if that is meant"
			if err == nil || err.Error() != want || fault.KindOf(err) != fault.Forbidden {
				t.Errorf("got %v\nwant %s", err, want)
			}
			if err := lock.Check(ref, c.old, c.fresh, []string{c.allow}); err != nil {
				t.Errorf("allowed: %v", err)
			}
			for _, other := range lock.Allowances() {
				if other != c.allow && lock.Check(ref, c.old, c.fresh, []string{other}) == nil {
					t.Errorf("%s allows it too", other)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"lockVersion": 1, "artifacts": {"a": {"digest": "` + digestA + `", "version": "1", "capabilities": ["x"]}}}`))
	f.Add([]byte(`{"lockVersion": 1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := lock.Parse(content)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.Limit {
				t.Errorf("kind %v: %v", k, err)
			}
			return
		}
		text, err := file.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lock.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if more, err := again.Text(); err != nil || !bytes.Equal(more, text) {
			t.Errorf("%s becomes %s, %v", text, more, err)
		}
	})
}
