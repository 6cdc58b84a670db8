package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/internal/scaffold"
)

// project builds a module of one file with the library of its language; where
// the toolchain is not there, or takes long, it skips the test.
func project(t *testing.T, language string, sources map[string][]byte) *modulebuild.Result {
	t.Helper()
	every := os.Getenv(everyBuild) != ""
	if !every && language != "c" {
		t.Skip(`building it takes long; "make sdks" does`)
	}
	sdk, dir := filepath.Join(root, "sdk", language), t.TempDir()
	if _, err := scaffold.Write(dir, scaffold.Options{Language: language, Kind: "policy", Name: "cooldown", SDK: sdk}); err != nil {
		t.Fatal(err)
	}
	for name, source := range sources {
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{ // it is to be built, not to be good
		"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
	} {
		t.Setenv(name, value)
	}
	m, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
	if fault.KindOf(err) == fault.Unavailable && err != nil && !every {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sourceOf says which file of a project is the module.
var sourceOf = map[string]string{"c": "module.c", "rust": "src/lib.rs", "assemblyscript": "module.ts"}

// TestHost: modules read sensors, config and files by host operations, larger
// answers than they have room for as well, see the kind of an error, and log.
func TestHost(t *testing.T) {
	big := strings.Repeat("0123456789", 2000)
	asked := ""
	serve := func(_ context.Context, op int32, request []byte) ([]byte, error) {
		asked += fmt.Sprintf("%d %v\n", op, value(t, request))
		switch op {
		case 1:
			return []byte(`{"value": [1.5, "up"]}`), nil
		case 3:
			return json.Marshal(map[string]string{"text": big})
		}
		return nil, fault.New(fault.Forbidden, "not granted")
	}
	for language, source := range sourceOf {
		t.Run(language, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata/host", language, filepath.Base(source)))
			if err != nil {
				t.Fatal(err)
			}
			built := project(t, language, map[string][]byte{source: text})
			bin, err := os.ReadFile(built.File)
			if err != nil {
				t.Fatal(err)
			}
			var logged bytes.Buffer
			r, err := wasm.New(wasm.Config{Log: slog.New(slog.NewTextHandler(&logged, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			m, err := r.Load("probe", bin, wasm.LoadOptions{Host: serve})
			if err != nil {
				t.Fatal(err)
			}
			asked = ""
			got := ask(t, m, hook.StepPlan, []byte(`{"type": "probe", "args": {"sensor": "a \"b\""}}`))
			answer, err := json.Marshal(got)
			if want := `{"result":{"fault":5,"file":"` + big + `","sensor":[1.5,"up"]}}`; err != nil || string(answer) != want {
				t.Errorf("got %.200s, %v", answer, err)
			}
			first := "1 map[entity:x2 sensor:a \"b\"]\n"
			if file := "3 map[name:big.txt]\n"; asked != first+file+file+"2 map[entity:x2 key:k]\n" {
				t.Errorf("asked %s", asked)
			}
			if !strings.Contains(logged.String(), "asked 3 times, 0.5") {
				t.Errorf("logged %s", logged.String())
			}
		})
	}
}
