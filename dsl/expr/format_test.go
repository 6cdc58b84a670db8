package expr_test

import (
	"context"
	"testing"
)

func TestFormatString(t *testing.T) {
	for _, tc := range []struct {
		args []any
		want string
	}{
		{[]any{"plain"}, "plain"},
		{[]any{"100%%%n"}, "100%\n"},
		{[]any{"%s %S", "a", "b"}, "a B"},
		{[]any{"%s %s %s %s", nil, true, 1.5, int64(7)}, "null true 1.5 7"},
		{[]any{"%s", 8080.0}, "8080"},
		{[]any{"%s", 1e20}, "1e+20"},
		{[]any{"%s %s", []any{"a", int64(1)}, map[string]any{"k": "v", "a": nil}}, "[a, 1] {a=null, k=v}"},
		{[]any{"%5s|%-5s|%.2s|%5.1s", "abc", "abc", "abc", "xyz"}, "  abc|abc  |ab|    x"},
		{[]any{"%d %d %d", int64(-3), 8080.0, nil}, "-3 8080 null"},
		{[]any{"%5d|%-5d|%05d|%+d|% d", int64(42), int64(42), int64(42), int64(42), int64(42)}, "   42|42   |00042|+42| 42"},
		{[]any{"%,d %,d %,.2f", int64(1234567), int64(-123), 1234.5}, "1,234,567 -123 1,234.50"},
		{[]any{"%x %X %o %08x", int64(255), int64(255), int64(8), int64(255)}, "ff FF 10 000000ff"},
		{[]any{"%x", int64(-1)}, "ffffffffffffffff"},
		{[]any{"%f %.1f %8.3f|%e", 1.5, int64(2), 3.14159, 12345.678}, "1.500000 2.0    3.142|1.234568e+04"},
		{[]any{"%b %b %b %B", true, nil, "x", false}, "true false true FALSE"},
		{[]any{"%c%c", "ü", int64(65)}, "üA"},
		{[]any{"%2$s %1$s %s", "a", "b"}, "b a a"},
		{[]any{"%-4s|%4%|", "é"}, "é   |   %|"},
		{[]any{"unused", "x", int64(1)}, "unused"},
		{[]any{int64(5)}, "5"},
	} {
		got, err := compile(t, map[string]any{"$brooklyn:formatString": tc.args}).Eval(context.Background(), newWorld())
		if err != nil || got != tc.want {
			t.Errorf("%v = %q, %v; want %q", tc.args, got, err, tc.want)
		}
	}
}

func TestFormatStringErrors(t *testing.T) {
	for _, tc := range []struct{ pattern, want string }{
		{`"%d", config("host")`, `format %d prints an integer, not text`},
		{`"%d", config("f")`, `format %d prints an integer, not 2.5`},
		{`"%5x", config("list")`, `format %5x prints an integer, not a list`},
		{`"%.1f", config("host")`, `format %.1f prints a number, not text`},
		{`"%c", config("host")`, `format %c prints one character, not text`},
		{`config("host") + "%", 1`, `format % has no conversion, such as the s of %s; %% is the character`},
		{`config("host") + "%5.", 1`, `format %5. has no digits behind its point`},
		{`config("host") + "%5.q", 1`, `format %5. has no digits behind its point`},
		{`config("host") + "%0$s", 1`, `format %0$: arguments are numbered from 1`},
		{`config("host") + "%99999s", 1`, `format %99999 is wider than 10000`},
		{`config("host") + "%s %s", 1`, `format %s has no argument`},
		{`config("host") + "%ü", 1`, `format %ü is unknown; expected one of %s %d %x %o %f %e %g %b %c %n %%`},
	} {
		text := `formatString(` + tc.pattern + `)`
		_, _, err := eval("$brooklyn:" + text)
		if want := "app.yaml:3:20: " + text + ": " + tc.want; err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
