// Package ocitest is a registry in memory, for tests of what talks to one. It
// can be told to misbehave as a hostile one would.
package ocitest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Registry is a registry at a loopback address. Its fields may be set before it
// is used.
type Registry struct {
	// Referrers makes it know the referrers of manifests; without, clients
	// must keep them under tags.
	Referrers bool
	// User and Password are asked for, unless User is "".
	User, Password string
	// Tokens makes it give tokens for the login, and take nothing else, as the
	// registries of clouds do.
	Tokens bool
	// Tamper may change what is answered for a digest or a tag, and is told
	// how many times that was asked for before. nil changes nothing.
	Tamper func(what string, times int, content []byte) []byte

	server *httptest.Server
	mu     sync.Mutex
	blobs  map[string][]byte
	types  map[string]string            // media type of a manifest, by digest
	tags   map[string]map[string]string // by repository: digest by tag
	asked  map[string]int
	log    []string
}

// New starts a registry that ends with the test.
func New(tb testing.TB) *Registry {
	tb.Helper()
	r := &Registry{
		blobs: map[string][]byte{}, types: map[string]string{}, tags: map[string]map[string]string{}, asked: map[string]int{},
	}
	r.server = httptest.NewServer(r)
	tb.Cleanup(r.server.Close)
	return r
}

// Host gives the registry's name in references.
func (r *Registry) Host() string { return strings.TrimPrefix(r.server.URL, "http://") }

// Tag moves a tag, as somebody with access to the registry's disk can.
func (r *Registry) Tag(repository, tag, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tag(repository, tag, digest)
}

// Digest gives where a tag leads.
func (r *Registry) Digest(repository, tag string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tags[repository][tag]
}

// Requests gives what was asked for, "GET manifests 1.0.0".
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// Put stores a manifest as it is, whatever it says, and gives its digest.
func (r *Registry) Put(repository, tag, mediaType string, content []byte) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest(content)
	r.blobs[d], r.types[d] = content, mediaType
	if tag != "" {
		r.tag(repository, tag, d)
	}
	return d
}

func (r *Registry) tag(repository, tag, digest string) {
	if r.tags[repository] == nil {
		r.tags[repository] = map[string]string{}
	}
	r.tags[repository][tag] = digest
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ServeHTTP implements http.Handler with the API of the distribution
// specification.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.login(w, req) {
		return
	}
	rest := strings.TrimPrefix(req.URL.Path, "/v2/")
	for _, kind := range []string{"/manifests/", "/blobs/uploads/", "/blobs/", "/referrers/", "/tags/"} {
		repository, what, found := strings.Cut(rest, kind)
		if !found {
			continue
		}
		r.log = append(r.log, req.Method+" "+strings.Trim(kind, "/")+" "+what)
		switch kind {
		case "/manifests/":
			r.manifest(w, req, repository, what)
		case "/blobs/uploads/":
			r.upload(w, req, repository)
		case "/blobs/":
			r.send(w, req, what, what)
		case "/referrers/":
			r.referrers(w, what)
		case "/tags/":
			r.listTags(w, repository)
		}
		return
	}
	w.WriteHeader(http.StatusOK)
}

// token is what a login gives when there are tokens.
const token = "t0ken"

// login tells whether a request may go on, and answers those that may not.
func (r *Registry) login(w http.ResponseWriter, req *http.Request) bool {
	user, password, _ := req.BasicAuth()
	known := r.User == "" || user == r.User && password == r.Password
	switch {
	case r.Tokens && known && req.URL.Path == "/token":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"token": %q}`, token)
		return false
	case !r.Tokens && known, r.Tokens && req.Header.Get("Authorization") == "Bearer "+token:
		return true
	case r.Tokens:
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+r.server.URL+`/token",service="test"`)
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	}
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in")
	return false
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}

func (r *Registry) manifest(w http.ResponseWriter, req *http.Request, repository, what string) {
	d := what
	if !strings.HasPrefix(what, "sha256:") {
		d = r.tags[repository][what]
	}
	if req.Method != http.MethodPut {
		r.send(w, req, what, d)
		return
	}
	content, err := io.ReadAll(req.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	d = digest(content)
	r.blobs[d], r.types[d] = content, req.Header.Get("Content-Type")
	if d != what {
		r.tag(repository, what, d)
	}
	if subject := subjectOf(content); subject != "" && r.Referrers {
		w.Header().Set("OCI-Subject", subject)
	}
	w.Header().Set("Docker-Content-Digest", d)
	w.WriteHeader(http.StatusCreated)
}

// send answers with content, or with what Tamper makes of it.
func (r *Registry) send(w http.ResponseWriter, req *http.Request, what, d string) {
	content, there := r.blobs[d]
	if !there {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "not here")
		return
	}
	if r.Tamper != nil {
		times := r.asked[what]
		r.mu.Unlock() // it may move tags
		content = r.Tamper(what, times, content)
		r.mu.Lock()
		if what != d {
			d = digest(content)
		}
	}
	r.asked[what]++
	if t := r.types[d]; t != "" {
		w.Header().Set("Content-Type", t)
	} else {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	w.Header().Set("Docker-Content-Digest", d)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if req.Method != http.MethodHead {
		_, _ = w.Write(content)
	}
}

func (r *Registry) upload(w http.ResponseWriter, req *http.Request, repository string) {
	if req.Method == http.MethodPost {
		w.Header().Set("Location", r.server.URL+"/v2/"+repository+"/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	content, err := io.ReadAll(req.Body)
	if d := req.URL.Query().Get("digest"); err != nil || d != digest(content) {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "it is "+digest(content))
		return
	}
	r.blobs[digest(content)] = content
	w.WriteHeader(http.StatusCreated)
}

// manifestText is what a registry reads in a manifest.
type manifestText struct {
	ArtifactType string
	Config       struct{ MediaType string }
	Subject      *struct{ Digest string }
	Annotations  map[string]string
}

func subjectOf(content []byte) string {
	var m manifestText
	if json.Unmarshal(content, &m) != nil || m.Subject == nil {
		return ""
	}
	return m.Subject.Digest
}

func (r *Registry) referrers(w http.ResponseWriter, subject string) {
	if !r.Referrers {
		http.NotFound(w, nil)
		return
	}
	list := []map[string]any{}
	for d, t := range r.types {
		var m manifestText
		if subjectOf(r.blobs[d]) != subject || json.Unmarshal(r.blobs[d], &m) != nil {
			continue
		}
		if m.ArtifactType == "" {
			m.ArtifactType = m.Config.MediaType
		}
		list = append(list, map[string]any{
			"mediaType": t, "digest": d, "size": len(r.blobs[d]), "artifactType": m.ArtifactType, "annotations": m.Annotations,
		})
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": list,
	})
}

func (r *Registry) listTags(w http.ResponseWriter, repository string) {
	if r.tags[repository] == nil {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "no such repository")
		return
	}
	tags := []string{}
	for tag := range r.tags[repository] {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags})
}
