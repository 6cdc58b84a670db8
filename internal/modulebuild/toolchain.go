package modulebuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// job is one compilation. Its methods for the languages give the file that
// they made, which is out unless the toolchain decides.
type job struct {
	ctx context.Context
	dir string
	out string
	log io.Writer

	slow     func(what string)
	patience time.Duration
}

// missing is the error for a tool that is not there.
func missing(tool, install string) error {
	return fault.New(fault.Unavailable, "%s is not installed: %s", tool, install)
}

// run runs a tool in the folder and gives its standard output; env is added to
// the environment.
func (j *job) run(env []string, tool string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(j.ctx, tool, args...)
	cmd.Dir, cmd.Env = j.dir, append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, io.MultiWriter(j.log, &stderr)
	if j.slow != nil {
		told := time.AfterFunc(j.patience, func() { j.slow(strings.Join(append([]string{filepath.Base(tool)}, args[:min(1, len(args))]...), " ")) })
		defer told.Stop()
	}
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if j.ctx.Err() != nil {
		return nil, j.ctx.Err()
	}
	text := strings.TrimSpace(stderr.String())
	if j.log != io.Discard {
		text = "" // it was shown already
	}
	if text != "" {
		text = "\n" + text
	}
	return nil, fault.New(fault.Precondition, "%s %s: %w%s", filepath.Base(tool), strings.Join(args[:min(1, len(args))], " "), err, text)
}

// find gives the first tool that is there.
func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (j *job) golang() (string, error) {
	tool := find("go")
	if tool == "" {
		return "", missing("Go", "apt-get install golang-go (1.24 or newer: Debian 13, or bookworm-backports), or https://go.dev/dl")
	}
	env := []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=" + strings.TrimSpace(os.Getenv("GOFLAGS")+" -buildvcs=false")}
	_, err := j.run(env, tool, "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o", j.out, ".")
	return j.out, err
}

const rustTarget = "wasm32-unknown-unknown"

// debian is where Debian's packages have a compiler of Rust, and crates.
const debian = "/usr"

// rust prefers the toolchain in PATH, and takes Debian's with the crates that
// are installed as packages if that one cannot compile to WebAssembly.
func (j *job) rust() (string, error) {
	tool, env := find("cargo"), []string(nil)
	args := []string{"build", "--release", "--target", rustTarget, "--message-format=json-render-diagnostics"}
	if tool == "" || !knowsWasm(j, find("rustc")) {
		if _, err := os.Stat(debian + "/lib/rustlib/" + rustTarget); err != nil || find(debian+"/bin/cargo") == "" {
			return "", missing("Rust for WebAssembly", "apt-get install cargo lld libstd-rust-dev-wasm32 librust-serde-derive-dev librust-serde-json-dev, or rustup target add "+rustTarget)
		}
		tool, env = debian+"/bin/cargo", []string{"RUSTC=" + debian + "/bin/rustc", "RUSTDOC=" + debian + "/bin/rustdoc"}
		args = append(args, "--offline",
			"--config", `source.crates-io.replace-with="debian"`, "--config", `source.debian.directory="`+debian+`/share/cargo/registry"`)
	}
	out, err := j.run(env, tool, args...)
	if err != nil {
		return "", err
	}
	return artifact(out)
}

func knowsWasm(j *job, rustc string) bool {
	if rustc == "" || rustc == debian+"/bin/rustc" {
		return false
	}
	root, err := j.run(nil, rustc, "--print", "sysroot")
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(strings.TrimSpace(string(root)), "lib/rustlib", rustTarget))
	return err == nil
}

// artifact finds the module in what cargo tells of its work: the last one is
// the folder's own.
func artifact(messages []byte) (file string, err error) {
	for d := json.NewDecoder(bytes.NewReader(messages)); ; {
		var m struct {
			Reason    string
			Filenames []string
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fault.New(fault.Internal, "read what cargo printed: %w", err)
		}
		for _, name := range m.Filenames {
			if m.Reason == "compiler-artifact" && strings.HasSuffix(name, ".wasm") {
				file = name
			}
		}
	}
	if file == "" {
		err = fault.New(fault.Precondition, `cargo made no .wasm file: Cargo.toml needs [lib] with crate-type = ["cdylib"]`)
	}
	return file, err
}

func (j *job) assemblyScript() (string, error) {
	asc := filepath.Join("node_modules", ".bin", "asc")
	if _, err := os.Stat(filepath.Join(j.dir, asc)); err != nil {
		npm := find("npm")
		if npm == "" {
			return "", missing("npm", "apt-get install nodejs npm")
		}
		if _, err := j.run(nil, npm, "install", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
			return "", err
		}
	}
	if find("node") == "" {
		return "", missing("Node.js", "apt-get install nodejs npm")
	}
	path, err := filepath.Abs(filepath.Join(j.dir, asc))
	if err != nil {
		return "", fault.New(fault.Internal, "find the compiler: %w", err)
	}
	_, err = j.run(nil, path, "--config", "asconfig.json", "--target", "release", "--outFile", j.out)
	return j.out, err
}

// clangs are the names of compilers that know WebAssembly, the newest first.
var clangs = []string{
	"clang", "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14",
}

// sources are where the C files of a module are; headers may be there too.
var sources = []string{".", "src", "gowanus"}

// c compiles all C files by one call of clang. A Makefile is left the work; it
// gets the file to make as OUT and the compiler as CC. CLANG in the environment
// names another clang.
func (j *job) c() (string, error) {
	cc := os.Getenv("CLANG") // CC often names a compiler that knows no WebAssembly
	if cc == "" {
		cc = find(clangs...)
	}
	if cc == "" || find("wasm-ld", filepath.Join(filepath.Dir(cc), strings.Replace(filepath.Base(cc), "clang", "wasm-ld", 1))) == "" {
		return "", missing("clang for WebAssembly", "apt-get install clang lld")
	}
	if _, err := os.Stat(filepath.Join(j.dir, "Makefile")); err == nil {
		tool := find("make")
		if tool == "" {
			return "", missing("make", "apt-get install make")
		}
		_, err := j.run(nil, tool, "OUT="+j.out, "CC="+cc)
		return j.out, err
	}
	args := []string{
		"--target=wasm32", "-std=c11", "-O2", "-ffreestanding", "-nostdlib",
		"-Wl,--no-entry,--stack-first,-z,stack-size=131072,--strip-all", "-o", j.out,
	}
	files := 0
	for _, folder := range sources {
		found, err := filepath.Glob(filepath.Join(j.dir, folder, "*.c"))
		if err != nil {
			return "", fault.New(fault.Invalid, "find the sources: %w", err)
		}
		if info, err := os.Stat(filepath.Join(j.dir, folder)); err == nil && info.IsDir() {
			args = append(args, "-I"+folder)
		}
		slices.Sort(found)
		for _, name := range found {
			args = append(args, filepath.Join(folder, filepath.Base(name)))
			files++
		}
	}
	if files == 0 {
		return "", fault.New(fault.Invalid, "%s has no C files", j.dir)
	}
	_, err := j.run(nil, cc, args...)
	return j.out, err
}
