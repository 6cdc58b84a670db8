package secret_test

import (
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
