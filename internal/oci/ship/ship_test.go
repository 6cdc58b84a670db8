package ship_test

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/ocitest"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

var (
	options = oci.Options{Anonymous: true, Transport: http.DefaultTransport}
	now     = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

// describe gives a description with steps as capabilities.
func describe(t testing.TB, version string, steps ...string) []byte {
	t.Helper()
	d := hook.Description{
		Name: "greeter", Version: version, ABI: [2]int{1, 1},
		Types: []hook.Type{{Name: "org.example.Greeter", Kind: "entity", Description: "says hello"}},
	}
	for _, s := range steps {
		d.Capabilities = append(d.Capabilities, hook.Capability{Kind: "step", Value: s, Reason: "for the test"})
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// module makes a module that carries its description.
func module(t testing.TB, version string, steps ...string) ship.Package {
	t.Helper()
	text := describe(t, version, steps...)
	content, err := section.Set([]byte("\x00asm\x01\x00\x00\x00"), section.Describe, text)
	if err != nil {
		t.Fatal(err)
	}
	return ship.Package{Format: ship.Wasm, Content: content, Description: text}
}

func bundle(t testing.TB, version string) ship.Package {
	t.Helper()
	return ship.Package{Format: ship.YAML, File: "catalog.bom", Content: []byte("brooklyn.catalog: {}\n"), Description: describe(t, version)}
}

func generate(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := sign.Generate(sign.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// trusting makes a folder of trust with one key, called release.
func trusting(t testing.TB, key crypto.Signer, policy string) *sign.Trust {
	t.Helper()
	dir := t.TempDir()
	text, err := sign.EncodePublic(key.Public())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "release.pub"), text, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := sign.ReadTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func publish(t testing.TB, ref string, p ship.Package, s ship.Signing) *ship.Published {
	t.Helper()
	s.Now = now
	out, err := ship.Publish(context.Background(), ref, p, ship.PublishOptions{Registry: options, Signing: s})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func places(t *testing.T) map[string]string {
	with, without := ocitest.New(t), ocitest.New(t)
	with.Referrers = true
	return map[string]string{
		"registry": with.Host() + "/team/greeter", "registry without referrers": without.Host() + "/team/greeter",
		"layout": "oci:" + filepath.Join(t.TempDir(), "shelf"), "archive": "oci-archive:" + filepath.Join(t.TempDir(), "shelf.tar"),
	}
}

func TestPublishAndFetch(t *testing.T) {
	key := generate(t)
	trust := trusting(t, key, "")
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			s := ship.Signing{Key: key}
			if strings.HasPrefix(place, "oci") {
				s.Identity = "ghcr.io/team/greeter"
			}
			publish(t, place, module(t, "1.0.0", "set-sensor"), s)
			p := module(t, "1.1.0", "set-sensor", "sleep")
			made := publish(t, place, p, s)
			publish(t, place+":2.0.0-rc.1", bundle(t, "2.0.0-rc.1"), s)
			f, err := ship.Fetch(context.Background(), place+"@^1", ship.FetchOptions{Registry: options, Trust: trust, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if f.Digest != made.Digest || f.Tag != "1.1.0" || f.Format != ship.Wasm || f.File != "greeter.wasm" || string(f.Content) != string(p.Content) {
				t.Errorf("got %s %s %s %s", f.Digest, f.Tag, f.Format, f.File)
			}
			if f.Signer == nil || f.Signer.Key != "release" || f.Warning != "" || f.Description.Types[0].Name != "org.example.Greeter" {
				t.Errorf("got %+v", f)
			}
			if want := []string{"step set-sensor", "step sleep"}; !reflect.DeepEqual(f.Entry.Capabilities, want) || f.Entry.Signer != f.Signer.Fingerprint {
				t.Errorf("lock: %+v", f.Entry)
			}
			list, more, err := ship.List(context.Background(), place, 2, options)
			if err != nil || !more || len(list) != 2 || list[0].Kind != "bundle" {
				t.Fatalf("list %+v, %t, %v", list, more, err)
			}
			want := ship.Listed{
				Tag: "1.1.0", Digest: made.Digest, Kind: "module", Name: "greeter", Version: "1.1.0", Description: "says hello",
				Types: "entity org.example.Greeter", Capabilities: "step set-sensor, step sleep",
			}
			if list[1] != want {
				t.Errorf("got %+v", list[1])
			}
		})
	}
}

func TestPublishErrors(t *testing.T) {
	place := ocitest.New(t).Host() + "/team/greeter"
	publish(t, place, module(t, "1.0.0"), ship.Signing{})
	lying := module(t, "1.1.0", "sleep")
	lying.Description = describe(t, "1.1.0")
	for _, c := range []struct {
		ref  string
		p    ship.Package
		s    ship.Signing
		sbom string
		want string
	}{
		{place, module(t, "1.0.0", "sleep"), ship.Signing{}, "", "is there already, as sha256:"},
		{place + ":1.2.0", module(t, "1.1.0"), ship.Signing{}, "", place + ":1.2.0: the tag 1.2.0 leads to version 1.1.0"},
		{place + "@^1", module(t, "1.1.0"), ship.Signing{}, "", "expected a tag, or nothing, after the repository"},
		{place, lying, ship.Signing{}, "", "the module itself says greeter 1.1.0 with [step sleep]"},
		{place, ship.Package{Format: "exe"}, ship.Signing{}, "", `format "exe"; expected wasm, yaml or zip`},
		{place, ship.Package{Format: ship.YAML, Description: []byte("{}")}, ship.Signing{}, "", `the description has the name "" and the version ""; expected both`},
		{"oci:" + t.TempDir(), module(t, "1.1.0"), ship.Signing{Key: generate(t)}, "", "give one as identity, like ghcr.io/team/redis"},
		{place, module(t, "1.1.0"), ship.Signing{Key: generate(t), Identity: "team"}, "", `identity "team": expected REGISTRY/PATH, like ghcr.io/team/redis`},
		{place, module(t, "1.1.0"), ship.Signing{}, "{}", "the bill of materials has neither spdxVersion nor bomFormat CycloneDX"},
	} {
		o := ship.PublishOptions{Registry: options, Signing: c.s}
		if c.sbom != "" {
			o.SBOM = []byte(c.sbom)
		}
		if _, err := ship.Publish(context.Background(), c.ref, c.p, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
	out, err := ship.Publish(context.Background(), place, module(t, "1.0.0"), ship.PublishOptions{Registry: options})
	if err != nil || !out.There {
		t.Errorf("the same again: %+v, %v", out, err)
	}
	out, err = ship.Publish(context.Background(), place, module(t, "1.0.0", "sleep"), ship.PublishOptions{Registry: options, Force: true})
	if err != nil || out.There {
		t.Errorf("by force: %+v, %v", out, err)
	}
	for _, tag := range []string{"latest", "latest"} { // other tags move
		publish(t, place+":"+tag, module(t, "1.0.0", "sleep"), ship.Signing{})
	}
}

func TestSBOM(t *testing.T) {
	ctx := context.Background()
	key := generate(t)
	o := ship.FetchOptions{Registry: options, Trust: trusting(t, key, `registries: [{match: "**", identity: "ghcr.io/team/greeter"}]`), Now: now}
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			for i, c := range []struct{ kind, text string }{
				{"application/spdx+json", `{"spdxVersion": "SPDX-2.3"}`}, {"application/vnd.cyclonedx+json", `{"bomFormat": "CycloneDX"}`},
			} {
				version := fmt.Sprintf("1.0.%d", i)
				out, err := ship.Publish(ctx, place, module(t, version), ship.PublishOptions{
					Registry: options, Signing: ship.Signing{Key: key, Identity: "ghcr.io/team/greeter", Now: now}, SBOM: []byte(c.text),
				})
				if err != nil || out.SBOM == "" {
					t.Fatal(err)
				}
				text, kind, of, err := ship.SBOM(ctx, place+":"+version, o)
				if err != nil || string(text) != c.text || kind != c.kind || of.Digest != out.Digest {
					t.Errorf("got %s, %s, %v", text, kind, err)
				}
			}
			publish(t, place, module(t, "1.1.0"), ship.Signing{Key: key, Identity: "ghcr.io/team/greeter"})
			_, _, _, err := ship.SBOM(ctx, place+":1.1.0", o)
			if fault.KindOf(err) != fault.NotFound || err.Error() != place+":1.1.0 has no bill of materials" {
				t.Errorf("without one: %v", err)
			}
			// Somebody else adds one: it is not believed.
			publish(t, place, module(t, "1.2.0"), ship.Signing{})
			if _, err := ship.Publish(ctx, place, module(t, "1.2.0"), ship.PublishOptions{Registry: options, SBOM: []byte(`{"bomFormat": "CycloneDX"}`)}); err != nil {
				t.Fatal(err)
			}
			if _, err := ship.Sign(ctx, place+":1.2.0", ship.Signing{Key: key, Identity: "ghcr.io/team/greeter", Now: now}, options); err != nil {
				t.Fatal(err)
			}
			_, _, _, err = ship.SBOM(ctx, place+":1.2.0", o)
			if fault.KindOf(err) != fault.Forbidden || !strings.HasPrefix(err.Error(), "the bill of materials "+strings.TrimSuffix(place, ":")+"@sha256:") || !strings.HasSuffix(err.Error(), "it is not signed") {
				t.Errorf("of somebody else: %v", err)
			}
		})
	}
}

// TestSeveralSigners: signatures do not displace each other, and any one will do.
func TestSeveralSigners(t *testing.T) {
	ctx := context.Background()
	keys := []crypto.Signer{generate(t), generate(t), generate(t)}
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			publish(t, place, module(t, "1.0.0"), ship.Signing{})
			for _, key := range keys {
				if _, err := ship.Sign(ctx, place+":1.0.0", ship.Signing{Key: key, Identity: "ghcr.io/team/greeter", Now: now}, options); err != nil {
					t.Fatal(err)
				}
			}
			for i, key := range keys {
				trust := trusting(t, key, `registries: [{match: "**", identity: "ghcr.io/team/*"}]`)
				if _, err := ship.Fetch(ctx, place, ship.FetchOptions{Registry: options, Trust: trust, Now: now}); err != nil {
					t.Errorf("key %d: %v", i, err)
				}
			}
		})
	}
}

// TestAirGapped takes a signed module through an archive into another registry.
func TestAirGapped(t *testing.T) {
	ctx := context.Background()
	key := generate(t)
	from := ocitest.New(t).Host() + "/team/greeter"
	out, err := ship.Publish(ctx, from, module(t, "1.0.0"), ship.PublishOptions{
		Registry: options, Signing: ship.Signing{Key: key, Now: now}, SBOM: []byte(`{"spdxVersion": "SPDX-2.3"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	archive := "oci-archive:" + filepath.Join(t.TempDir(), "carry.tar")
	mirror := ocitest.New(t)
	mirror.Referrers = true
	o := ship.FetchOptions{Registry: options, Trust: trusting(t, key, `registries: [{match: "`+mirror.Host()+`/*", identity: "`+from+`"}]`), Now: now}
	if _, ref, err := ship.Copy(ctx, from, archive, o); err != nil || ref.Tag != "1.0.0" {
		t.Fatalf("%v, %v", ref, err)
	}
	if f, err := ship.Fetch(ctx, archive, o); err != nil || f.Signer == nil {
		t.Errorf("from the archive: %v", err)
	}
	if _, _, err := ship.Copy(ctx, archive, mirror.Host()+"/greeter", o); err != nil {
		t.Fatal(err)
	}
	f, err := ship.Fetch(ctx, mirror.Host()+"/greeter@^1", o)
	if err != nil || f.Digest != out.Digest {
		t.Errorf("from the mirror: %v", err)
	}
	ref, err := oci.ParseReference(mirror.Host() + "/greeter:1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	repo, err := oci.Open(ref, options)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := repo.Resolve(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := repo.Referrers(ctx, d, "application/spdx+json"); err != nil || len(list) != 1 {
		t.Errorf("the bill of materials: %v, %v", list, err)
	}
	// Without a rule for the mirror, the signature is for somewhere else.
	o.Trust = trusting(t, key, "")
	_, err = ship.Fetch(ctx, mirror.Host()+"/greeter", o)
	want := mirror.Host() + "/greeter@" + out.Digest + " is refused: the signature in "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), " of key release is for the repository "+from) {
		t.Errorf("without a rule: %v", err)
	}
}

func TestWhatIsNotOurs(t *testing.T) {
	ctx := context.Background()
	reg := ocitest.New(t)
	ref, err := oci.ParseReference(reg.Host() + "/team/image:1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	repo, err := oci.Open(ref, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Push(ctx, oci.Artifact{Type: "application/vnd.example", Files: []oci.File{{MediaType: "a/b", Content: []byte("x")}}}, "1.0.0"); err != nil {
		t.Fatal(err)
	}
	reg.Put("team/image", "2.0.0", "application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[]}`))
	_, err = ship.Fetch(ctx, ref.String(), ship.FetchOptions{Registry: options, Policy: sign.Off})
	if err == nil || !strings.HasSuffix(err.Error(), `is of type "application/vnd.example"; expected `+ship.ModuleType+" or "+ship.BundleType) {
		t.Errorf("an artifact of others: %v", err)
	}
	_, err = ship.Fetch(ctx, ref.Name()+":2.0.0", ship.FetchOptions{Registry: options, Policy: sign.Off})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "expected application/vnd.oci.image.manifest.v1+json") {
		t.Errorf("an image index: %v", err)
	}
	if list, _, err := ship.List(ctx, ref.Name(), 0, options); err != nil || len(list) != 0 {
		t.Errorf("list: %v, %v", list, err)
	}
}

// BenchmarkFetch fetches and verifies a module of 4 MB.
func BenchmarkFetch(b *testing.B) {
	key := generate(b)
	text := describe(b, "1.0.0", "set-sensor")
	content, err := section.Set([]byte("\x00asm\x01\x00\x00\x00"), section.Describe, text)
	if err == nil {
		content, err = section.Set(content, "filler", make([]byte, 4<<20))
	}
	if err != nil {
		b.Fatal(err)
	}
	place := ocitest.New(b).Host() + "/team/greeter"
	publish(b, place, ship.Package{Format: ship.Wasm, Content: content, Description: text}, ship.Signing{Key: key})
	o := ship.FetchOptions{Registry: options, Trust: trusting(b, key, ""), Now: now}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ship.Fetch(context.Background(), place, o); err != nil {
			b.Fatal(err)
		}
	}
}
