// Command store keeps numbers and lists in a file and serves them over HTTP:
// the database of the guestbook.
//
//	POST /numbers/NAME    adds one, answers the sum
//	GET  /lists/NAME      answers the items as JSON
//	POST /lists/NAME      appends the body as an item
//
// Environment: LISTEN (127.0.0.1:8080), RUN_DIR (where the file is).
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Limits of one list.
const (
	maxItem  = 1 << 10 // bytes of one item
	maxItems = 100     // the oldest go first
)

// store is all data; it is written to the file at each change.
type store struct {
	file string

	mu      sync.Mutex
	Numbers map[string]int      `json:"numbers"`
	Lists   map[string][]string `json:"lists"`
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	s, err := open(filepath.Join(os.Getenv("RUN_DIR"), "guestbook.json"))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080"), Handler: s.handler(), ReadTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	log.Printf("store listens on %s, keeps %s", server.Addr, s.file)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open reads the file, if there is one.
func open(file string) (*store, error) {
	s := &store{file: file, Numbers: map[string]int{}, Lists: map[string][]string{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *store) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("POST /numbers/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.Numbers[r.PathValue("name")]++
		s.answer(w, s.Numbers[r.PathValue("name")], true)
	})
	mux.HandleFunc("GET /lists/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answer(w, append([]string{}, s.Lists[r.PathValue("name")]...), false)
	})
	mux.HandleFunc("POST /lists/{name}", func(w http.ResponseWriter, r *http.Request) {
		item, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxItem))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		list := append(s.Lists[r.PathValue("name")], string(item))
		s.Lists[r.PathValue("name")] = list[max(0, len(list)-maxItems):]
		s.answer(w, len(list), true)
	})
	return mux
}

// answer writes a value, after the file when something changed. Callers hold mu.
func (s *store) answer(w http.ResponseWriter, v any, changed bool) {
	if changed {
		if err := s.save(); err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func (s *store) save() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.file+".new", s.file)
}
