package coerce_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

type list = []any
type dict = map[string]any

func TestTo(t *testing.T) {
	for _, tt := range []struct {
		typ  string
		in   any
		want any
	}{
		{"string", "a", "a"}, {"string", 3, "3"}, {"string", 1.5, "1.5"}, {"string", 3.0, "3"}, {"string", 1e21, "1e+21"}, {"string", true, "true"},
		{"string", list{1, "<"}, `[1,"<"]`}, {"string", dict{"a": nil}, `{"a":null}`}, {"string", time.Minute, "1m"},
		{"String", 1, "1"}, {"java.lang.String", 1, "1"}, {"java.net.URI", "http://x", "http://x"},
		{"boolean", true, true}, {"boolean", "true", true}, {"boolean", "Yes", true}, {"boolean", "on", true}, {"boolean", " y ", true},
		{"boolean", "FALSE", false}, {"boolean", "no", false}, {"boolean", "off", false}, {"java.lang.Boolean", "n", false},
		{"char", "x", "x"}, {"char", "é", "é"}, {"char", 7, "7"}, {"java.lang.Character", "x", "x"},
		{"byte", -128, int64(-128)}, {"short", "32767", int64(32767)}, {"integer", "12", int64(12)}, {"int", " -5 ", int64(-5)},
		{"integer", 1.0, int64(1)}, {"integer", "1.0", int64(1)}, {"integer", "1e3", int64(1000)}, {"integer", "0x1F", int64(31)}, {"integer", "010", int64(10)},
		{"java.lang.Integer", json.Number("7"), int64(7)}, {"long", "9223372036854775807", int64(math.MaxInt64)}, {"long", uint8(3), int64(3)},
		{"float", "1.5", 1.5}, {"double", "0.05d", 0.05},
		{"double", 2, 2.0}, {"double", "1e300", 1e300}, {"double", "-.5", -0.5}, {"number", "3", 3.0},
		{"duration", "60s", "1m"}, {"duration", 1500, "1s 500ms"}, {"org.apache.brooklyn.util.time.Duration", "2 hours", "2h"}, {"java.time.Duration", "PT1M30S", "1m 30s"},
		{"duration", time.Second, "1s"}, {"duration", "never", "forever"},
		{"timestamp", "2026-12-01T10:00:00+02:00", "2026-12-01T08:00:00Z"}, {"timestamp", "2026-12-01", "2026-12-01T00:00:00Z"},
		{"timestamp", "2026-12-01 10:30", "2026-12-01T10:30:00Z"}, {"timestamp", 1500, "1970-01-01T00:00:01.5Z"}, {"java.time.Instant", "0", "1970-01-01T00:00:00Z"},
		{"java.util.Date", time.Unix(0, 0), "1970-01-01T00:00:00Z"},
		{"port", 8080, int64(8080)}, {"port", "8080", int64(8080)}, {"port", "8080+", "8080+"}, {"port", "30000-30010", "30000-30010"}, {"port", "80-80", int64(80)},
		{"port", "{8080, 9000-9010,10000+}", "8080,9000-9010,10000+"}, {"org.apache.brooklyn.api.location.PortRange", "80", int64(80)},
		{"bytes", "512m", int64(512 << 20)}, {"bytes", "2g", int64(2 << 30)}, {"bytes", "1.5 KB", int64(1536)}, {"bytes", "10MiB", int64(10 << 20)}, {"bytes", "100b", int64(100)}, {"bytes", 7, int64(7)}, {"bytes", "7", int64(7)},
		{"entity", "db", "db"}, {"entity", dict{"$entity": "x"}, dict{"$entity": "x"}}, {"any", list{1}, list{int64(1)}}, {"", "x", "x"}, {"java.lang.Object", 1.5, 1.5}, {"object", time.Minute, "1m"},
		{"list", list{1, "a"}, list{int64(1), "a"}}, {"list", 6379, list{int64(6379)}}, {"list", "80,443", list{"80", "443"}}, {"list", "", list{}}, {"list", "a", list{"a"}},
		{"list", `"a, b", 'c''d',`, list{"a, b", "c'd"}}, {"list", `[1, "x", {a: 2.5}, [], null, true, http://h:80/x]`, list{int64(1), "x", dict{"a": 2.5}, list{}, nil, true, "http://h:80/x"}},
		{"list", []string{"a"}, list{"a"}}, {"java.util.List", true, list{true}}, {"java.util.Collection", 1, list{int64(1)}},
		{"list<integer>", "80, 443", list{int64(80), int64(443)}}, {"list<string>", list{"a", 1}, list{"a", "1"}}, {"list<int>", 6379, list{int64(6379)}}, {"List<?>", "a", list{"a"}},
		{"java.util.List<java.lang.Integer>", "[1, 2]", list{int64(1), int64(2)}}, {"list<list<integer>>", list{"1,2", 3}, list{list{int64(1), int64(2)}, list{int64(3)}}},
		{"list<map<string,duration>>", `[{a: 60s}]`, list{dict{"a": "1m"}}},
		{"set", "a,b,a", list{"a", "b"}}, {"set<integer>", "1, 1.0, 2", list{int64(1), int64(2)}},
		{"map", dict{"a": 1}, dict{"a": int64(1)}}, {"map", `{a: 1, "b": {c: [x, 'y, z']}, d: , "e":2}`, dict{"a": int64(1), "b": dict{"c": list{"x", "y, z"}}, "d": nil, "e": int64(2)}},
		{"map", "a: 1, b: x", dict{"a": int64(1), "b": "x"}}, {"map", "a=1,b=x=y", dict{"a": int64(1), "b": "x=y"}}, {"map", "", dict{}}, {"map", "u: http://h:80/x", dict{"u": "http://h:80/x"}},
		{"map", map[int]string{80: "x"}, dict{"80": "x"}}, {"map", `{"\u00e9\n": "\x41"}`, dict{"é\n": "A"}}, {"map", "a: 007", dict{"a": int64(7)}}, {"map", "a: 1.2.3", dict{"a": "1.2.3"}},
		{"map<string,integer>", `{"a": "1", "b": 2}`, dict{"a": int64(1), "b": int64(2)}}, {"java.util.Map<java.lang.String, java.lang.Object>", dict{"a": true}, dict{"a": true}}, {"map<string,?>", dict{"a": true}, dict{"a": true}},
		{"integer", nil, nil}, {"list<integer>", list{nil, 1}, list{nil, int64(1)}}, {"map", nil, nil},
	} {
		got, err := coerce.To(tt.typ, tt.in)
		if err != nil {
			t.Errorf("To(%q, %#v): %v", tt.typ, tt.in, err)
		} else if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("To(%q, %#v) = %#v, want %#v", tt.typ, tt.in, got, tt.want)
		}
	}
}

