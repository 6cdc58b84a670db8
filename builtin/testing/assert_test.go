package testing

import (
	"strings"
	"testing"
)

func TestAssertions(t *testing.T) {
	type m = map[string]any
	type l = []any
	for _, tt := range []struct {
		assert any
		holds  []any
		fails  []any
	}{
		{m{"isNull": true}, []any{nil}, []any{"", false}},
		{m{"isNull": false}, []any{0}, []any{nil}},
		{m{"notNull": "true"}, []any{""}, []any{nil}},
		{m{"isEmpty": true}, []any{nil, "", l{}, m{}}, []any{"x", l{nil}, int64(0)}},
		{m{"notEmpty": true}, []any{"x", m{"a": 1}}, []any{nil, "", l{}}},
		{m{"hasTruthValue": true}, []any{true, "true", "TRUE"}, []any{false, "yes", nil, int64(1)}},
		{m{"hasTruthValue": false}, []any{false, "yes", nil}, []any{true}},
		{m{"equals": int64(100)}, []any{int64(100), 100.0, "100", "100.0"}, []any{int64(101), "x", nil, l{}}},
		{m{"isEqualTo": "a"}, []any{"a"}, []any{"A", nil, "a "}},
		{m{"isEqualTo": "1.0"}, []any{int64(1), "1.0"}, []any{"1"}},
		{m{"equalTo": l{int64(1), m{"a": "b"}}}, []any{l{int64(1), m{"a": "b"}}}, []any{l{}, m{}}},
		{m{"equals": true}, []any{true, "true"}, []any{false, "1"}},
		{m{"equals": nil}, nil, []any{nil, "null"}},
		{m{"notEqual": int64(1)}, []any{int64(2), nil}, []any{int64(1), "1"}},
		{m{"contains": "b"}, []any{"abc", l{"a", "b"}, m{"b": 1}}, []any{"xyz", l{"abc"}, m{"a": "b"}, nil}},
		{m{"contains": int64(2)}, []any{"123", l{int64(2)}, int64(42)}, []any{l{int64(22)}}},
		{m{"matches": "a.*"}, []any{"abc"}, []any{"xabc", nil}},
		{m{"containsMatch": "b+"}, []any{"abbc"}, []any{"ac", nil}},
		{m{"greaterThan": int64(5)}, []any{int64(6), 5.5, "10"}, []any{int64(5), "x", nil}},
		{m{"lessThan": "v10"}, []any{"v9"}, []any{"v11", int64(1)}},
		{m{"greaterThan": int64(1), "lessThan": int64(3)}, []any{int64(2)}, []any{int64(1), int64(3)}},
		{l{m{"contains": "a"}, m{"contains": "b"}}, []any{"ab"}, []any{"a", "b"}},
		{nil, []any{nil, "anything"}, nil},
	} {
		all, err := readAssertions(tt.assert)
		if err != nil {
			t.Errorf("%v: %v", tt.assert, err)
			continue
		}
		for _, v := range tt.holds {
			if err := verify(all, "it", "it", v); err != nil {
				t.Errorf("%v of %#v: %v", tt.assert, v, err)
			}
		}
		for _, v := range tt.fails {
			if verify(all, "it", "it", v) == nil {
				t.Errorf("%v holds for %#v", tt.assert, v)
			}
		}
	}
}

func TestAssertionErrors(t *testing.T) {
	type m = map[string]any
	for _, tt := range []struct {
		assert any
		want   string
	}{
		{"x", "expected a map of conditions, or a list of these, not x"},
		{[]any{int64(1)}, "expected a map of conditions, or a list of these, not 1"},
		{m{"equal": 1}, `unknown condition "equal"; did you mean "equals"?; expected one of contains, containsMatch, `},
		{m{"isNull": "perhaps"}, "isNull: expected true or false, not perhaps"},
		{m{"matches": "("}, "matches: error parsing regexp: missing closing )"},
	} {
		if _, err := readAssertions(tt.assert); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: error %v\n want %s", tt.assert, err, tt.want)
		}
	}
}

func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		name   string
		want   any
		actual any
		text   string
	}{
		{"n", int64(101), int64(100), "it expected equals 101, but found 100"},
		{"n", "a", nil, "it expected equals a, but found null"},
		{"db.password", "a", "s3cret", "it expected equals <suppressed>, but found <suppressed>"},
		{"n", "a", strings.Repeat("x", 600), "it expected equals a, but found " + strings.Repeat("x", 500) + "… (600 bytes)"},
		{"n", "a", map[string]any{"token": "t", "b": int64(1)}, `it expected equals a, but found {"b":1,"token":"<suppressed>"}`},
	} {
		all, err := readAssertions(map[string]any{"equals": tt.want})
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(all, "it", tt.name, tt.actual); err == nil || err.Error() != tt.text {
			t.Errorf("got  %v\nwant %s", err, tt.text)
		}
	}
}

func TestHostAndPort(t *testing.T) {
	for in, want := range map[string]string{
		"a:80": "a:80", "http://a": "a:80", "https://a/x": "a:443", "tcp://a:5": "a:5", "[::1]:9": "[::1]:9", "http://[::1]:8080/": "[::1]:8080",
		"a": "", ":80": "", "tcp://a": "", "": "", "a:": "",
	} {
		got, err := hostAndPort(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func FuzzHostAndPort(f *testing.F) {
	f.Add("http://a:80")
	f.Add("[::1]:9")
	f.Fuzz(func(t *testing.T, in string) {
		if out, err := hostAndPort(in); err == nil && !strings.Contains(out, ":") {
			t.Errorf("%q gave %q", in, out)
		}
	})
}
