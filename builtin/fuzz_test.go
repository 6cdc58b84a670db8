package builtin_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

// FuzzBlueprint plans any text, against all that is native: it is planned or
// refused, soon and without a panic.
func FuzzBlueprint(f *testing.F) {
	set := builtin.All(builtin.Config{Log: slog.New(slog.DiscardHandler), Dir: f.TempDir()})
	e, err := engine.New(f.Context(), engine.Config{Store: store.NewMemory(), Types: set.Types, Actions: set.Actions, Providers: set.Providers})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close(f.Context()) })
	err = filepath.WalkDir(filepath.Join("..", "examples"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") {
			var text []byte
			text, err = os.ReadFile(path)
			f.Add(text)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		begun := time.Now()
		_, _ = e.Check(t.Context(), engine.Request{File: "f.yaml", Text: text})
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