func TestToErrors(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, tt := range []struct {
		typ  string
		in   any
		want string
	}{
		{"integer", "abc", `cannot read "abc" as integer`},
		{"integer", "", `cannot read "" as integer`},
		{"integer", "1.5", `cannot read "1.5" as integer: it is not a whole number`},
		{"integer", 1.5, `cannot read 1.5 as integer: it is not a whole number`},
		{"java.lang.Integer", 2147483648, `cannot read 2147483648 as integer: it is not between -2147483648 and 2147483647`},
		{"integer", "-2147483649", `cannot read "-2147483649" as integer: it is not between -2147483648 and 2147483647`},
		{"integer", true, `cannot read true as integer`},
		{"integer", list{1}, `cannot read [1] as integer`},
		{"integer", long, `cannot read "` + long[:60] + `…" as integer`},
		{"integer", "1e999999999", `cannot read "1e999999999" as integer`},
		{"integer", "1/2", `cannot read "1/2" as integer`},
		{"integer", "0x", `cannot read "0x" as integer`},
		{"byte", 128, `cannot read 128 as byte: it is not between -128 and 127`},
		{"short", 1e9, `cannot read 1000000000 as short: it is not between -32768 and 32767`},
		{"long", 1e19, `cannot read 10000000000000000000 as long: it is not between -9223372036854775808 and 9223372036854775807`},
		{"long", "9223372036854775808", `cannot read "9223372036854775808" as long: it is not between -9223372036854775808 and 9223372036854775807`},
		{"double", "x", `cannot read "x" as double`},
		{"double", dict{}, `cannot read {} as double`},
		{"double", "1e399", `cannot read "1e399" as double: it is too large`},
		{"double", math.Inf(1), `cannot read +Inf as double: it is too large`},
		{"integer", math.NaN(), `cannot read NaN as integer: it is not a whole number`},
		{"float", 1e39, `cannot read 1e+39 as float: it is too large`},
		{"boolean", "maybe", `cannot read "maybe" as boolean: expected true or false`},
		{"boolean", 1, `cannot read 1 as boolean: expected true or false`},
		{"char", "ab", `cannot read "ab" as char: expected one character`},
		{"duration", "1 fortnight", `cannot read "1 fortnight" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"duration", "300 years", `cannot read "300 years" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"duration", "1000000d", `cannot read "1000000d" as duration: it is longer than 292 years; write "forever"`},
		{"duration", true, `cannot read true as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"timestamp", "noon", `cannot read "noon" as timestamp: expected one such as "2026-12-31T23:59:00Z", or milliseconds`},
		{"timestamp", 9e15, `cannot read 9000000000000000 as timestamp: expected one such as "2026-12-31T23:59:00Z", or milliseconds`},
		{"port", "http", `cannot read "http" as port: expected a number up to 65535, "8080+" or "30000-30010"`},
		{"port", "20-10", `cannot read "20-10" as port: expected a number up to 65535, "8080+" or "30000-30010"`},
		{"port", 65536, `cannot read 65536 as port: it is not between 0 and 65535`},
		{"bytes", "12q", `cannot read "12q" as bytes: expected a size such as "512m" or "2g"`},
		{"bytes", "-1m", `cannot read "-1m" as bytes: it is not between 0 and 9223372036854775807`},
		{"bytes", "9999999p", `cannot read "9999999p" as bytes: it is not between 0 and 9223372036854775807`},
		{"list", dict{"a": 1}, `cannot read {"a":1} as list: it is a map`},
		{"list", "[1, 2", `cannot read "[1, 2" as list: it ends too early`},
		{"list", "[1, 2]]", `cannot read "[1, 2]]" as list: unexpected ']' at character 7`},
		{"list", `"a" b`, `cannot read "\"a\" b" as list: unexpected 'b' at character 5`},
		{"list", strings.Repeat("[", 60), `cannot read "` + strings.Repeat("[", 60) + `" as list: it is nested more than 50 deep`},
		{"list<integer>", "1,x", `item 2 of the list: cannot read "x" as integer`},
		{"map", "abc", `cannot read "abc" as map: expected ":" after key "abc"`},
		{"map", 5, `cannot read 5 as map: expected a map or text such as "{a: 1, b: 2}"`},
		{"map", "{a: 1, a: 2}", `cannot read "{a: 1, a: 2}" as map: key "a" is set twice`},
		{"map", `{"\q": 1}`, `cannot read "{\"\\q\": 1}" as map: "\"\\q\"" is not text in quotes`},
		{"map<string,integer>", dict{"a": "x"}, `key "a": cannot read "x" as integer`},
		{"frob", 1, `unknown type "frob"`},
		{"list<frob>", 1, `unknown type "list<frob>"`},
		{"list<integer", 1, `unknown type "list<integer"`},
		{"map<string>", 1, `unknown type "map<string>"`},
		{"string<integer>", 1, `unknown type "string<integer>"`},
		{"org.example.Thing", nil, `unknown type "org.example.Thing"`},
		{strings.Repeat("list<", 100) + strings.Repeat(">", 100), 1, `unknown type "` + strings.Repeat("list<", 12) + `…"`},
	} {
		got, err := coerce.To(tt.typ, tt.in)
		if err == nil {
			t.Errorf("To(%.40q, %#v) = %#v, want error %s", tt.typ, tt.in, got, tt.want)
		} else if err.Error() != tt.want {
			t.Errorf("To(%.40q, %#v):\n got %s\nwant %s", tt.typ, tt.in, err, tt.want)
		} else if kind := fault.KindOf(err); kind != fault.Invalid {
			t.Errorf("To(%.40q, %#v): kind %v, want invalid", tt.typ, tt.in, kind)
		}
	}
}

func TestToLeavesItsInputAlone(t *testing.T) {
	in := dict{"a": "1", "b": list{"2"}}
	out, err := coerce.To("map<string,list<integer>>", in)
	if err != nil || !reflect.DeepEqual(out, dict{"a": list{int64(1)}, "b": list{int64(2)}}) {
		t.Fatalf("got %v, %v", out, err)
	}
	if !reflect.DeepEqual(in, dict{"a": "1", "b": list{"2"}}) {
		t.Errorf("the input became %v", in)
	}
}

func TestKnown(t *testing.T) {
	for _, typ := range []string{"", "string", "Map", "list<string>", "map<string, list<port>>", "java.util.Map"} {
		if !coerce.Known(typ) {
			t.Errorf("%q is not known", typ)
		}
	}
	for _, typ := range []string{"workflow", "my.Bean", "list<my.Bean>", "list<", "map<"} {
		if coerce.Known(typ) {
			t.Errorf("%q is known", typ)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		in     any
		want   time.Duration
		format string
	}{
		{"1m", time.Minute, "1m"}, {"10s", 10 * time.Second, "10s"}, {"1m30s", 90 * time.Second, "1m 30s"}, {"1 minute", time.Minute, "1m"},
		{"1m, 30s", 90 * time.Second, "1m 30s"}, {"2 minutes and 5 seconds", 125 * time.Second, "2m 5s"}, {"1.5h", 90 * time.Minute, "1h 30m"},
		{"100 MS", 100 * time.Millisecond, "100ms"}, {"3 hrs", 3 * time.Hour, "3h"}, {"2 days", 48 * time.Hour, "2d"}, {"1w", 7 * 24 * time.Hour, "7d"},
		{"1us", time.Microsecond, "1us"}, {"5µs", 5 * time.Microsecond, "5us"}, {"7 nanos", 7, "7ns"}, {"-1s", -time.Second, "-1s"},
		{0, 0, "0ms"}, {"0", 0, "0ms"}, {250, 250 * time.Millisecond, "250ms"}, {"1500", 1500 * time.Millisecond, "1s 500ms"}, {0.5, 500 * time.Microsecond, "500us"},
		{"forever", coerce.Forever, "forever"}, {"Never", coerce.Forever, "forever"}, {"PT1H2M3.5S", time.Hour + 2*time.Minute + 3500*time.Millisecond, "1h 2m 3s 500ms"},
		{"p1dt1h", 25 * time.Hour, "1d 1h"}, {time.Minute, time.Minute, "1m"}, {"90061001ms", 25*time.Hour + time.Minute + time.Second + time.Millisecond, "1d 1h 1m 1s 1ms"},
	} {
		got, err := coerce.Duration(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("Duration(%#v) = %v, %v; want %v", tt.in, got, err, tt.want)
			continue
		}
		format := coerce.FormatDuration(got)
		if format != tt.format {
			t.Errorf("FormatDuration(%v) = %q, want %q", got, format, tt.format)
		}
		if again, err := coerce.Duration(format); err != nil || again != got {
			t.Errorf("Duration(%q) = %v, %v; want %v", format, again, err, got)
		}
	}
	for _, bad := range []any{"", " ", "m", "P", "PT", "-", "1m x", "1 m s", "s1", nil, list{}, math.NaN(), "1mm", strings.Repeat("1m", 1000)} {
		if d, err := coerce.Duration(bad); err == nil {
			t.Errorf("Duration(%.20v) = %v, want an error", bad, d)
		}
	}
}

func TestPorts(t *testing.T) {
	got, err := coerce.Ports("8080, 9000-9010, 60000+")
	want := []coerce.PortRange{{8080, 8080}, {9000, 9010}, {60000, 65535}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Ports = %v, %v; want %v", got, err, want)
	}
	if _, err := coerce.Ports(strings.Repeat("1,", 2000)); err == nil {
		t.Error("2,000 ranges are accepted")
	}
}
