package sdk_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// surrogate finds halves of characters, which libraries may refuse.
var surrogate = regexp.MustCompile(`(?i)\\ud[89a-f]`)

// FuzzStates hands texts in as a state that the reference module hands back as
// it is: each library reads and writes what encoding/json takes for JSON, and
// refuses what that refuses.
func FuzzStates(f *testing.F) {
	for _, text := range []string{
		`{"n": 1}`, `[1, -0, 2.5e-3, 1E+5, 0.1, 123456789012345678901234567890]`, `"\"\\\/\b\f\n\r\t\u0041\u00e9"`, "\"é€😀\"", `{"a": {"a": [[], {}, null]}, "a": true}`,
		`{`, `[1,]`, `{"a" 1}`, `01`, `1.`, `.5`, `+1`, `"\x"`, "\"\t\"", `tru`, `nul`, `NaN`, ` [ ] `, "\u00a0", `"`, `"\`, `"\u12`, `-`, `1e`, `[[[[[[]]]]]]`, `{}{}`, `"\u0000"`,
	} {
		f.Add(text)
	}
	modules := map[string]*wasm.Module{}
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = r.Close() })
	for _, language := range languages() {
		bin, err := os.ReadFile(filepath.Join(root, reference(language)))
		if err != nil {
			continue
		}
		if modules[language], err = r.Load(language, bin, wasm.LoadOptions{}); err != nil {
			f.Fatal(err)
		}
	}
	if len(modules) == 0 {
		f.Skip(`no library is built; "make modules-all" builds them`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || surrogate.MatchString(text) || strings.Count(text, "[")+strings.Count(text, "{") > 100 {
			return // the engine sends none of these
		}
		in := []byte(`{"type": "org.example.Restarter", "from": "1.0.0", "to": "1.0.1", "state": ` + text + `}`)
		var want any
		good := json.Unmarshal(in, &want) == nil
		if !good && json.Valid(in) {
			return // a number too large
		}
		for language, m := range modules {
			got, _ := ask(t, m, hook.Migrate, in).(map[string]any)
			if !good {
				if problem, _ := got["error"].(map[string]any); problem["kind"] != "invalid" {
					t.Errorf("%s: %q: got %v, want an error", language, text, got)
				}
				continue
			}
			if document := want.(map[string]any); document["type"] == "org.example.Restarter" && document["from"] == "1.0.0" &&
				!reflect.DeepEqual(got["state"], document["state"]) {
				t.Errorf("%s: %q: got %v, want %v", language, text, got, document["state"])
			}
		}
	})
}
