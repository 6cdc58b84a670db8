// Package hostile sends a server what nobody in good faith would, and watches
// that it refuses quickly, in bounded memory, and says where the trouble is.
package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	password = "hostile-test"
	// goal is how long a refusal may take; it is told, not asserted, since
	// other work may share the machine. tooLong is what no machine excuses.
	goal    = 500 * time.Millisecond
	tooLong = 10 * time.Second
	memory  = 200 << 20 // more resident memory than before
)

// server is one server process.
type server struct {
	url string
	cmd *exec.Cmd
}

func serve(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "gowanus")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/gowanus").CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	// With something in the cache the server does not compile its own modules at
	// first, which takes memory that nobody hostile has asked for.
	if err := os.MkdirAll(filepath.Join(dir, "data", "cache", "used"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "data"))}
	s.cmd.Env = append(os.Environ(), "GOWANUS_ADMIN_PASSWORD="+password)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	var ok bool
	if _, s.url, ok = strings.Cut(strings.TrimSpace(line), "listening on "); !ok {
		t.Fatalf("the server said %q, %v", line, err)
	}
	return s
}

// post sends a body and gives status and message.
func (s *server) post(t *testing.T, path string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil { // the server may hang up on what is far too long
		return http.StatusRequestEntityTooLarge, err.Error()
	}
	defer resp.Body.Close()
	var answer struct{ Message string }
	text, err := io.ReadAll(resp.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, answer.Message
}

// resident gives the most memory that the server ever had.
func (s *server) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil && runtime.GOOS != "linux" {
		t.Skip(err)
	}
	if err != nil { // the server has ended
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

const head = "services:\n- type: basic-entity\n  id: a\n"

// repeated writes a line for each number.
func repeated(n int, format string) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func aliasBomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	return text + "services: [{type: basic-entity}]\n"
}

func catalogBomb() string {
	text := "brooklyn.catalog:\n  items:\n  - {id: t0, item: {type: basic-entity}}\n"
	for i := 1; i < 9; i++ {
		text += fmt.Sprintf("  - id: t%d\n    item:\n      type: basic-entity\n      brooklyn.children:\n%s", i, repeated(10, fmt.Sprintf("      - {type: t%d, name: n%%d}\n", i-1)))
	}
	return text
}

// TestRefusals sends each input and expects the message.
func TestRefusals(t *testing.T) {
	s := serve(t)
	before := s.resident(t)
	for _, tt := range []struct{ name, path, body, want string }{
		{"alias bomb", "", aliasBomb(), `blueprint:\d+:\d+: .*(Aliases|Nodes)`},
		{"alias of itself", "", "services: &a [*a]\n", `blueprint:1:\d+: `},
		{"depth in brackets", "", "services: " + strings.Repeat("[", 100_000), `blueprint:1:\d+: .*(Depth|deep)`},
		{"depth in lines", "", deep(2000), `blueprint:\d+:\d+: .*Depth`},
		{"too many bytes", "", strings.Repeat("# comment\n", 600_000), `Limits.Body`},
		{"a million keys", "", head + "  brooklyn.config:\n" + repeated(300_000, "    k%d: 1\n"), `blueprint:\d+:\d+: .*Nodes`},
		{"a key twice", "", "name: a\nname: b\nservices: []\n", `blueprint:2:1: key "name" is already set at`},
		{"too many entities", "", "services:\n" + repeated(20_000, "- {type: basic-entity, id: e%d}\n"), `Entities`},
		{"an unknown function", "", head + "  brooklyn.config: {k: '$brooklyn:confg(\"x\")'}\n", `blueprint:4:\d+: .*No such function 'confg'; did you mean config`},
		{"a wrong count of arguments", "", head + "  brooklyn.config: {k: '$brooklyn:urlEncode()'}\n", `blueprint:4:\d+: .*urlEncode takes 1 argument, not 0`},
		{"an expression of many brackets", "", head + "  brooklyn.config: {k: '$brooklyn:literal(" + strings.Repeat("(", 10_000) + "'}\n", `blueprint:4:\d+: `},
		{"a regular expression that explodes", "", head + "  brooklyn.config: {k: '$brooklyn:regexReplacement(\"x\", \"((a{1,1000}){1,1000}){1,1000}\", \"y\")'}\n", `blueprint:4:\d+: `},
		{"control characters", "", "name: a\x00b\nservices: []\n", `blueprint:1:\d+: `},
		{"not UTF-8", "", "name: a\xff\xfe\nservices: []\n", `blueprint:1:\d+: `},
		{"an item that starts from itself", "catalog", "brooklyn.catalog: {items: [{id: a, item: {type: b}}, {id: b, item: {type: a}}]}", `catalog:1:\d+: the type \S+ is recursive`},
		{"an item below itself", "catalog", "brooklyn.catalog: {id: a, item: {type: basic-entity, brooklyn.children: [{type: a}]}}", `catalog:1:\d+: the type \S+ is recursive`},
		{"items that grow tenfold each", "catalog", catalogBomb(), `Entities`},
		{"include of a file", "catalog", "brooklyn.catalog: {include: 'file:///etc/passwd'}", `catalog:1:\d+: include of file:///etc/passwd`},
		{"include of a URL", "catalog", "brooklyn.catalog: {include: 'http://169.254.169.254/x'}", `catalog:1:\d+: this server does not fetch`},
		{"a zip that leads out", "catalog", "PK\x03\x04 and nothing else", `not a zip archive`},
	} {
		path := "/v1/applications"
		if tt.path == "catalog" {
			path = "/v1/catalog/bundles"
		}
		begun := time.Now()
		status, message := s.post(t, path, strings.NewReader(tt.body))
		took := time.Since(begun)
		if status/100 != 4 || !regexp.MustCompile(`(?s)`+tt.want).MatchString(message) {
			t.Errorf("%s: %d %.300s\nwant %s", tt.name, status, message, tt.want)
		}
		if took > tooLong {
			t.Errorf("%s took %s", tt.name, took)
		}
		note := ""
		if took > goal {
			note = " (over the goal)"
		}
		t.Logf("%-36s %8s %4d MB%s", tt.name, took.Round(time.Millisecond), s.resident(t)>>20, note)
	}
	if grown := s.resident(t) - before; grown > memory {
		t.Errorf("the server took %d MB more", grown>>20)
	}
	s.nothingCreated(t)
}

// deep writes a map in a map in a map, each on its line.
func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestEndlessBody sends a body that never ends; the server need not read it.
func TestEndlessBody(t *testing.T) {
	s := serve(t)
	before := s.resident(t)
	body := io.LimitReader(zeros{}, 100<<20)
	if status, message := s.post(t, "/v1/applications", body); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, message)
	}
	if grown := s.resident(t) - before; grown > memory {
		t.Errorf("the server took %d MB more", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

// TestValuesThatWaitForThemselves deploys what is well formed but can never be
// computed: reading it fails, and names the circle.
func TestValuesThatWaitForThemselves(t *testing.T) {
	s := serve(t)
	status, message := s.post(t, "/v1/applications", strings.NewReader(`
name: round
services:
- type: basic-application
  id: top
  brooklyn.config:
    a: $brooklyn:config("b")
    b: $brooklyn:config("a")
    c: $brooklyn:entity("below").config("d")
  brooklyn.children:
  - type: basic-entity
    id: below
    brooklyn.config:
      d: $brooklyn:parent().config("c")
`))
	if status/100 != 2 {
		t.Fatalf("%d %s", status, message)
	}
	for _, key := range []string{"a", "c"} {
		req, err := http.NewRequest(http.MethodGet, s.url+"/v1/applications/round/entities/round/config/"+key+"?timeout=5s", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", password)
		begun := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode/100 != 4 || !strings.Contains(string(text), "Recursive reference") || time.Since(begun) > 4*time.Second {
			t.Errorf("%s: %d %s after %s", key, resp.StatusCode, text, time.Since(begun))
		}
	}
}

// nothingCreated fails when anything of what was refused is there.
func (s *server) nothingCreated(t *testing.T) {
	t.Helper()
	for path, empty := range map[string]string{"/v1/applications": "[]", "/v1/catalog/bundles": "a bundle that can be deleted"} {
		req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if path == "/v1/applications" && strings.TrimSpace(string(text)) != empty || strings.Contains(string(text), `"deleteable":true`) {
			t.Errorf("%s: something was created: %.300s", path, text)
		}
	}
}
