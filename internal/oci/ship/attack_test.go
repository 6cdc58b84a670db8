package ship_test

import (
	"bytes"
	"context"
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/lock"
	"github.com/gowanus-project/gowanus/internal/oci/ocitest"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

// victim is a repository with signed versions, and who fetches from it.
type victim struct {
	reg     *ocitest.Registry
	repo    string
	key     crypto.Signer
	options ship.FetchOptions
	one     *ship.Published // 1.0.0
	two     *ship.Published // 1.1.0
}

const path = "team/greeter"

// prey publishes two versions. Each attack is tried on a registry with and one
// without referrers.
func prey(t *testing.T, attack func(t *testing.T, v *victim)) {
	t.Helper()
	for name, referrers := range map[string]bool{"referrers": true, "tags": false} {
		t.Run(name, func(t *testing.T) {
			v := &victim{reg: ocitest.New(t), key: generate(t)}
			v.reg.Referrers = referrers
			v.repo = v.reg.Host() + "/" + path
			v.options = ship.FetchOptions{Registry: options, Trust: trusting(t, v.key, ""), Now: now}
			v.one = publish(t, v.repo, module(t, "1.0.0", "set-sensor"), ship.Signing{Key: v.key})
			v.two = publish(t, v.repo, module(t, "1.1.0", "set-sensor"), ship.Signing{Key: v.key})
			if _, err := ship.Fetch(context.Background(), v.repo, v.options); err != nil {
				t.Fatalf("before the attack: %v", err)
			}
			attack(t, v)
		})
	}
}

// refused checks that nothing is given, and why.
func (v *victim) refused(t *testing.T, ref string, want ...string) {
	t.Helper()
	f, err := ship.Fetch(context.Background(), ref, v.options)
	if err == nil {
		t.Fatalf("%s was taken", ref)
	}
	if f != nil {
		t.Error("content was given with the error")
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v\nwant %s", err, text)
		}
	}
}

func TestAttackUnsigned(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		publish(t, v.repo, module(t, "1.2.0"), ship.Signing{})
		v.refused(t, v.repo, v.repo+"@"+v.reg.Digest(path, "1.2.0")+" is refused: it is not signed")
	})
}

func TestAttackWrongKey(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		publish(t, v.repo, module(t, "1.2.0"), ship.Signing{Key: generate(t)})
		v.refused(t, v.repo, "is refused: the signature in sha256:", " was made with none of the trusted keys (release)")
	})
}

// TestAttackBorrowedSignature gives a module the signature of another.
func TestAttackBorrowedSignature(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		evil := publish(t, v.repo, module(t, "1.2.0"), ship.Signing{})
		v.reg.Tag(path, mark(evil.Digest)+".sig", v.reg.Digest(path, mark(v.two.Digest)+".sig"))
		v.refused(t, v.repo, " of key release is for the digest "+v.two.Digest)
	})
}

// TestAttackOtherRepository offers, under the name of one module, another one
// that the same people signed.
func TestAttackOtherRepository(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		publish(t, v.reg.Host()+"/team/danger", module(t, "1.2.0"), ship.Signing{Key: v.key})
		digest := v.reg.Digest("team/danger", "1.2.0")
		v.reg.Tag(path, "1.2.0", digest)
		v.reg.Tag(path, mark(digest)+".sig", v.reg.Digest("team/danger", mark(digest)+".sig"))
		v.refused(t, v.repo, " of key release is for the repository "+v.reg.Host()+"/team/danger")
	})
}

func TestAttackTamperedFile(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		m := module(t, "1.1.0", "set-sensor")
		v.reg.Tamper = func(_ string, _ int, content []byte) []byte {
			if bytes.Equal(content, m.Content) {
				content = bytes.Clone(content)
				content[len(content)-1] ^= 1
			}
			return content
		}
		v.refused(t, v.repo, "read a file of "+v.repo+": sha256:", " was changed: what came has the digest sha256:")
	})
}

func TestAttackTamperedDescription(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		v.reg.Tamper = func(_ string, _ int, content []byte) []byte {
			if bytes.HasPrefix(content, []byte(`{"name"`)) {
				return bytes.Replace(content, []byte("set-sensor"), []byte("run-nohup!"), 1)
			}
			return content
		}
		v.refused(t, v.repo, " was changed: what came has the digest sha256:")
	})
}

// TestAttackTamperedManifest changes a manifest under the digest that it had,
// and then with a digest of its own.
func TestAttackTamperedManifest(t *testing.T) {
	change := func(content []byte) []byte {
		return bytes.Replace(content, []byte("says hello"), []byte("says hallo"), 1)
	}
	prey(t, func(t *testing.T, v *victim) {
		v.reg.Tamper = func(what string, _ int, content []byte) []byte {
			if what == v.two.Digest {
				return change(content)
			}
			return content
		}
		v.refused(t, v.repo, v.two.Digest+" was changed: what came has the digest sha256:")
	})
	prey(t, func(t *testing.T, v *victim) {
		var raw []byte
		v.reg.Tamper = func(what string, _ int, content []byte) []byte {
			if what == v.two.Digest {
				raw = bytes.Clone(content)
			}
			return content
		}
		if _, err := ship.Fetch(context.Background(), v.repo, v.options); err != nil {
			t.Fatal(err)
		}
		v.reg.Tamper = nil
		v.reg.Put(path, "1.1.0", "application/vnd.oci.image.manifest.v1+json", change(raw))
		v.refused(t, v.repo, "is refused: it is not signed")
	})
}

