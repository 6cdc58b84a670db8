package section_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
)

const (
	head  = "\x00asm\x01\x00\x00\x00"
	types = "\x01\x04\x01\x60\x00\x00" // one function type
	debug = "\x00\x05\x04name"
)

func custom(name, content string) string {
	return "\x00" + string(rune(1+len(name)+len(content))) + string(rune(len(name))) + name + content
}

func TestSet(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"at the end":    {head + types, head + types + custom("d", "new")},
		"empty file":    {head, head + custom("d", "new")},
		"in its place":  {head + custom("d", "old") + types, head + custom("d", "new") + types},
		"only one":      {head + custom("d", "a") + types + custom("d", "b"), head + custom("d", "new") + types},
		"others stay":   {head + debug + types + custom("e", "x"), head + debug + types + custom("e", "x") + custom("d", "new")},
		"long length":   {head + "\x00\x85\x80\x80\x80\x00\x01dold" + types, head + custom("d", "new") + types},
		"other, padded": {head + "\x01\x84\x80\x80\x80\x00\x01\x60\x00\x00", head + "\x01\x84\x80\x80\x80\x00\x01\x60\x00\x00" + custom("d", "new")},
	} {
		in := []byte(c.in)
		got, err := section.Set(in, "d", []byte("new"))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
		if string(in) != c.in {
			t.Errorf("%s: the file that was given changed", name)
		}
		if content, err := section.Get(got, "d"); err != nil || string(content) != "new" {
			t.Errorf("%s: reads %q, %v", name, content, err)
		}
		again, err := section.Set(got, "d", []byte("new"))
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: the second time %q, %v", name, again, err)
		}
	}
}

func TestRemove(t *testing.T) {
	got, err := section.Remove([]byte(head+custom("d", "a")+types+custom("e", "x")+custom("d", "b")), "d")
	if want := head + types + custom("e", "x"); err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if content, err := section.Get(got, "d"); content != nil || err != nil {
		t.Errorf("reads %q, %v", content, err)
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `expected a WebAssembly file, got 0 bytes that begin with ""`},
		{"#!/bin/sh\n", `expected a WebAssembly file, got 10 bytes that begin with "#!/bin/s"`},
		{"\x00asm\x0d\x00\x01\x00", `expected a core WebAssembly module of version 1, got "\r\x00\x01\x00"; components cannot be used`},
		{head + "\x01", "the section at byte 8 does not end within the file"},
		{head + "\x01\x05\x00", "the section at byte 8 does not end within the file"},
		{head + "\x01\xff\xff\xff\xff\xff\x00", "the section at byte 8 does not end within the file"},
		{head + types + "\x00\x00", "the name of the custom section at byte 14 does not end within it"},
		{head + "\x00\x02\x05a", "the name of the custom section at byte 8 does not end within it"},
	} {
		_, err := section.Get([]byte(c.in), "d")
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want %s", c.in, err, c.want)
		}
		if _, serr := section.Set([]byte(c.in), "d", nil); serr == nil || serr.Error() != c.want {
			t.Errorf("%q: Set gave %v", c.in, serr)
		}
		if _, rerr := section.Remove([]byte(c.in), "d"); rerr == nil || rerr.Error() != c.want {
			t.Errorf("%q: Remove gave %v", c.in, rerr)
		}
	}
}

// FuzzSet: what can be read can be written, keeps all else, and stays.
func FuzzSet(f *testing.F) {
	f.Add([]byte(head), "d", []byte("x"))
	f.Add([]byte(head+types+custom("d", "old")+debug), "d", []byte("new"))
	f.Add([]byte(head+"\x00\x85\x80\x80\x80\x00\x01dold"), "", []byte{})
	f.Add([]byte(strings.Repeat(head, 2)), "d", []byte(nil))
	f.Fuzz(func(t *testing.T, bin []byte, name string, content []byte) {
		before, err := section.Remove(bin, name)
		if err != nil {
			return
		}
		set, err := section.Set(bin, name, content)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := section.Get(set, name); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("wrote %q, read %q, %v", content, got, err)
		}
		if again, err := section.Set(set, name, content); err != nil || !bytes.Equal(again, set) {
			t.Fatalf("%q became %q, %v", set, again, err)
		}
		if after, err := section.Remove(set, name); err != nil || !bytes.Equal(after, before) {
			t.Fatalf("without the section: %q before, %q after, %v", before, after, err)
		}
	})
}
