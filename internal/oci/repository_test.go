package oci_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/ocitest"
)

const (
	kind      = "application/vnd.example.thing.v1"
	noteKind  = "application/vnd.example.note.v1"
	manifests = "application/vnd.oci.image.manifest.v1+json"
)

var options = oci.Options{Anonymous: true, Transport: http.DefaultTransport}

func open(t *testing.T, ref string, o oci.Options) (*oci.Repository, oci.Reference) {
	t.Helper()
	r, err := oci.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	repo, err := oci.Open(r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	return repo, r
}

func thing(content string) oci.Artifact {
	return oci.Artifact{
		Type: kind, Config: oci.File{MediaType: "application/json", Content: []byte(`{"a":1}`)},
		Files:       []oci.File{{Name: "thing.txt", MediaType: "text/plain", Content: []byte(content)}},
		Annotations: map[string]string{oci.AnnotationVersion: content},
	}
}

func push(t *testing.T, repo *oci.Repository, a oci.Artifact, tags ...string) oci.Descriptor {
	t.Helper()
	d, err := repo.Push(context.Background(), a, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// places are the kinds of repositories that must behave alike.
func places(t *testing.T) map[string]string {
	with, without := ocitest.New(t), ocitest.New(t)
	with.Referrers = true
	return map[string]string{
		"registry": with.Host() + "/team/thing", "registry without referrers": without.Host() + "/team/thing",
		"layout": "oci:" + filepath.Join(t.TempDir(), "shelf"), "archive": "oci-archive:" + filepath.Join(t.TempDir(), "shelf.tar"),
	}
}

func TestPushAndRead(t *testing.T) {
	ctx := context.Background()
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			repo, ref := open(t, place, options)
			one := push(t, repo, thing("1.0.0"), "1.0.0")
			two := push(t, repo, thing("1.1.0"), "1.1.0", "latest")
			note := push(t, repo, oci.Artifact{Type: noteKind, Subject: &one, Files: []oci.File{{MediaType: "text/plain", Content: []byte("good")}}})
			if name == "archive" { // it is written when it is closed
				if err := repo.Close(); err != nil {
					t.Fatal(err)
				}
				repo, ref = open(t, place, options)
			}
			tags, err := repo.Tags(ctx)
			tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "sha256-") })
			if want := []string{"1.1.0", "1.0.0", "latest"}; err != nil || !reflect.DeepEqual(tags, want) {
				t.Errorf("tags %v, %v", tags, err)
			}
			ref.Constraint = "~1.0"
			d, tag, err := repo.Resolve(ctx, ref)
			if err != nil || tag != "1.0.0" || d.Digest != one.Digest {
				t.Fatalf("%s: %v, %s, %v", ref, d, tag, err)
			}
			if d, tag, err := repo.Resolve(ctx, ref.At(two.Digest.String())); err != nil || tag != "" || d.Digest != two.Digest {
				t.Errorf("by digest: %v, %q, %v", d, tag, err)
			}
			m, err := repo.Manifest(ctx, d)
			if err != nil || m.Type != kind || m.Annotations[oci.AnnotationVersion] != "1.0.0" || m.Files[0].Annotations[oci.AnnotationTitle] != "thing.txt" {
				t.Fatalf("manifest %+v, %v", m, err)
			}
			if text, err := repo.Blob(ctx, m.Files[0]); err != nil || string(text) != "1.0.0" {
				t.Errorf("file %q, %v", text, err)
			}
			list, err := repo.Referrers(ctx, one, noteKind)
			if err != nil || len(list) != 1 || list[0].Descriptor.Digest != note.Digest {
				t.Errorf("referrers %v, %v", list, err)
			}
			for _, none := range []struct {
				d    oci.Descriptor
				kind string
			}{{two, noteKind}, {one, kind}} {
				if list, err := repo.Referrers(ctx, none.d, none.kind); err != nil || len(list) != 0 {
					t.Errorf("referrers of %s: %v, %v", none.kind, list, err)
				}
			}
		})
	}
}

// TestSameDigest: what is pushed twice, and elsewhere, is the same thing.
func TestSameDigest(t *testing.T) {
	digests := map[string]bool{}
	for _, place := range places(t) {
		repo, _ := open(t, place, options)
		digests[push(t, repo, thing("1.0.0"), "1.0.0").Digest.String()] = true
		digests[push(t, repo, thing("1.0.0")).Digest.String()] = true
	}
	if len(digests) != 1 {
		t.Errorf("%v", digests)
	}
}

