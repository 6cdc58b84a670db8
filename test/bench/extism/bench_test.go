package extism

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/test/bench/extism/echo"
)

// document is a call of some 200 bytes.
var document = []byte(`{"image":"redis:3","openPorts":[6379],"env":{"A":"b","C":"d"},"text":"` + strings.Repeat("x", 123) + `"}`)

// caller asks a guest once.
type caller func(in []byte) ([]byte, error)

// runtimes make a guest ready to be called.
var runtimes = map[string]func(t testing.TB, bin []byte, wasi bool) caller{"gowanus": gowanus, "extism": extism}

func gowanus(t testing.TB, bin []byte, _ bool) caller {
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	m, err := r.Load("m", bin, wasm.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return func(in []byte) ([]byte, error) { return m.Call(ctx, hook.EntityEffector, in) }
}

// extism sets no timeout, with which its guests would be ten times slower: ours
// are under fuel, time, stack and memory limits.
func extism(t testing.TB, bin []byte, wasi bool) caller {
	ctx := context.Background()
	p, err := sdk.NewPlugin(ctx, sdk.Manifest{Wasm: []sdk.Wasm{sdk.WasmData{Data: bin}}},
		sdk.PluginConfig{EnableWasi: wasi, RuntimeConfig: wazero.NewRuntimeConfig()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(ctx) })
	return func(in []byte) ([]byte, error) {
		code, out, err := p.CallWithContext(ctx, "echo", in)
		if err == nil && code != 0 {
			err = errors.New("the guest failed")
		}
		return out, err
	}
}

// guest builds the guest of a language for a runtime.
func guest(t testing.TB, language, runtime string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guest.wasm")
	var cmd *exec.Cmd
	if language == "go" {
		folder := "./guests/own"
		if runtime == "extism" {
			folder = "./guests/extism"
		}
		cmd = exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, folder)
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	} else {
		clang, ok := first("clang", "clang-19", "clang-16", "clang-14")
		if !ok && os.Getenv("GOWANUS_EVERY_SDK") != "" {
			t.Fatal("clang is not installed")
		}
		if !ok {
			t.Skip("clang is not installed")
		}
		args := []string{"--target=wasm32", "-nostdlib", "-O2", "-fno-builtin", "-Wl,--no-entry", "-o", file, "guests/echo.c"}
		if linker, ok := first("wasm-ld", "wasm-ld-19", "wasm-ld-16", "wasm-ld-14"); ok {
			args = append(args, "-fuse-ld="+linker)
		}
		if runtime == "extism" {
			args = append(args, "-DEXTISM")
		}
		cmd = exec.Command(clang, args...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	bin, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func first(names ...string) (string, bool) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// TestBothAnswerTheSame keeps the comparison honest.
func TestBothAnswerTheSame(t *testing.T) {
	for _, language := range []string{"go", "c"} {
		t.Run(language, func(t *testing.T) {
			want := echo.Process(document)
			if language == "c" {
				want = append(append([]byte(nil), document...), '0'+byte(bytes.Count(document, []byte(`"`))%10))
			}
			for name, ready := range runtimes {
				got, err := ready(t, guest(t, language, name), language == "go")(document)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %s, %v\nwant %s", name, got, err, want)
				}
			}
		})
	}
}

// BenchmarkEcho calls a guest with a small document.
func BenchmarkEcho(b *testing.B) {
	for _, language := range []string{"go", "c"} {
		for _, name := range []string{"gowanus", "extism"} {
			b.Run(language+"/"+name, func(b *testing.B) {
				call := runtimes[name](b, guest(b, language, name), language == "go")
				if _, err := call(document); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := call(document); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
