package external_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func read(t *testing.T, text string) external.Providers {
	t.Helper()
	n, err := yamlpos.Parse("c.yaml", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := external.Read(n)
	if err != nil {
		t.Fatal(err)
	}
	return external.Providers{"p": p}
}

// get gives a value, or the error's text.
func get(t *testing.T, p external.Providers, key string) any {
	t.Helper()
	v, err := p.Resolve(t.Context(), "p", key)
	if err != nil {
		return "error: " + err.Error()
	}
	return v
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLocalProviders(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GOWANUS_TEST_KEY", "from the environment")
	write(t, filepath.Join(dir, "p.properties"), "# comment\nuser = joe\nurl: http://x:1\n\n")
	write(t, filepath.Join(dir, "p.yaml"), "a: {b: 1}\n")
	write(t, filepath.Join(dir, "secret"), "in a file\n")
	write(t, filepath.Join(filepath.Dir(dir), "outside"), "no")
	if err := os.Symlink("../outside", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		config, key string
		want        any
	}{
		{"{type: env, prefix: GOWANUS_TEST_}", "KEY", "from the environment"},
		{"{type: env, prefix: GOWANUS_TEST_}", "HOME", "error: external p HOME: the environment has no GOWANUS_TEST_HOME"},
		{"{type: file, path: " + dir + "/p.properties}", "user", "joe"},
		{"{type: file, path: " + dir + "/p.properties}", "url", "http://x:1"},
		{"{type: file, path: " + dir + "/p.properties}", "x", `error: external p x: there is no key "x"`},
		{"{type: directory, path: " + dir + "}", "secret", "in a file"},
		{"{type: directory, path: " + dir + "}", "nope", `error: external p nope: there is no key "nope"`},
		{"{type: in-place, values: {k: v-in-place}}", "k", "v-in-place"},
	} {
		if got := get(t, read(t, tt.config), tt.key); got != tt.want {
			t.Errorf("%s %s: got %v, want %v", tt.config, tt.key, got, tt.want)
		}
	}
	for _, key := range []string{"../outside", "link", "/etc/passwd", "."} {
		if got, _ := get(t, read(t, "{type: directory, path: "+dir+"}"), key).(string); !strings.HasPrefix(got, "error: ") {
			t.Errorf("%s led out of the folder: %v", key, got)
		}
	}
	if got := secret.Hide("it is in a file, from the environment"); got != "it is <suppressed>, <suppressed>" {
		t.Errorf("values are not hidden: %s", got)
	}
}

func TestFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	write(t, path, `{"k": "one"}`)
	p := read(t, "{type: file, path: "+path+"}")
	if got := get(t, p, "k"); got != "one" {
		t.Error(got)
	}
	write(t, path, `{"k": "other"}`)
	if got := get(t, p, "k"); got != "other" {
		t.Error(got)
	}
	write(t, path, `hidden-in-error: [`)
	if got, _ := get(t, p, "k").(string); !strings.Contains(got, "is not a map in YAML or JSON") || strings.Contains(got, "hidden") {
		t.Error(got)
	}
}

// fakeVault speaks the wire format of Vault's KV engine of version 2 and of
// its AppRole login.
func fakeVault(t *testing.T) (address string, asked *[]string) {
	asked = &[]string{}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /v1/kv/data/{path...}", func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.PathValue("path"))
		if token := r.Header.Get("X-Vault-Token"); token != "root-token" && token != "role-token" || r.Header.Get("X-Vault-Namespace") != "team" {
			answer(w, http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
			return
		}
		meta := map[string]any{"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false, "version": 3}
		switch r.PathValue("path") {
		case "app/db":
			answer(w, http.StatusOK, map[string]any{"data": map[string]any{"data": map[string]any{"password": "s3cr3t-value", "port": 5432}, "metadata": meta}})
		case "gone":
			meta["deletion_time"] = "2026-01-02T00:00:00Z"
			answer(w, http.StatusNotFound, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
		case "moved":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		default:
			answer(w, http.StatusNotFound, map[string]any{"errors": []string{}})
		}
	})
	mux.HandleFunc("POST /v1/auth/approle/login", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if json.NewDecoder(r.Body).Decode(&in) != nil || in["role_id"] != "r" || in["secret_id"] != "secret-id" {
			answer(w, http.StatusBadRequest, map[string]any{"errors": []string{"invalid secret id"}})
			return
		}
		answer(w, http.StatusOK, map[string]any{"auth": map[string]any{"client_token": "role-token", "lease_duration": 60}})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestVault(t *testing.T) {
	at, asked := fakeVault(t)
	tokenFile := filepath.Join(t.TempDir(), "token")
	write(t, tokenFile, "root-token\n")
	head := "{type: vault, address: '" + at + "', mount: kv, namespace: team, "
	for _, tt := range []struct {
		config, key string
		want        any
	}{
		{"token: root-token}", "app/db#password", "s3cr3t-value"},
		{"token: root-token}", "app/db#port", int64(5432)},
		{"token: root-token, path: app/db}", "password", "s3cr3t-value"},
		{"token: root-token, path: app}", "db#password", "s3cr3t-value"},
		{"token_file: " + tokenFile + "}", "app/db#password", "s3cr3t-value"},
		{"role_id: r, secret_id: secret-id}", "app/db#password", "s3cr3t-value"},
		{"role_id: r, secret_id: wrong-one}", "app/db#password", "error: external p app/db#password: login: " + at + " answered with status 400 for auth/approle/login"},
		{"token: wrong-token}", "app/db#password", "error: external p app/db#password: " + at + " does not permit reading kv/data/app/db"},
		{"token: root-token}", "app/db#nope", `error: external p app/db#nope: the secret app/db has no field "nope"`},
		{"token: root-token}", "gone#x", "error: external p gone#x: the secret gone was deleted"},
		{"token: root-token}", "never#x", "error: external p never#x: there is no secret never below kv"},
		{"token: root-token}", "moved#x", "error: external p moved#x: " + at + " answered with status 307 for kv/data/moved"},
		{"token: root-token}", "../../sys/raw#x", `error: external p ../../sys/raw#x: path "../../sys/raw" has an empty part or leads up`},
		{"token: root-token}", "field", "error: external p field: expected PATH#FIELD, since the provider has no path"},
	} {
		if got := get(t, read(t, head+tt.config), tt.key); got != tt.want {
			t.Errorf("%s %s\n got %v\nwant %v", tt.config, tt.key, got, tt.want)
		}
	}
	*asked = nil
	p := read(t, head+"token: root-token, cache: 1h}")
	get(t, p, "app/db#password")
	get(t, p, "app/db#port")
	if len(*asked) != 1 {
		t.Errorf("asked %d times for one path within the time of the cache", len(*asked))
	}
	if got := secret.Hide("s3cr3t-value root-token secret-id role-token"); strings.Count(got, secret.Suppressed) != 4 {
		t.Errorf("not all is hidden: %s", got)
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"x":                     "c.yaml:1:1: expected a provider, a map with the key type",
		"{type: valt}":          `c.yaml:1:1: unknown type of provider "valt"; did you mean "vault"?; expected one of directory, env, file, in-place, vault`,
		"{type: env}":           "c.yaml:1:1: a provider of type env needs the key prefix",
		"{type: file, paht: x}": "c.yaml:1:1: a provider of type file needs the key path\nc.yaml:1:14: unknown key \"paht\" of a provider of type file; did you mean \"path\"?",
		"{type: in-place}":      "c.yaml:1:1: a provider of type in-place needs values, a map",
		"{type: vault, address: x, token: a, token_file: b, cache: soon}": "c.yaml:1:1: address \"x\": expected http:// or https:// with a host\nc.yaml:1:1: a provider of type vault needs one of token, token_file, and role_id with secret_id or secret_id_file\nc.yaml:1:59: cache: ",
	} {
		n, err := yamlpos.Parse("c.yaml", []byte(text), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := external.Read(n); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
	p := read(t, "{type: in-place, values: {k: v}}")
	if _, err := p.Resolve(t.Context(), "q", "k"); err == nil || err.Error() != `unknown external provider "q"; there is p` || fault.KindOf(err) != fault.NotFound {
		t.Errorf("error %v", err)
	}
}
