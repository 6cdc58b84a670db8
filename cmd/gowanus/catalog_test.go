package main

import (
	"archive/zip"
	"bytes"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

func TestPack(t *testing.T) {
	folder := fstest.MapFS{
		"catalog.bom": {Data: []byte("a"), ModTime: time.Unix(1, 0)}, "img/one.png": {Data: []byte("b")},
		".git/config": {Data: []byte("c")}, "img/.hidden": {Data: []byte("d")},
	}
	first, err := pack(folder)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if want := []string{"catalog.bom", "img/one.png"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	folder["catalog.bom"].ModTime = time.Unix(1_000_000_000, 0)
	if again, err := pack(folder); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same files give another archive (%v)", err)
	}
}
