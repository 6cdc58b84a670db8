package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/engine"
)

// TestSeeds checks blueprints as they were shown over the years: whatever they
// name is known, though not all of it can run.
func TestSeeds(t *testing.T) {
	files, err := filepath.Glob("../../dsl/camp/testdata/seed/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	e, end, err := offlineEngine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Check(t.Context(), engine.Request{File: filepath.Base(file), Text: text, Lenient: true}); err != nil {
			t.Error(err)
		}
	}
}
