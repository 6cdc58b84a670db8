package modulebuild_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
)

// hello is the module of sdk/ABI.md.
func hello(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../sdk/ABI.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "    #define EXPORT")
	if !ok {
		t.Fatal("sdk/ABI.md has no example in C")
	}
	code := "#define EXPORT"
	for line := range strings.Lines(rest) {
		if code != "#define EXPORT" && line != "\n" && !strings.HasPrefix(line, "    ") {
			break
		}
		code += strings.TrimPrefix(line, "    ")
	}
	return code
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// bare gives a module without its description.
func bare(t *testing.T, bin []byte) []byte {
	t.Helper()
	out, err := section.Remove(bin, section.Describe)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// everyBuild is the environment variable with which no language may be left
// out.
const everyBuild = "GOWANUS_EVERY_SDK"

// needs skips a test without one of some tools.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err == nil {
			return
		}
	}
	if os.Getenv(everyBuild) != "" {
		t.Fatal("needs one of ", tools)
	}
	t.Skip(`needs one of `, tools, `; "make sdks" installs them`)
}

func TestBuildC(t *testing.T) {
	needs(t, "wasm-ld", "wasm-ld-19", "wasm-ld-14")
	for name, files := range map[string]map[string]string{
		"files":    {"hello.c": hello(t)},
		"src":      {"src/hello.c": hello(t), "gowanus/empty.c": "int unused;\n"},
		"makefile": {"hello.c": hello(t), "Makefile": "all:\n\t$(CC) --target=wasm32 -nostdlib -Wl,--no-entry -o $(OUT) hello.c\n"},
	} {
		dir := folder(t, files)
		got, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		bin, err := os.ReadFile(filepath.Join(dir, "hello.wasm"))
		if err != nil || got.File != filepath.Join(dir, "hello.wasm") || got.Size != len(bin) || got.Language != modulebuild.C || got.Description.Version != "1.0.0" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		carried, err := section.Get(bin, section.Describe)
		if want := `{"name": "hello", "version": "1.0.0", "abi": [1, 1], `; err != nil || !strings.HasPrefix(string(carried), want) {
			t.Errorf("%s: carries %s, %v", name, carried, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bare.wasm"), bare(t, bin), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err = modulebuild.Build(t.Context(), filepath.Join(dir, "bare.wasm"), modulebuild.Options{}); err != nil || got.File != filepath.Join(dir, "bare.wasm") {
			t.Errorf("%s: finished %+v, %v", name, got, err)
		}
		if finished, err := os.ReadFile(filepath.Join(dir, "bare.wasm")); err != nil || !bytes.Equal(finished, bin) {
			t.Errorf("%s: a file that was compiled otherwise became something else, %v", name, err)
		}
		_, again, err := modulebuild.Finish(t.Context(), bin)
		if err != nil || !bytes.Equal(again, bin) {
			t.Errorf("%s: finishing it again changes it, %v", name, err)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		language string
		kind     fault.Kind
		want     string // DIR stands for the folder
	}{
		"nothing":  {nil, "", fault.Invalid, "DIR has no sources of a module: expected go.mod, Cargo.toml, asconfig.json, or C files"},
		"language": {nil, "gol", fault.Invalid, `language "gol": expected one of go, rust, c, assemblyscript; did you mean "go"?`},
		"no C":     {nil, "c", fault.Invalid, "DIR has no C files"},
		"no Go":    {map[string]string{"go.mod": "module x\n"}, "", fault.Precondition, "go build: exit status 1\nno Go files in DIR"},
	} {
		if name == "no C" {
			needs(t, "wasm-ld", "wasm-ld-19", "wasm-ld-14")
		}
		dir := folder(t, c.files)
		_, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{Language: c.language})
		if want := strings.ReplaceAll(c.want, "DIR", dir); err == nil || err.Error() != want || fault.KindOf(err) != c.kind {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*.wasm")); len(left) > 0 || err != nil {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// TestSlow: who waits for a tool is told that it runs. This one ends once it was told.
func TestSlow(t *testing.T) {
	told := filepath.Join(t.TempDir(), "told")
	t.Setenv("TOLD", told)
	bin := folder(t, map[string]string{"go": "#!/bin/sh\nwhile [ ! -e \"$TOLD\" ]; do sleep 0.01; done\necho no luck >&2\nexit 1\n"})
	if err := os.Chmod(filepath.Join(bin, "go"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	got := ""
	o := modulebuild.Options{Language: modulebuild.Go, Patience: time.Millisecond, Slow: func(what string) {
		got = what
		if err := os.WriteFile(told, nil, 0o600); err != nil {
			t.Error(err)
		}
	}}
	_, err := modulebuild.Build(t.Context(), t.TempDir(), o)
	if want := "go build: exit status 1\nno luck"; err == nil || err.Error() != want || got != "go build" {
		t.Errorf("got %v after %q, want %s", err, got, want)
	}
}

// TestMissingToolchains: the error says what to install.
func TestMissingToolchains(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CLANG", "")
	for language, want := range map[string]string{
		modulebuild.Go:             "Go is not installed: apt-get install golang-go (1.24 or newer: Debian 13, or bookworm-backports), or https://go.dev/dl",
		modulebuild.C:              "clang for WebAssembly is not installed: apt-get install clang lld",
		modulebuild.AssemblyScript: "npm is not installed: apt-get install nodejs npm",
	} {
		_, err := modulebuild.Build(t.Context(), t.TempDir(), modulebuild.Options{Language: language})
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: got %v, want %s", language, err, want)
		}
	}
}

// TestFinishRefuses what breaks the contract.
func TestFinishRefuses(t *testing.T) {
	for _, c := range []struct{ bin, want string }{
		{"#!/bin/sh\n", `expected a WebAssembly file, got 10 bytes that begin with "#!/bin/s"`},
		{"\x00asm\x01\x00\x00\x00", "check the module against the contract: load module sha256:93a44bbb96c7: has no memory"},
	} {
		_, _, err := modulebuild.Finish(t.Context(), []byte(c.bin))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.bin, err, c.want)
		}
	}
}
