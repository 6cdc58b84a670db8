// Command web is the page of the guestbook: entries from the store, the
// number of visits from the counter.
//
// Environment: LISTEN (127.0.0.1:8080), STORE_URL, COUNTER_URL, TITLE.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const maxEntry = 500 // bytes of one entry

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<p>You are visitor number {{.Visits}}.</p>
<ul>{{range .Entries}}
<li>{{.}}</li>{{else}}
<li>Nobody has written anything yet.</li>{{end}}
</ul>
<form method="post"><input name="entry" maxlength="500" required autofocus> <button>Sign</button></form>
`))

// web calls the two other services.
type web struct {
	title, store, counter string
	client                *http.Client
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	w := &web{
		title:   cmp.Or(os.Getenv("TITLE"), "Guestbook"),
		store:   os.Getenv("STORE_URL"),
		counter: os.Getenv("COUNTER_URL"),
		client:  &http.Client{Timeout: 5 * time.Second},
	}
	if w.store == "" || w.counter == "" {
		return errors.New("STORE_URL or COUNTER_URL is not set")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080"), Handler: w.handler(), ReadTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	log.Printf("web listens on %s, reads %s, counts with %s", server.Addr, w.store, w.counter)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (g *web) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /{$}", g.show)
	mux.HandleFunc("POST /{$}", g.sign)
	return mux
}

func (g *web) show(w http.ResponseWriter, _ *http.Request) {
	data := struct {
		Title   string
		Visits  int
		Entries []string
	}{Title: g.title}
	err := errors.Join(
		g.call(http.MethodPost, g.counter+"/visit", "", &data.Visits),
		g.call(http.MethodGet, g.store+"/lists/entries", "", &data.Entries),
	)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, data) // the client has gone
}

func (g *web) sign(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4*maxEntry)
	entry := strings.TrimSpace(r.FormValue("entry"))
	if entry == "" || len(entry) > maxEntry {
		http.Error(w, fmt.Sprintf("an entry has 1 to %d bytes", maxEntry), http.StatusBadRequest)
		return
	}
	if err := g.call(http.MethodPost, g.store+"/lists/entries", entry, nil); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// call sends a request and decodes the JSON answer into v, if v is given.
func (g *web) call(method, url, body string, v any) error {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, strings.TrimSpace(string(text)))
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(text, v)
}
