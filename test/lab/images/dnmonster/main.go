// Command dnmonster draws monsters: GET /monster/NAME?size=80 answers a PNG
// that is always the same for one name.
package main

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"log"
	"net/http"
	"strconv"
	"time"
)

// Sizes in pixels.
const (
	defaultSize = 80
	maxSize     = 1024
	cells       = 8 // a monster's grid, mirrored at the middle
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /monster/{name}", monster)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Print("listening on ", s.Addr)
	log.Fatal(s.ListenAndServe())
}

func monster(w http.ResponseWriter, r *http.Request) {
	size := defaultSize
	if s := r.URL.Query().Get("size"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < cells || n > maxSize {
			http.Error(w, "size must be a number from 8 to 1024", http.StatusBadRequest)
			return
		}
		size = n
	}
	var b bytes.Buffer
	if err := png.Encode(&b, draw(r.PathValue("name"), size)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	if _, err := w.Write(b.Bytes()); err != nil {
		log.Print(err)
	}
}

func draw(name string, size int) image.Image {
	sum := sha256.Sum256([]byte(name))
	ink := color.RGBA{R: sum[0], G: sum[1], B: sum[2], A: 255}
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			column, row := x*cells/size, y*cells/size
			column = min(column, cells-1-column)
			dot := color.RGBA{R: 240, G: 240, B: 240, A: 255}
			if sum[3+row]>>column&1 == 1 {
				dot = ink
			}
			img.Set(x, y, dot)
		}
	}
	return img
}
