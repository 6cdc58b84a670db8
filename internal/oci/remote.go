package oci

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/gowanus-project/gowanus/engine/fault"
)

const (
	maxRedirects = 10
	// headerTimeout is how long a registry may think before it answers.
	headerTimeout = time.Minute
	maxPages      = 1000
	// defaultRequestTime is enough for the largest file at half a megabyte
	// per second.
	defaultRequestTime = 10 * time.Minute
)

// openRemote makes a client of one repository.
func openRemote(ref Reference, o Options) (*remote.Repository, error) {
	repo, err := remote.NewRepository(ref.Name())
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	credential, err := o.credential(repo.Reference.Host())
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = o.PlainHTTP || loopback(ref.Registry)
	repo.MaxMetadataBytes = max(o.Limits.AnswerBytes, o.Limits.ManifestBytes)
	repo.TagListMaxPages, repo.ReferrerListMaxPages = maxPages, maxPages
	repo.SkipReferrersGC = true // most registries refuse to delete
	repo.ManifestMediaTypes = []string{v1.MediaTypeImageManifest, v1.MediaTypeImageIndex}
	repo.Client = &auth.Client{
		Client: &http.Client{Transport: o.transport(), CheckRedirect: checkRedirect, Timeout: cmp.Or(o.RequestTime, defaultRequestTime)},
		Header: http.Header{"User-Agent": {cmp.Or(o.UserAgent, "gowanus")}}, Cache: auth.NewCache(), Credential: credential,
	}
	return repo, nil
}

func (o *Options) transport() http.RoundTripper {
	if o.Transport != nil {
		return o.Transport
	}
	t, isTransport := http.DefaultTransport.(*http.Transport)
	if !isTransport {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.ResponseHeaderTimeout = headerTimeout
	return retry.NewTransport(t)
}

// checkRedirect lets registries send us to where their files are, but not from
// an encrypted connection to an open one.
func checkRedirect(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= maxRedirects:
		return fault.New(fault.Unavailable, "more than %d redirects", maxRedirects)
	case via[0].URL.Scheme == "https" && to.URL.Scheme != "https":
		return fault.New(fault.Forbidden, "%s sends us to %s; from https only https is followed", via[0].URL.Host, to.URL.Redacted())
	}
	return nil
}

// credential gives who we are at which registry. User and Password are for the
// registry named, and go nowhere else.
func (o *Options) credential(registry string) (auth.CredentialFunc, error) {
	if o.User != "" {
		return auth.StaticCredential(registry, auth.Credential{Username: o.User, Password: o.Password}), nil
	}
	_, err := os.UserHomeDir()
	if o.Anonymous || err != nil && os.Getenv("DOCKER_CONFIG") == "" { // a service may have no home
		return nil, nil
	}
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the logins of Docker: %w", err)
	}
	return credentials.Credential(store), nil
}

// loopback tells whether a registry is on this machine.
func loopback(registry string) bool {
	host := registry
	if h, _, err := net.SplitHostPort(registry); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// classify gives the errors of the library and of registries their kind.
func classify(err error) error {
	var e *fault.Error
	var answer *errcode.ErrorResponse
	var network net.Error
	var address *url.Error
	switch {
	case err == nil, errors.As(err, &e), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &network) && network.Timeout():
		return fault.New(fault.Timeout, "%w (limit RequestTime, unless the caller had one)", err)
	case errors.Is(err, errdef.ErrNotFound):
		return fault.As(err, fault.NotFound)
	case errors.Is(err, errdef.ErrSizeExceedsLimit):
		return fault.New(fault.Limit, "%w (limit AnswerBytes)", err)
	case errors.Is(err, errdef.ErrTooManyPages):
		return fault.As(err, fault.Limit)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return fault.New(fault.Unauthorized, "the registry asks for a login: give a user, or use docker login")
	case errors.As(err, &answer) && answer.StatusCode == http.StatusUnauthorized:
		return fault.New(fault.Unauthorized, "the registry refuses this user or password")
	case errors.As(err, &answer):
		return fault.As(answer, kindOf(answer.StatusCode))
	case errors.As(err, &network), errors.As(err, &address):
		return fault.As(err, fault.Unavailable)
	}
	return fault.As(err, fault.Unavailable)
}

// unknown tells whether a registry answered that it does not have what it was
// asked about.
func unknown(err error) bool {
	var answer *errcode.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// kindOf gives the kind of an HTTP status.
func kindOf(status int) fault.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return fault.Unauthorized
	case status == http.StatusForbidden:
		return fault.Forbidden
	case status == http.StatusNotFound:
		return fault.NotFound
	case status == http.StatusTooManyRequests || status >= 500:
		return fault.Unavailable
	}
	return fault.Invalid
}
