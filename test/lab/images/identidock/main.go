// Command identidock is the front end of the identidock demo: it shows the
// monster of a name, drawn by dnmonster and cached in redis.
//
// It finds the two by the variables that links set, REDIS_PORT_6379_TCP_ADDR
// and _PORT, DNMONSTER_PORT_8080_TCP_ADDR and _PORT, or else by the host names
// redis and dnmonster.
package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// patience is how long a request waits for a neighbour that is coming up.
const patience = 5 * time.Second

type server struct {
	redis     redis
	dnmonster string // host:port
	hits      atomic.Int64
}

// link gives the address of a linked service.
func link(alias, host, port string) string {
	prefix := fmt.Sprintf("%s_PORT_%s_TCP_", alias, port)
	if h := os.Getenv(prefix + "ADDR"); h != "" {
		host = h
	}
	if p := os.Getenv(prefix + "PORT"); p != "" {
		port = p
	}
	return net.JoinHostPort(host, port)
}

func main() {
	s := &server{redis: redis{address: link("REDIS", "redis", "6379")}, dnmonster: link("DNMONSTER", "dnmonster", "8080")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /monster/{name}", s.monster)
	mux.HandleFunc("GET /status", s.status)
	h := &http.Server{Addr: ":9090", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Printf("listening on %s, redis at %s, dnmonster at %s", h.Addr, s.redis.address, s.dnmonster)
	log.Fatal(h.ListenAndServe())
}

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Identidock</title></head>
<body>
<h1>Identidock</h1>
<form>Hello <input name="name" value="{{.}}"> <button>submit</button></form>
<p>You look like a <img src="/monster/{{.}}" alt="the monster of {{.}}" width="80" height="80"></p>
</body>
</html>
`))

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "Joe Bloggs"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, name); err != nil {
		log.Print(err)
	}
}

func (s *server) monster(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	image, err := s.find(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	if _, err := w.Write(image); err != nil {
		log.Print(err)
	}
}

// find gives the image from the cache, else from dnmonster.
func (s *server) find(name string) ([]byte, error) {
	var image []byte
	err := retry(func() (err error) { image, err = s.redis.do("GET", "monster:"+name); return err })
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if image != nil {
		s.hits.Add(1)
		return image, nil
	}
	err = retry(func() (err error) {
		image, err = fetch("http://" + s.dnmonster + "/monster/" + url.PathEscape(name) + "?size=80")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dnmonster: %w", err)
	}
	if _, err := s.redis.do("SET", "monster:"+name, string(image)); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return image, nil
}

func fetch(url string) ([]byte, error) {
	client := http.Client{Timeout: patience}
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s: %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}

func retry(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (s *server) status(w http.ResponseWriter, _ *http.Request) {
	word := func(err error) string {
		if err != nil {
			return err.Error()
		}
		return "ok"
	}
	_, redisErr := s.redis.do("PING")
	_, monsterErr := fetch("http://" + s.dnmonster + "/")
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(map[string]any{"redis": word(redisErr), "dnmonster": word(monsterErr), "hits": s.hits.Load()})
	if err != nil {
		log.Print(err)
	}
}
