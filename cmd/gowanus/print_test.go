package main

import "testing"

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain é\n\ttext": "plain é\n\ttext", "a\x1b[2Jb\rc\u009bd\x7f": "a[2Jbcd", "x\u202egpj.exe\u2066y\u200bz\u2028": "xgpj.exeyz",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