func TestArchiveIsReproducible(t *testing.T) {
	var files [2][]byte
	for i := range files {
		file := filepath.Join(t.TempDir(), "a.tar")
		repo, _ := open(t, "oci-archive:"+file, options)
		push(t, repo, thing("1.0.0"), "1.0.0", "latest")
		push(t, repo, thing("2.0.0"))
		if err := repo.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the archives differ")
	}
}

func TestCopy(t *testing.T) {
	ctx := context.Background()
	from, ref := open(t, ocitest.New(t).Host()+"/team/thing:1.0.0", options)
	push(t, from, thing("1.0.0"), "1.0.0")
	d, _, err := from.Resolve(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := from.Manifest(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	to, there := open(t, "oci:"+t.TempDir()+":1.0.0", options)
	if err := to.Copy(ctx, from, m, "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := to.Resolve(ctx, there); err != nil || got.Digest != d.Digest {
		t.Errorf("%v, %v", got, err)
	}
}

func TestResolveErrors(t *testing.T) {
	reg := ocitest.New(t)
	host := reg.Host()
	repo, _ := open(t, host+"/team/thing", options)
	push(t, repo, thing("1.0.0"), "1.0.0", "2.0.0-rc.1", "stable")
	words, _ := open(t, host+"/team/words", options)
	push(t, words, thing("a"), "stable")
	for _, c := range []struct {
		ref, want string
		kind      fault.Kind
	}{
		{"/team/thing@^3", "no version in HOST/team/thing matches ^3; the newest is 2.0.0-rc.1", fault.NotFound},
		{"/team/thing:1.0.1", `there is no 1.0.1 in HOST/team/thing; did you mean "1.0.0"?`, fault.NotFound},
		{"/team/thing@" + someDigest, "there is no " + someDigest + " in HOST/team/thing", fault.NotFound},
		{"/team/words", "no tag of HOST/team/words is a version; name a tag, like HOST/team/words:TAG", fault.NotFound},
		{"/team/nothing", "there is nothing at HOST/team/nothing: the registry does not know this repository", fault.NotFound},
	} {
		repo, ref := open(t, host+c.ref, options)
		_, _, err := repo.Resolve(context.Background(), ref)
		if want := strings.ReplaceAll(c.want, "HOST", host); err == nil || err.Error() != want || fault.KindOf(err) != c.kind {
			t.Errorf("%s: got %v\n%v\nwant\n%s", c.ref, fault.KindOf(err), err, want)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Run("basic", func(t *testing.T) { testLogin(t, false) })
	t.Run("tokens", func(t *testing.T) { testLogin(t, true) })
}

func testLogin(t *testing.T, tokens bool) {
	reg := ocitest.New(t)
	reg.Tokens = tokens
	reg.User, reg.Password = "ci", "pa55"
	place := reg.Host() + "/team/thing"
	o := options
	o.User, o.Password = "ci", "pa55"
	repo, _ := open(t, place, o)
	push(t, repo, thing("1.0.0"), "1.0.0")

	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	file := `{"auths": {"` + reg.Host() + `": {"auth": "Y2k6cGE1NQ=="}}}` // ci:pa55
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	o = options
	o.Anonymous = false
	repo, ref := open(t, place, o)
	if _, tag, err := repo.Resolve(context.Background(), ref); err != nil || tag != "1.0.0" {
		t.Errorf("with Docker's file: %s, %v", tag, err)
	}
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", "")
	repo, ref = open(t, place, o) // there is no file to look into
	if _, _, err := repo.Resolve(context.Background(), ref); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("without a home: %v", err)
	}
	repo, ref = open(t, place, options)
	_, _, err := repo.Resolve(context.Background(), ref)
	if fault.KindOf(err) != fault.Unauthorized || strings.Contains(err.Error(), "pa55") {
		t.Errorf("without a login: %v", err)
	}
}

func TestLimits(t *testing.T) {
	ctx := context.Background()
	reg := ocitest.New(t)
	reg.Referrers = true
	place := reg.Host() + "/team/thing"
	repo, ref := open(t, place+":1.0.0", options)
	subject := push(t, repo, thing("1.0.0"), "1.0.0", "1.0.1")
	for _, text := range []string{"a", "b"} {
		push(t, repo, oci.Artifact{Type: noteKind, Subject: &subject, Files: []oci.File{{MediaType: "text/plain", Content: []byte(text)}}})
	}
	read := func(repo *oci.Repository) error {
		d, _, err := repo.Resolve(ctx, ref)
		if err != nil {
			return err
		}
		_, err = repo.Manifest(ctx, d)
		return err
	}
	for _, c := range []struct {
		limits oci.Limits
		do     func(*oci.Repository) error
		want   string
	}{
		{oci.Limits{ManifestBytes: 10}, read, "the limit ManifestBytes allows 10"},
		{oci.Limits{ConfigBytes: 3}, read, "the config blob has 7 bytes, the limit ConfigBytes allows 3"},
		{oci.Limits{FileBytes: 3}, read, "has 5 bytes, the limit FileBytes allows 3"},
		{oci.Limits{TotalBytes: 3}, read, "the artifact has 5 bytes, the limit TotalBytes allows 3"},
		{oci.Limits{Tags: 1}, func(r *oci.Repository) error { _, err := r.Tags(ctx); return err }, "more than 1 tags (limit Tags)"},
		{oci.Limits{Referrers: 1}, func(r *oci.Repository) error { _, err := r.Referrers(ctx, subject, noteKind); return err }, "more than 1 manifests refer to " + subject.Digest.String() + " (limit Referrers)"},
		{oci.Limits{Files: 1}, func(r *oci.Repository) error {
			a := thing("x")
			a.Files = append(a.Files, a.Files...)
			_, err := r.Push(ctx, a)
			return err
		}, "more than 1 files in the manifest (limit Files)"},
	} {
		o := options
		o.Limits = c.limits
		repo, _ := open(t, place, o)
		if err := c.do(repo); err == nil || !strings.HasSuffix(err.Error(), c.want) || fault.KindOf(err) != fault.Limit {
			t.Errorf("got %v (%v)\nwant %s", err, fault.KindOf(err), c.want)
		}
	}
}

// TestChanged: a registry that answers with other bytes is found out, whatever
// it says of them.
func TestChanged(t *testing.T) {
	ctx := context.Background()
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b }
	for _, c := range []struct {
		name, want string
		of         func(m, file oci.Descriptor) string
		change     func([]byte) []byte
	}{
		{"manifest", "was changed: what came has the digest sha256:", func(m, _ oci.Descriptor) string { return m.Digest.String() }, flip},
		{"file", "was changed: what came has the digest sha256:", func(_, f oci.Descriptor) string { return f.Digest.String() }, flip},
		{"long file", "", func(_, f oci.Descriptor) string { return f.Digest.String() }, func(b []byte) []byte { return append(bytes.Clone(b), 'x') }},
		{"short file", "", func(_, f oci.Descriptor) string { return f.Digest.String() }, func(b []byte) []byte { return b[1:] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := ocitest.New(t)
			repo, ref := open(t, reg.Host()+"/team/thing:1.0.0", options)
			push(t, repo, thing("1.0.0"), "1.0.0")
			d, _, err := repo.Resolve(ctx, ref)
			if err != nil {
				t.Fatal(err)
			}
			m, err := repo.Manifest(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			target := c.of(d, m.Files[0])
			reg.Tamper = func(what string, _ int, content []byte) []byte {
				if what == target {
					return c.change(content)
				}
				return content
			}
			if m, err = repo.Manifest(ctx, d); err == nil {
				_, err = repo.Blob(ctx, m.Files[0])
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestChangedOnDisk does the same to the blobs of a layout.
func TestChangedOnDisk(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	repo, ref := open(t, "oci:"+dir+":1.0.0", options)
	push(t, repo, thing("1.0.0"), "1.0.0")
	d, _, err := repo.Resolve(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := repo.Manifest(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs/sha256", m.Files[0].Digest.Encoded()), []byte("1.0.1"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "read a file of oci:" + dir + ": " + m.Files[0].Digest.String() + " was changed: what came has the digest " + oci.DigestOf([]byte("1.0.1"))
	if _, err := repo.Blob(ctx, m.Files[0]); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	push(t, repo, thing("1.0.0")) // what was changed is put right
	if text, err := repo.Blob(ctx, m.Files[0]); err != nil || string(text) != "1.0.0" {
		t.Errorf("after a push: %q, %v", text, err)
	}
}

// TestHostileLists: what a list claims is checked before it is followed.
func TestHostileLists(t *testing.T) {
	ctx := context.Background()
	reg := ocitest.New(t)
	repo, _ := open(t, reg.Host()+"/team/thing", options)
	subject := push(t, repo, thing("1.0.0"), "1.0.0")
	other := push(t, repo, thing("other"))
	index := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
		`{"mediaType":"` + manifests + `","digest":"` + other.Digest.String() + `","size":` + "SIZE" + `,"artifactType":"` + kind + `"},` +
		`{"mediaType":"` + manifests + `","digest":"md5:x","size":4611686018427387904,"artifactType":"` + kind + `"}]}`
	tag := strings.ReplaceAll(subject.Digest.String(), ":", "-")
	m, err := repo.Manifest(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	size := len(m.Raw)
	reg.Put("team/thing", tag, "application/vnd.oci.image.index.v1+json", []byte(strings.ReplaceAll(index, "SIZE", strconv.Itoa(size))))
	if list, err := repo.Referrers(ctx, subject, kind); err != nil || len(list) != 0 {
		t.Errorf("a manifest without a subject is a referrer: %v, %v", list, err)
	}
	reg.Put("team/thing", tag, "application/vnd.oci.image.index.v1+json", []byte(strings.ReplaceAll(index, "SIZE", "4611686018427387904")))
	if _, err := repo.Referrers(ctx, subject, kind); fault.KindOf(err) != fault.Limit {
		t.Errorf("a size beyond all limits: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	o := options
	o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	repo, ref := open(t, "registry.example.org/a/b", o)
	_, _, err := repo.Resolve(context.Background(), ref)
	want := `list the tags of registry.example.org/a/b: Get "https://registry.example.org/v2/a/b/tags/list": no route`
	if err == nil || err.Error() != want || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestNoWayBackToHTTP(t *testing.T) {
	o := options
	o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {"http://elsewhere.example/x"}}, Body: http.NoBody, Request: r}, nil
	})
	repo, ref := open(t, "registry.example.org/a/b", o)
	_, _, err := repo.Resolve(context.Background(), ref)
	if err == nil || !strings.Contains(err.Error(), "registry.example.org sends us to http://elsewhere.example/x; from https only https is followed") {
		t.Errorf("got %v", err)
	}
}

func TestNotALayout(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"oci:" + dir:                    "open oci:" + dir + ": " + dir + " is no image layout: it has no index.json",
		"oci-archive:" + dir + "/a.txt": "open oci-archive:" + dir + "/a.txt: " + dir + "/a.txt is no image layout: it has no index.json",
	} {
		r, err := oci.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := oci.Open(r, options); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSlowRegistry: an answer that never ends is given up.
func TestSlowRegistry(t *testing.T) {
	o := options
	o.RequestTime = 50 * time.Millisecond
	o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		pr, pw := io.Pipe()
		context.AfterFunc(r.Context(), func() { pw.CloseWithError(r.Context().Err()) })
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: pr, Request: r}, nil
	})
	repo, ref := open(t, "registry.example.org/a/b", o)
	_, _, err := repo.Resolve(context.Background(), ref)
	if fault.KindOf(err) != fault.Timeout || !strings.HasSuffix(err.Error(), "(limit RequestTime, unless the caller had one)") {
		t.Errorf("got %v (%v)", err, fault.KindOf(err))
	}
}

func FuzzArchive(f *testing.F) {
	file := filepath.Join(f.TempDir(), "a.tar")
	ref, err := oci.ParseReference("oci-archive:" + file + ":1.0.0")
	if err != nil {
		f.Fatal(err)
	}
	repo, err := oci.Open(ref, options)
	if err == nil {
		_, err = repo.Push(context.Background(), thing("1.0.0"), "1.0.0")
	}
	if err == nil {
		err = repo.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ctx := context.Background()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		repo, err := oci.Open(ref, options)
		if err != nil {
			return
		}
		d, _, err := repo.Resolve(ctx, ref)
		if err == nil {
			var m *oci.Manifest
			if m, err = repo.Manifest(ctx, d); err == nil && oci.DigestOf(m.Raw) != d.Digest.String() {
				t.Error("another manifest")
			}
		}
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, text) {
			t.Errorf("reading changed it: %v", err)
		}
	})
}
