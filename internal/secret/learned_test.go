package secret_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/internal/secret"
)

func TestLearn(t *testing.T) {
	v := map[string]any{"a": []any{"text with pass\"word1 inside", int64(5)}, "b": "plain"}
	if got := secret.Hide("pass\"word1"); got != "pass\"word1" {
		t.Errorf("hidden before it was learned: %s", got)
	}
	secret.Learn(map[string]any{"x": []any{"pass\"word1", "pass\"word1-longer"}, "n": int64(12345)})
	secret.Learn("abc")  // too short
	secret.Learn("true") // a word of every document
	for text, want := range map[string]string{
		`a pass"word1 b`:      "a <suppressed> b",
		`pass"word1-longer`:   "<suppressed>",
		`{"k":"pass\"word1"}`: `{"k":"<suppressed>"}`,
		"u=pass%22word1":      "u=<suppressed>",
		"cGFzcyJ3b3JkMQ==":    "<suppressed>",
		"abc true 12345":      "abc true 12345",
	} {
		if got := secret.Hide(text); got != want {
			t.Errorf("Hide(%s) = %s, want %s", text, got, want)
		}
	}
	want := map[string]any{"a": []any{"text with <suppressed> inside", int64(5)}, "b": "plain"}
	if got := secret.HideIn(v); !reflect.DeepEqual(got, want) || !strings.Contains(v["a"].([]any)[0].(string), "word1") {
		t.Errorf("HideIn gave %v of %v", got, v)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { secret.Learn("some more"); secret.Hide("some more") })
	}
	wg.Wait()
}

func TestPass(t *testing.T) {
	secret.Pass(map[string]any{"weak": "postgres", "short": "a1b2", "number": int64(123456789), "strong": []any{"pas5ed-on", "correcthorsebatterystaple"}})
	for text, want := range map[string]string{
		"image postgres:16": "image postgres:16", "a1b2": "a1b2", "x pas5ed-on y": "x <suppressed> y", "correcthorsebatterystaple": "<suppressed>",
	} {
		if got := secret.Hide(text); got != want {
			t.Errorf("Hide(%s) = %s, want %s", text, got, want)
		}
	}
	if secret.Known("pas5ed-on") {
		t.Error("what was only passed counts as given by a provider")
	}
	secret.Learn("provid3d")
	if !secret.Known("a provid3d text") || secret.Known("another") {
		t.Error("what a provider gave is not known")
	}
}

// Whatever the secrets are, JSON stays JSON, with its fields and numbers.
func TestHideJSON(t *testing.T) {
	secret.Learn([]any{`"id":`, "null,", "17952", `q"uote`, "field", "a<bc"})
	for text, want := range map[string]string{
		`{"id":null,"n":17952,"s":"17952 x"}`:          `{"id":null,"n":17952,"s":"<suppressed> x"}`,
		`{"field":"of a field","k":["null, \"id\":"]}`: `{"field":"of a <suppressed>","k":["<suppressed> <suppressed>"]}`,
		`["say q\"uote \\","a<bc"]`:                    `["say <suppressed> \\","<suppressed>"]`,
		`"field`:                                       `"<suppressed>`,
		`"\u00zz"`:                                     `"<suppressed>"`,
		`{"a":"b\\"}`:                                  `{"a":"b\\"}`,
	} {
		if got := secret.HideJSON(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func FuzzHideJSON(f *testing.F) {
	secret.Learn(`fu"zz`)
	f.Add(`{"a": ["fu\"zz", 1, "\\"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if out := secret.HideJSON(text); json.Valid([]byte(text)) && !json.Valid([]byte(out)) {
			t.Errorf("%s became %s", text, out)
		}
	})
}
