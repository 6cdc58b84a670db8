package main

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

func TestImage(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, c := range []struct{ typ, id, name, tag, want string }{
		{"docker:redis", "", "", "", "redis:latest"},
		{"docker:redis:3", "", "", "", "redis:3"},
		{"docker:redis:3", "", "", "4", "redis:4"},
		{"docker:jboss/wildfly:8.2.0.Final", "", "", "", "jboss/wildfly:8.2.0.Final"},
		{"docker:reg.local:5000/x:1", "", "", "", "reg.local:5000/x:1"},
		{"docker:localhost/x", "", "", "", "localhost/x:latest"},
		{"docker:redis@" + digest, "", "", "", "redis@" + digest},
		{"docker:redis:3@" + digest, "", "", "", "redis:3@" + digest},
		{"docker:redis:3", "", "team/other", "", "team/other:latest"},
		{"docker:redis:3", "", "other:2", "2", "other:2"},
		{"Vanilla", "", "other", "7", "other:7"},
		{"docker:redis:3", "sha256:abc", "", "", "sha256:abc"},
	} {
		r := &reader{config: gowanus.Values{keyImageID: c.id, keyImageName: c.name, keyImageTag: c.tag}}
		if got := r.image(c.typ); got != c.want || r.err != nil {
			t.Errorf("%+v: got %s, %v", c, got, r.err)
		}
	}
}

func TestParseReference(t *testing.T) {
	for _, bad := range []string{
		"", ":3", "redis:", "a b", "UPPER/case", "/x", "x/", "a//b", "a___b", "a..b", "-a", "a-", "redis@sha256:12", "redis@" + strings.Repeat("0", 70),
		"reg.local:port/x", "-reg.local/x", "reg-.local/x", "x:.tag", "x:" + strings.Repeat("t", 129), strings.Repeat("n", 256),
	} {
		if f, ok := parseReference(bad); ok {
			t.Errorf("%q was read as %+v", bad, f)
		}
	}
	for _, good := range []string{"a", "a_b", "a__b", "a.b-c", "a-----b", "Reg.Local:5/x", "127.0.0.1:5000/a/b/c"} {
		if _, ok := parseReference(good); !ok {
			t.Errorf("%q was refused", good)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("reg.local:5000/team/x:1")
	f.Add("redis:3@sha256:" + strings.Repeat("0a", 32))
	f.Fuzz(func(t *testing.T, s string) {
		ref, ok := parseReference(s)
		if !ok {
			return
		}
		again, ok := parseReference(ref.String())
		if !ok || again.name != ref.name || again.digest != ref.digest {
			t.Fatalf("%q is %+v, whose text is %+v, %v", s, ref, again, ok)
		}
	})
}
