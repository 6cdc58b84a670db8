package external

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// vault gives secrets of a HashiCorp Vault, key-value engine of version 2, by
// its HTTP API. A key is PATH#FIELD, or FIELD when the provider has a path.
type vault struct {
	address, mount, path, namespace string
	token, tokenFile                string // one of these, or a role
	role, secretID, secretIDFile    string
	cache, timeout                  time.Duration
	client                          *http.Client

	mu    sync.Mutex
	login string // the token that the role was given
	held  map[string]held
}

// held is what a path had when it was read.
type held struct {
	data map[string]any
	at   time.Time
}

func readVault(r *reader) Provider {
	v := &vault{
		address: strings.TrimSuffix(r.needed("address"), "/"), mount: r.text("mount"), path: r.text("path"), namespace: r.text("namespace"),
		token: r.text("token"), tokenFile: r.text("token_file"),
		role: r.text("role_id"), secretID: r.text("secret_id"), secretIDFile: r.text("secret_id_file"),
		cache: time.Minute, timeout: 10 * time.Second, held: map[string]held{},
	}
	if v.mount == "" {
		v.mount = "secret"
	}
	for key, to := range map[string]*time.Duration{"cache": &v.cache, "timeout": &v.timeout} {
		if text := r.text(key); text != "" {
			d, err := coerce.Duration(text)
			if err != nil {
				r.errs.Add(r.node.Get(key).Pos, "%s: %s", key, err)
			}
			*to = d
		}
	}
	u, err := url.Parse(v.address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		r.errs.Add(r.node.Pos, "address %q: expected http:// or https:// with a host", v.address)
	}
	ways := 0
	for _, way := range []string{v.token, v.tokenFile, v.role} {
		if way != "" {
			ways++
		}
	}
	if ways != 1 {
		r.errs.Add(r.node.Pos, "a provider of type vault needs one of token, token_file, and role_id with secret_id or secret_id_file")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca := r.text("ca_file"); ca != "" {
		pool := x509.NewCertPool()
		pem, err := os.ReadFile(ca)
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			r.errs.Add(r.node.Get("ca_file").Pos, "ca_file %s has no certificates that can be read", ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	v.client = &http.Client{Transport: transport, Timeout: v.timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the token goes to this address only
	}}
	for _, s := range []string{v.token, v.secretID} {
		secret.Learn(s)
	}
	return v
}

// Get is part of Provider.
func (v *vault) Get(ctx context.Context, key string) (any, error) {
	path, field, found := strings.Cut(key, "#")
	switch {
	case !found && v.path != "":
		path, field = v.path, key
	case !found:
		return nil, fault.New(fault.Invalid, "expected PATH#FIELD, since the provider has no path")
	case v.path != "":
		path = v.path + "/" + path
	}
	for _, part := range strings.Split(path, "/") {
		if part == "" || part == "." || part == ".." {
			return nil, fault.New(fault.Invalid, "path %q has an empty part or leads up", path)
		}
	}
	data, err := v.read(ctx, path)
	if err != nil {
		return nil, err
	}
	if value, ok := data[field]; ok {
		return value, nil
	}
	return nil, fault.New(fault.NotFound, "the secret %s has no field %q", path, field)
}

// read gives all fields of a path, from the cache while it is fresh.
func (v *vault) read(ctx context.Context, path string) (map[string]any, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h, ok := v.held[path]; ok && time.Since(h.at) < v.cache {
		return h.data, nil
	}
	var answer struct {
		Data struct {
			Data     map[string]any `json:"data"`
			Metadata struct {
				DeletionTime string `json:"deletion_time"`
				Destroyed    bool   `json:"destroyed"`
			} `json:"metadata"`
		} `json:"data"`
	}
	status, err := v.ask(ctx, http.MethodGet, v.mount+"/data/"+path, nil, &answer)
	if status == http.StatusForbidden && v.role != "" && err != nil { // the token may have run out
		v.login = ""
		status, err = v.ask(ctx, http.MethodGet, v.mount+"/data/"+path, nil, &answer)
	}
	meta := answer.Data.Metadata
	switch {
	case status == http.StatusNotFound && (meta.DeletionTime != "" || meta.Destroyed):
		return nil, fault.New(fault.NotFound, "the secret %s was deleted", path)
	case status == http.StatusNotFound:
		return nil, fault.New(fault.NotFound, "there is no secret %s below %s", path, v.mount)
	case err != nil:
		return nil, err
	}
	data, _ := coerce.Plain(answer.Data.Data).(map[string]any)
	v.held[path] = held{data, time.Now()}
	return data, nil
}

// bearer gives the token to ask with.
func (v *vault) bearer(ctx context.Context) (string, error) {
	switch {
	case v.token != "":
		return v.token, nil
	case v.tokenFile != "":
		return fromFile(v.tokenFile)
	case v.login != "":
		return v.login, nil
	}
	id := v.secretID
	if v.secretIDFile != "" {
		var err error
		if id, err = fromFile(v.secretIDFile); err != nil {
			return "", err
		}
	}
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	body, err := json.Marshal(map[string]string{"role_id": v.role, "secret_id": id})
	if err != nil {
		return "", fault.New(fault.Internal, "login: %w", err)
	}
	if _, err := v.request(ctx, http.MethodPost, "auth/approle/login", "", body, &answer); err != nil {
		return "", fault.Wrap(err, "login", "")
	}
	v.login = answer.Auth.Token
	secret.Learn(v.login)
	return v.login, nil
}

func fromFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable(err)
	}
	s := strings.TrimSpace(string(text))
	secret.Learn(s)
	return s, nil
}

func (v *vault) ask(ctx context.Context, method, path string, body []byte, answer any) (int, error) {
	token, err := v.bearer(ctx)
	if err != nil {
		return 0, err
	}
	return v.request(ctx, method, path, token, body, answer)
}

func (v *vault) request(ctx context.Context, method, path, token string, body []byte, answer any) (int, error) {
	u := v.address + "/v1/" + (&url.URL{Path: path}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return 0, fault.New(fault.Invalid, "%w", err)
	}
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	if v.namespace != "" {
		req.Header.Set("X-Vault-Namespace", v.namespace)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return 0, fault.New(fault.Unavailable, "%w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxFile))
	if err != nil {
		return 0, fault.New(fault.Unavailable, "%w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(answer); err != nil && resp.StatusCode < 300 {
		return resp.StatusCode, fault.New(fault.Unavailable, "the answer of %s is not JSON", v.address)
	}
	switch {
	case resp.StatusCode < 300:
		return resp.StatusCode, nil
	case resp.StatusCode == http.StatusForbidden:
		return resp.StatusCode, fault.New(fault.Forbidden, "%s does not permit reading %s", v.address, path)
	}
	return resp.StatusCode, fault.New(fault.Unavailable, "%s answered with status %d for %s", v.address, resp.StatusCode, path)
}
