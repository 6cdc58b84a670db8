package scenario

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzJudge compares any expectation with any answer. An answer that is
// expected word for word is as expected.
func FuzzJudge(f *testing.F) {
	f.Add(`{"state": {"n": 1}}`, `{"state": {"n": 1}}`)
	f.Add(`{"exactly": true, "sensors": {"a": {"greater-than": 1}}}`, `{"sensors": {"a": 2, "b": 1}}`)
	f.Add(`{"steps": {"includes": [{"step": "log"}]}, "error": true}`, `{"error": {"kind": "invalid", "message": "m"}}`)
	f.Add(`{"result": {"exactly": {"regex": "("}}, "sensors": {}}`, `{"result": [1, null, "x"]}`)
	f.Fuzz(func(t *testing.T, expect, answer string) {
		var got map[string]any
		if json.Unmarshal([]byte(answer), &got) != nil || got == nil {
			return
		}
		judged := func(expect string) *Result {
			suite, err := Parse("f", []byte(`{"scenarios": [{"name": "x", "step": "s", "expect": `+expect+`}]}`))
			if err != nil || len(suite.Scenarios) != 1 || suite.Scenarios[0].calls[0].expect == nil {
				return nil
			}
			s := suite.Scenarios[0]
			p := &play{s: s, result: &Result{}}
			p.judge(s.calls[0], "", []answered{{what: "step", said: got}})
			for _, problem := range p.result.Problems {
				_ = problem.String()
			}
			return p.result
		}
		judged(expect)
		result, there := got["result"]
		text, err := json.Marshal(result)
		if !there || err != nil || strings.Contains(string(text), `\u0000`) || got["error"] != nil {
			return
		}
		if r := judged(`{"result": {"exactly": ` + string(text) + `}}`); r != nil && !r.Passed() {
			t.Errorf("%s is not as expected: %s", text, r)
		}
	})
}

// answered is answer, whose name the fuzz target uses otherwise.
type answered = answer