// TestAttackReplayedVersion offers an old version, signed as it is, for a new one.
func TestAttackReplayedVersion(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		f, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options)
		if err != nil {
			t.Fatal(err)
		}
		// Under the tag of the new one it is known by its own version.
		v.reg.Tag(path, "1.1.0", v.one.Digest)
		v.refused(t, v.repo+":1.1.0", v.repo+":1.1.0 is refused: the tag 1.1.0 leads to version 1.0.0")
		v.refused(t, v.repo+"@^1", v.repo+"@^1 is refused: the tag 1.1.0 leads to version 1.0.0")
		// Under a tag that says nothing, and when the new one is hidden, the lock knows.
		v.reg.Tag(path, "stable", v.one.Digest)
		v.options.Locked, v.options.Update = f.Entry, true
		v.refused(t, v.repo+":stable", v.repo+`:stable is refused: version 1.0.0 is older than 1.1.0, which is locked; allow "downgrade" if that is meant`)
		v.refused(t, v.repo+"@1.0.x", "version 1.0.0 is older than 1.1.0, which is locked")
		v.options.Allowed = []string{lock.AllowDowngrade}
		if _, err := ship.Fetch(context.Background(), v.repo+":stable", v.options); err != nil {
			t.Errorf("allowed: %v", err)
		}
	})
}

// TestAttackReplacedVersion publishes something else under a version that is
// locked, with the right key: one that was stolen.
func TestAttackReplacedVersion(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		f, err := ship.Fetch(context.Background(), v.repo+":1.1.0", v.options)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ship.Publish(context.Background(), v.repo, module(t, "1.1.0"), ship.PublishOptions{
			Registry: options, Signing: ship.Signing{Key: v.key, Now: now}, Force: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		v.options.Locked, v.options.Update = f.Entry, true
		v.refused(t, v.repo+":1.1.0", "version 1.1.0 is locked as "+v.two.Digest+", and is now "+out.Digest)
		v.options.Update = false
		if again, err := ship.Fetch(context.Background(), v.repo+":1.1.0", v.options); err != nil || again.Digest != v.two.Digest {
			t.Errorf("what is locked is not had any more: %v", err)
		}
	})
}

func TestAttackExpiredKey(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		v.options.Trust = trusting(t, v.key, "keys: {release: {notAfter: 2026-11-20T12:00:00Z}}")
		v.refused(t, v.repo, " of key release is not trusted any more: the key expired at 2026-11-20T12:00:00Z")
	})
}

func TestAttackExpiredSignature(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		publish(t, v.repo, module(t, "1.2.0"), ship.Signing{Key: v.key, Validity: time.Hour})
		if _, err := ship.Fetch(context.Background(), v.repo, v.options); err != nil {
			t.Errorf("while it counts: %v", err)
		}
		v.options.Now = now.Add(time.Hour)
		v.refused(t, v.repo, " of key release expired at 2026-11-20T13:00:00Z")
	})
}

// TestAttackSwap answers with something else from the second time on that a
// thing is asked for: what was verified would not be what is loaded. Nothing is
// asked for twice.
func TestAttackSwap(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		evil := module(t, "1.1.0", "run-command")
		swapped := map[string]int{}
		v.reg.Tamper = func(what string, _ int, content []byte) []byte {
			if swapped[what]++; swapped[what] > 1 && bytes.HasPrefix(content, []byte("\x00asm")) {
				return evil.Content
			}
			return content
		}
		before := len(v.reg.Requests())
		f, err := ship.Fetch(context.Background(), v.repo+":1.1.0", v.options)
		if err != nil || bytes.Equal(f.Content, evil.Content) {
			t.Fatalf("%v", err)
		}
		asked := slices.DeleteFunc(v.reg.Requests()[before:], func(r string) bool { return !strings.HasPrefix(r, "GET ") || strings.Contains(r, mark(v.two.Digest)) })
		if sorted := slices.Sorted(slices.Values(asked)); len(slices.Compact(sorted)) != len(asked) {
			t.Errorf("asked twice: %v", asked)
		}
		// The tag is moved between the answer about its digest and what follows.
		v.reg.Tamper = func(what string, _ int, content []byte) []byte {
			if what == "1.1.0" {
				v.reg.Tag(path, "1.1.0", v.one.Digest)
			}
			return content
		}
		if f, err := ship.Fetch(context.Background(), v.repo+":1.1.0", v.options); err != nil || f.Digest != v.two.Digest {
			t.Errorf("%v", err)
		}
	})
}

