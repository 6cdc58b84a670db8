//go:build lab

package lab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/test/lab"
)

const thingsPath = "team/things"

// shop is a registry, and a user of the program with keys.
type shop struct {
	*lab.Registry
	dir    string // where the program runs
	binary string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{Registry: lab.StartRegistry(t), dir: t.TempDir(), binary: filepath.Join(root, "bin", "gowanus")}
	for _, name := range []string{"release", "stranger"} {
		s.must(t, "module", "keygen", name)
	}
	return s
}

// run runs the program. It finds the login as docker login leaves it.
func (s *shop) run(args ...string) (string, error) {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), "GOWANUS_KEY_PASSWORD=pa55", "GOWANUS_TRUST=release.pub", "DOCKER_CONFIG=" + s.dir}
	login := m{"auths": m{s.Host: m{"auth": []byte(s.User + ":" + s.Password)}}} // JSON writes bytes in base64
	text, err := json.Marshal(login)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "config.json"), text, 0o600)
	}
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *shop) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.run(args...)
	if err != nil {
		t.Fatalf("gowanus %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refused runs the program, which must fail and write no file.
func (s *shop) refused(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := s.run(args...)
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("gowanus %s: %v\n%s\nwant %s", strings.Join(args, " "), err, out, want)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "things-*")); len(left) > 0 {
		t.Errorf("it wrote %v", left)
	}
}

// publish publishes a version of a bundle, and gives the digest of its manifest.
func (s *shop) publish(t *testing.T, version string, args ...string) string {
	t.Helper()
	text := fmt.Sprintf("brooklyn.catalog:\n  bundle: things\n  version: %s\n  items:\n  - id: thing\n    itemType: entity\n    item: {type: %s}\n",
		version, "org.apache.brooklyn.entity.stock.BasicEntity")
	if err := os.WriteFile(filepath.Join(s.dir, "catalog.bom"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.must(t, append([]string{"-o", "json", "module", "push", "catalog.bom", s.Host + "/" + thingsPath}, args...)...)
	var answer struct{ Digest string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return answer.Digest
}

// change changes a file that the registry keeps.
func change(t *testing.T, file string, do func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, do(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRegistry takes a shipped module the whole way.
func TestRegistry(t *testing.T) {
	s := newShop(t)
	ref := s.Host + "/team/placement"
	wasm, err := filepath.Abs("../../modules/built/placement.wasm")
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "module", "push", wasm, ref, "--sign", "release.key")
	if out := s.must(t, "module", "search", ref); !strings.Contains(out, "strategy breadth-first") {
		t.Errorf("search: %s", out)
	}
	s.must(t, "module", "pull", ref+"@*", "got.wasm", "--lock", "gowanus.lock")
	want, err := os.ReadFile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(s.dir, "got.wasm"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("what was pulled is not what was pushed: %v", err)
	}
	s.must(t, "module", "sign", ref, "--key", "stranger.key")
	for _, key := range []string{"release.pub", "stranger.pub"} {
		if out := s.must(t, "module", "verify", ref, "--trust", key); !strings.Contains(out, "signed  by "+strings.TrimSuffix(key, ".pub")) {
			t.Errorf("verify: %s", out)
		}
	}
	s.must(t, "module", "copy", ref, "oci-archive:carry.tar")
	s.must(t, "module", "copy", "oci-archive:carry.tar", s.Host+"/mirror/placement")
	s.refused(t, "is for the repository "+ref, "module", "verify", s.Host+"/mirror/placement")

	anonymous := *s
	registry := *s.Registry
	registry.Password = "wrong"
	anonymous.Registry = &registry
	if out, err := anonymous.run("module", "verify", ref); err == nil || !strings.Contains(out, "the registry refuses this user or password") {
		t.Errorf("with a wrong password: %v, %s", err, out)
	}
}

// TestRegistryTampered changes what the registry has on its disk.
func TestRegistryTampered(t *testing.T) {
	hallo := func(b []byte) []byte { return bytes.Replace(b, []byte("things"), []byte("thongs"), 1) }
	var manifest struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	read := func(t *testing.T, s *shop, digest string) {
		t.Helper()
		text, err := os.ReadFile(s.Blob(digest))
		if err == nil {
			err = json.Unmarshal(text, &manifest)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, want string
		attack     func(t *testing.T, s *shop, old, fresh string)
	}{
		{"file", " was changed: what came has the digest sha256:", func(t *testing.T, s *shop, _, fresh string) {
			read(t, s, fresh)
			change(t, s.Blob(manifest.Layers[0].Digest), hallo)
		}},
		{"description", " was changed: what came has the digest sha256:", func(t *testing.T, s *shop, _, fresh string) {
			read(t, s, fresh)
			change(t, s.Blob(manifest.Config.Digest), hallo)
		}},
		{"manifest", "gowanus: ", func(t *testing.T, s *shop, _, fresh string) { // the registry may notice first
			change(t, s.Blob(fresh), hallo)
		}},
		{"tag", "the tag 1.1.0 leads to version 1.0.0", func(t *testing.T, s *shop, old, _ string) {
			change(t, s.Tag(thingsPath, "1.1.0"), func([]byte) []byte { return []byte(old) })
		}},
		{"signature moved", " of key release is for the digest sha256:", func(t *testing.T, s *shop, old, _ string) {
			evil := s.publish(t, "1.2.0")
			signed, err := os.ReadFile(s.Tag(thingsPath, strings.Replace(old, ":", "-", 1)+".sig"))
			if err != nil {
				t.Fatal(err)
			}
			to := s.Tag(thingsPath, strings.Replace(evil, ":", "-", 1)+".sig")
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, signed, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"unsigned", " is refused: it is not signed", func(t *testing.T, s *shop, _, _ string) { s.publish(t, "1.2.0") }},
		{"wrong key", " was made with none of the trusted keys (release)", func(t *testing.T, s *shop, _, _ string) {
			s.publish(t, "1.2.0", "--sign", "stranger.key")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			old := s.publish(t, "1.0.0", "--sign", "release.key")
			fresh := s.publish(t, "1.1.0", "--sign", "release.key")
			s.must(t, "module", "pull", s.Host+"/"+thingsPath, "good.bom")
			c.attack(t, s, old, fresh)
			s.refused(t, c.want, "module", "pull", s.Host+"/"+thingsPath)
		})
	}
}
