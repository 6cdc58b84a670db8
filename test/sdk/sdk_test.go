// Package sdk_test runs the modules that the libraries of sdk/ and
// examples/modules make, in each language, in the engine's own runtime. They
// are built by "make modules-all"; what is not built is skipped.
package sdk_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// root is the folder of the repository.
const root = "../.."

// everyBuild names the variable that makes a module which is not built an
// error. "make lab" and .ci/run set it.
const everyBuild = "GOWANUS_EVERY_SDK"

// languages are those with a library.
func languages() []string { return []string{"go", "c", "rust", "assemblyscript"} }

// codeCache keeps compiled code from one test to the next.
var codeCache string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gowanus-sdk-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	codeCache = filepath.Join(dir, "cache")
	return m.Run()
}

// load loads a built module, or skips the test.
func load(t *testing.T, file string) *wasm.Module {
	t.Helper()
	bin, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		if os.Getenv(everyBuild) != "" {
			t.Fatal(err)
		}
		t.Skipf("%s is not built; \"make modules-all\" builds it, with toolchains that it can install", file)
	}
	if source := newer(t, file); source != "" && os.Getenv(everyBuild) == "" {
		t.Skipf("%s is older than %s; \"make modules-all\" builds it again", file, source)
	}
	r, err := wasm.New(wasm.Config{CacheDir: codeCache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := r.Load(filepath.Base(file), bin, wasm.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newer gives a source, or a vector, that changed after a module was built.
func newer(t *testing.T, file string) (source string) {
	t.Helper()
	built, err := os.Stat(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Dir(filepath.Dir(file))
	for _, dir := range []string{own, filepath.Join("sdk", filepath.Base(own)), filepath.Join("sdk", "vectors")} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.IsDir() && slices.Contains([]string{"build", "target", "node_modules"}, e.Name()) {
				return fs.SkipDir
			}
			info, err := e.Info()
			if ext := filepath.Ext(path); err == nil && info.ModTime().After(built.ModTime()) && !e.IsDir() && ext != ".md" && ext != ".lock" && e.Name() != "package-lock.json" {
				source = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return source
}

// everyLanguage runs a test with the built module of each language.
func everyLanguage(t *testing.T, file func(language string) string, test func(t *testing.T, m *wasm.Module)) {
	for _, language := range languages() {
		t.Run(language, func(t *testing.T) { test(t, load(t, file(language))) })
	}
}

func reference(language string) string {
	return filepath.Join("sdk", language, "build", "reference.wasm")
}

// vector is one file of sdk/vectors.
type vector struct {
	Hook    hook.ID         `json:"hook"`
	In, Out json.RawMessage `json:",omitempty"`
}

func vectors(t *testing.T) map[string]vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "sdk", "vectors", "*.json"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	all := map[string]vector{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		var v vector
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = v
	}
	return all
}

func value(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	return v
}

// ask makes a call and gives the meaning of the answer.
func ask(t *testing.T, m *wasm.Module, id hook.ID, in []byte) any {
	t.Helper()
	out, err := m.Call(t.Context(), id, in)
	if err != nil {
		t.Fatalf("%v: %v", id, err)
	}
	if bytes.HasPrefix(out, []byte("GWPR")) {
		return ranking(t, out)
	}
	return value(t, out)
}

func TestVectors(t *testing.T) {
	all := vectors(t)
	everyLanguage(t, reference, func(t *testing.T, m *wasm.Module) {
		for name, v := range all {
			in := []byte(v.In)
			if v.Hook == hook.PlacementRank {
				var err error
				if in, err = base64.StdEncoding.DecodeString(value(t, v.In).(string)); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second call uses the memory of the first
				if got, want := ask(t, m, v.Hook, in), value(t, v.Out); !reflect.DeepEqual(got, want) {
					t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
				}
			}
		}
		out, err := m.Call(t.Context(), hook.Describe, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(out))
		d.DisallowUnknownFields()
		if err := d.Decode(&hook.Description{}); err != nil {
			t.Errorf("the engine cannot read the description: %v", err)
		}
		if s := m.Stats(); s.Started != 1 || s.Failures != 0 {
			t.Errorf("one instance without failures serves all vectors, got %+v", s)
		}
	})
}

// ranking gives the meaning of a ranking as the vectors write it, and checks
// what the engine would refuse.
func ranking(t *testing.T, b []byte) any {
	t.Helper()
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	n, reasons, scores, index, table := u32(8), u32(12), u32(16), u32(20), u32(24)
	if u32(4) != 1 || u32(28) != len(b) || (scores|index|table)%8 != 0 || scores+8*n > len(b) || index+2*n > len(b) || table+8*reasons > len(b) {
		t.Fatalf("header % x of %d bytes", b[:32], len(b))
	}
	ranked := []any{}
	for i := range n {
		score := math.Float64frombits(binary.LittleEndian.Uint64(b[scores+8*i:]))
		if !math.IsNaN(score) {
			ranked = append(ranked, map[string]any{"score": score})
			continue
		}
		at := table + 8*(int(binary.LittleEndian.Uint16(b[index+2*i:]))-1)
		ranked = append(ranked, map[string]any{"refused": string(b[u32(at) : u32(at)+u32(at+4)])})
	}
	return ranked
}

// TestNumbers sends doubles of all sizes to the enricher that adds them up, and
// as a state that comes back: they are read and written without loss.
func TestNumbers(t *testing.T) {
	numbers := []float64{0, 1, -1, 0.1, 1.5, 1e21, 1e-7, 123456789012345680000, 5e-324, 2.2250738585072014e-308, math.MaxFloat64, math.Pi,
		0.30000000000000004, 9007199254740993, 4503599627370496.5, 1e22, 1e23, 8.41e21, 9.5367431640625e-07, -1e-300}
	random := rand.New(rand.NewPCG(1, 2))
	for len(numbers) < 2000 {
		if f := math.Float64frombits(random.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			numbers = append(numbers, f, math.Round(random.NormFloat64()*1e6)/1e3)
		}
	}
	everyLanguage(t, reference, func(t *testing.T, m *wasm.Module) {
		for _, f := range numbers {
			text := strconv.FormatFloat(f, 'g', -1, 64)
			in := []byte(`{"type": "org.example.Counter", "related": [{"sensors": {"load": ` + text + `}}]}`)
			want := map[string]any{"sensors": map[string]any{"load.total": f}, "state": map[string]any{"n": 1.0}}
			if got := ask(t, m, hook.EnricherEvent, in); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v", text, got)
			}
		}
	})
}

// TestTexts sends texts that JSON writes in several ways through the step that
// gives them back in upper case.
func TestTexts(t *testing.T) {
	everyLanguage(t, reference, func(t *testing.T, m *wasm.Module) {
		for written, want := range map[string]string{
			`"a\"\\\/\b\f\n\r\t\u0001"`:  "A\"\\/\b\f\n\r\t\x01",
			`"\u00e9\u20ac\ud83d\ude00"`: "É€😀", `"é€😀"`: "É€😀", `""`: "",
		} {
			in := []byte(`{"type": "org.example.Shout", "args": {"text": ` + written + `}, "unknown": [{"a": [[], {}, null, true, -1.5e3]}]}`)
			got, _ := ask(t, m, hook.StepPlan, in).(map[string]any)
			if got["result"] != want {
				t.Errorf("%s: got %q, want %q", written, got["result"], want)
			}
		}
	})
}

// TestBrokenDocuments sends texts that are no JSON: the answer is an error of
// kind invalid.
func TestBrokenDocuments(t *testing.T) {
	broken := []string{"{", "}", `{"type"}`, `{"type": }`, `{"type": "x}`, `{"type": "\q"}`, `{"type": "\u12"}`, `{"a": 01}`, `{"a": 1.}`, `{"a": -}`,
		`{"a": 1e}`, `{"a": tru}`, `[1 2]`, `{"a": 1,}`, `{} {}`, "\"\n\"", strings.Repeat("[", 100000)}
	everyLanguage(t, reference, func(t *testing.T, m *wasm.Module) {
		for _, in := range broken {
			answer, _ := ask(t, m, hook.PolicyEvent, []byte(in)).(map[string]any)
			problem, _ := answer["error"].(map[string]any)
			if problem["kind"] != "invalid" || !strings.HasPrefix(problem["message"].(string), "decode policy.event: ") {
				t.Errorf("%.40s: got %v", in, answer)
			}
		}
		if s := m.Stats(); s.Failures != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

// TestBrokenColumns cuts and changes a good buffer: the answer is a ranking or
// an error of kind invalid or not-found, never a trap.
func TestBrokenColumns(t *testing.T) {
	var v struct{ In []byte }
	b, err := os.ReadFile(filepath.Join(root, "sdk", "vectors", "rank.json"))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	everyLanguage(t, reference, func(t *testing.T, m *wasm.Module) {
		check := func(in []byte, mayRank bool) {
			out, err := m.Call(t.Context(), hook.PlacementRank, in)
			if err != nil {
				t.Fatalf("%v: % x", err, in)
			}
			var d hook.Decision
			ranked := bytes.HasPrefix(out, []byte("GWPR"))
			refused := !ranked && json.Unmarshal(out, &d) == nil && d.Error != nil && (d.Error.Kind == "invalid" || d.Error.Kind == "not-found")
			if !refused && (!ranked || !mayRank) {
				t.Errorf("% x: %.200s", in, out)
			}
		}
		for n := range v.In {
			if n > 0 { // a hook with columns always has a header
				check(v.In[:n], false)
			}
			for _, c := range []byte{0, 1, 0x7f, 0xff} {
				in := slices.Clone(v.In)
				in[n] = c
				check(in, true)
			}
		}
	})
}

// TestText asks the module that was written by hand.
func TestText(t *testing.T) {
	m := load(t, filepath.Join("sdk", "wat", "build", "fewest.wasm"))
	d := ask(t, m, hook.Describe, nil).(map[string]any)
	if types := d["types"].([]any); d["name"] != "fewest" || types[0].(map[string]any)["name"] != "org.example.Fewest" {
		t.Errorf("got %v", d)
	}
	all := vectors(t)
	for name, want := range map[string]any{
		"rank.json":               []any{map[string]any{"score": -3.0}, map[string]any{"score": 0.0}, map[string]any{"score": -1.0}, map[string]any{"score": 0.0}},
		"rank-no-columns.json":    []any{map[string]any{"score": 0.0}, map[string]any{"score": 0.0}},
		"rank-no-hosts.json":      []any{},
		"rank-other-version.json": map[string]any{"error": map[string]any{"kind": "invalid", "message": "placement: expected columns of version 1"}},
	} {
		in, err := base64.StdEncoding.DecodeString(value(t, all[name].In).(string))
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, m, hook.PlacementRank, in); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
	want := map[string]any{"error": map[string]any{"kind": "not-found", "message": "fewest knows no such hook"}}
	if got := ask(t, m, hook.PolicyEvent, []byte("{}")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}