func TestAttackMoreCapabilities(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		f, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, v.repo, module(t, "1.2.0", "set-sensor", "run-command"), ship.Signing{Key: v.key})
		v.options.Locked, v.options.Update = f.Entry, true
		v.refused(t, v.repo+"@^1", v.repo+`@^1 is refused: version 1.2.0 asks for more than version 1.1.0 did: step run-command; allow "capabilities" if that is meant`)
		v.options.Allowed = []string{lock.AllowCapabilities}
		if f, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options); err != nil || f.Tag != "1.2.0" {
			t.Errorf("allowed: %v", err)
		}
	})
}

// TestAttackNoSignatureAnyMore takes the signatures away.
func TestAttackNoSignatureAnyMore(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		f, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, v.repo, module(t, "1.2.0", "set-sensor"), ship.Signing{})
		v.options.Locked, v.options.Update, v.options.Policy = f.Entry, true, sign.Warn
		v.refused(t, v.repo+"@^1", "version 1.1.0 was signed, and version 1.2.0 is not")
	})
}

// TestAttackBrokenSignatures: junk beside a good signature neither passes for
// one nor hides it.
func TestAttackBrokenSignatures(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		if _, err := ship.Sign(context.Background(), v.repo+":1.1.0", ship.Signing{Key: generate(t), Now: now}, options); err != nil {
			t.Fatal(err)
		}
		v.reg.Put(path, mark(v.two.Digest)+".sig", "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
		f, err := ship.Fetch(context.Background(), v.repo+":1.1.0", v.options)
		if err != nil || f.Signer.Key != "release" {
			t.Errorf("%v", err)
		}
	})
}

// TestPinned: what is locked is asked for by its digest; the tags may say what
// they like.
func TestPinned(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		f, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, v.repo, module(t, "1.2.0"), ship.Signing{Key: v.key})
		v.options.Locked = f.Entry
		again, err := ship.Fetch(context.Background(), v.repo+"@^1", v.options)
		if err != nil || again.Digest != f.Digest {
			t.Errorf("got %+v, %v", again, err)
		}
		v.options.Update = true
		if again, err = ship.Fetch(context.Background(), v.repo+"@^1", v.options); err != nil || again.Tag != "1.2.0" {
			t.Errorf("updated: %+v, %v", again, err)
		}
	})
}

func TestPolicies(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		publish(t, v.repo, module(t, "1.2.0"), ship.Signing{})
		v.options.Policy = sign.Warn
		f, err := ship.Fetch(context.Background(), v.repo, v.options)
		if err != nil || !strings.HasSuffix(f.Warning, "is taken without a trusted signature, as the policy says: it is not signed") || f.Signer != nil || f.Entry.Signer != "" {
			t.Errorf("warn: %+v, %v", f, err)
		}
		v.options.Policy = sign.Off
		if f, err = ship.Fetch(context.Background(), v.repo, v.options); err != nil || f.Warning != "" {
			t.Errorf("off: %+v, %v", f, err)
		}
		v.options.Policy = ""
		v.options.Trust = trusting(t, v.key, `registries: [{match: "`+v.reg.Host()+`/**", policy: off}]`)
		if _, err = ship.Fetch(context.Background(), v.repo, v.options); err != nil {
			t.Errorf("off by a rule: %v", err)
		}
		v.options.Trust = nil
		_, err = ship.Fetch(context.Background(), v.repo+":1.1.0", v.options)
		if fault.KindOf(err) != fault.Forbidden || !strings.HasSuffix(err.Error(), "is refused: no key is trusted; give a public key, or a folder of them, with --trust") {
			t.Errorf("nobody trusted: %v", err)
		}
	})
}

// mark is a digest as tags have it.
func mark(digest string) string { return strings.ReplaceAll(digest, ":", "-") }

// TestAttackHarmlessDescription publishes beside a module a description that
// asks for less than the one in it: nobody would be asked to approve the rest.
func TestAttackHarmlessDescription(t *testing.T) {
	prey(t, func(t *testing.T, v *victim) {
		ref, err := oci.ParseReference(v.repo + ":1.2.0")
		if err != nil {
			t.Fatal(err)
		}
		repo, err := oci.Open(ref, options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Push(context.Background(), oci.Artifact{
			Type: ship.ModuleType, Config: oci.File{MediaType: ship.DescriptionType, Content: describe(t, "1.2.0", "set-sensor")},
			Files:       []oci.File{{Name: "greeter.wasm", MediaType: ship.WasmFile, Content: module(t, "1.2.0", "set-sensor", "run-command").Content}},
			Annotations: map[string]string{oci.AnnotationTitle: "greeter", oci.AnnotationVersion: "1.2.0"},
		}, "1.2.0"); err != nil {
			t.Fatal(err)
		}
		if _, err := ship.Sign(context.Background(), ref.String(), ship.Signing{Key: v.key, Now: now}, options); err != nil {
			t.Fatal(err)
		}
		v.refused(t, v.repo, v.repo+" is refused: the description says greeter 1.2.0 with the capabilities [step set-sensor]; the module itself says greeter 1.2.0 with [step run-command step set-sensor]")
	})
}
