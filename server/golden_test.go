package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "write what the server answers into testdata")

// TestResources replays the conversations in testdata/*.http: a line "> GET
// /path Header: value" with the body of the request below it, then "< 200" and
// what the server must answer, to the byte but for the indentation of JSON.
// Each file begins with the application of withShop; its clock stands still
// but for the waiting.
func TestResources(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replay(t, file) })
		})
	}
}

func replay(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := New(newFake(t).withShop(t), Config{Password: "pw", Version: "1.0", Commit: "abc"}).Handler()
	var got strings.Builder
	for _, x := range exchanges(t, string(text)) {
		answer := x.send(t, h)
		fmt.Fprintf(&got, "%s%s\n%s", x.comment, x.asked, answer)
		if answer != x.want && !*update {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", x.asked, answer, x.want)
		}
		synctest.Wait()
		time.Sleep(time.Second) // so that what comes later is seen to be later
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// exchange is one request and its answer, as the file has them.
type exchange struct{ comment, asked, want string }

func exchanges(t *testing.T, text string) []exchange {
	t.Helper()
	var out []exchange
	var comment strings.Builder
	part := &comment
	var asked, want strings.Builder
	end := func() {
		if asked.Len() > 0 {
			out = append(out, exchange{comment.String(), strings.TrimSuffix(asked.String(), "\n"), want.String()})
			comment.Reset()
		}
		asked.Reset()
		want.Reset()
	}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "# "):
			if part != &comment {
				end()
			}
			part = &comment
		case strings.HasPrefix(line, "> "):
			if part != &comment {
				end()
			}
			part = &asked
		case strings.HasPrefix(line, "< "):
			part = &want
		}
		part.WriteString(line)
	}
	end()
	return out
}

// send makes the request and gives the answer in the form of the file.
func (x exchange) send(t *testing.T, h http.Handler) string {
	t.Helper()
	first, body, _ := strings.Cut(strings.TrimPrefix(x.asked, "> "), "\n")
	fields := strings.SplitN(first, " ", 3)
	r := httptest.NewRequest(fields[0], fields[1], strings.NewReader(body))
	r.SetBasicAuth("admin", "pw")
	if len(fields) == 3 {
		for header := range strings.SplitSeq(fields[2], " | ") {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out bytes.Buffer
	out.WriteString("< " + strconv.Itoa(w.Code))
	for _, name := range []string{"Location", "Content-Type"} {
		if v := w.Header().Get(name); v != "" && v != jsonType {
			out.WriteString(" " + name + ": " + v)
		}
	}
	out.WriteString("\n")
	if w.Body.Len() > 0 {
		if w.Header().Get("Content-Type") != jsonType || json.Indent(&out, w.Body.Bytes(), "", "  ") != nil {
			out.Write(w.Body.Bytes())
		}
		if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			out.WriteString("\n")
		}
	}
	return out.String()
}
