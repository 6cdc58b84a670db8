package semver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/semver"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1.2.3", "1.2.3"},
		{"v1.2.3", "1.2.3"},
		{"0.0.0-rc.1+build.007", "0.0.0-rc.1+build.007"},
		{"1.0.0-x-y", "1.0.0-x-y"},
		{"1.0.0+a-b", "1.0.0+a-b"},
	} {
		v, err := semver.Parse(c.in)
		if err != nil || v.String() != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.in, v, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `version "": expected numbers without leading zeros, like 1.4.0`},
		{"1.2", `version "1.2": expected three numbers, like 1.4.0`},
		{"1.2.3.4", `version "1.2.3.4": expected at most three numbers`},
		{"01.2.3", `version "01.2.3": expected numbers without leading zeros, like 1.4.0`},
		{"1.2.99999999999999999999", `version "1.2.99999999999999999999": expected numbers without leading zeros, like 1.4.0`},
		{"1.2.3-", `version "1.2.3-": expected something after - and +`},
		{"1.2.3-+b", `version "1.2.3-+b": expected something after - and +`},
		{"1.2.3-01", `version "1.2.3-01": expected a pre-release of letters, digits and hyphens, like 1.4.0-rc.1`},
		{"1.2.3-a..b", `version "1.2.3-a..b": expected a pre-release of letters, digits and hyphens, like 1.4.0-rc.1`},
		{"1.2.3+ü", `version "1.2.3+ü": expected a build of letters, digits and hyphens, like 1.4.0+build.7`},
		{strings.Repeat("1", 300), "a version of 300 bytes; at most 256 are allowed"},
	} {
		if _, err := semver.Parse(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%.20s: got %v; want %s", c.in, err, c.want)
		}
	}
}

// TestOrder has the example of clause 11 of the specification.
func TestOrder(t *testing.T) {
	want := []string{
		"0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
		"1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0",
	}
	var got []semver.Version
	for _, s := range want {
		v, err := semver.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	slices.Reverse(got)
	slices.SortFunc(got, semver.Compare)
	for i, v := range got {
		if v.String() != want[i] {
			t.Errorf("at %d: got %s, want %s", i, v, want[i])
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ constraint, in, out string }{
		{"*", "0.0.1 9.9.9", "1.0.0-rc.1"},
		{"1", "1.0.0 1.9.9", "0.9.9 2.0.0 2.0.0-rc.1"},
		{"1.x", "1.0.0 1.9.9", "0.9.9 2.0.0"},
		{"1.2.*", "1.2.0 1.2.9", "1.1.9 1.3.0"},
		{"1.2.3", "1.2.3 1.2.3+b", "1.2.2 1.2.4 1.2.3-rc.1"},
		{"=1.2", "1.2.0 1.2.7", "1.3.0"},
		{"^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0 1.3.0-rc.1"},
		{"^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"},
		{"^0.0.3", "0.0.3", "0.0.4 0.0.2"},
		{"^0", "0.0.1 0.9.0", "1.0.0"},
		{"^0.0", "0.0.1 0.0.9", "0.1.0"},
		{"^1", "1.0.0 1.5.0", "2.0.0"},
		{"~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"},
		{"~1", "1.0.0 1.9.0", "2.0.0"},
		{">=1.2 <2", "1.2.0 1.9.9", "1.1.9 2.0.0"},
		{">= 1.2, < 2", "1.2.0 1.9.9", "1.1.9 2.0.0"},
		{">1.2", "1.3.0 2.0.0", "1.2.0 1.2.9"},
		{">1.2.3", "1.2.4", "1.2.3"},
		{"<=1.2", "1.2.9 0.1.0", "1.3.0"},
		{"<=1.2.3", "1.2.3", "1.2.4"},
		{"<1.2", "1.1.9", "1.2.0"},
		{"^1 != 1.3.0", "1.2.0 1.4.0", "1.3.0"},
		{"^1 || ^3", "1.0.0 3.1.0", "2.0.0"},
		{"^1.2.3-rc.1", "1.2.3-rc.1 1.2.3-rc.2 1.2.3 1.9.0", "1.2.3-alpha 1.3.0-rc.1"},
	} {
		k, err := semver.ParseConstraint(c.constraint)
		if err != nil {
			t.Errorf("%s: %v", c.constraint, err)
			continue
		}
		for want, list := range map[bool]string{true: c.in, false: c.out} {
			for _, s := range strings.Fields(list) {
				v, err := semver.Parse(s)
				if err != nil {
					t.Fatal(err)
				}
				if got := k.Match(v); got != want {
					t.Errorf("%s of %s: got %t", s, c.constraint, got)
				}
			}
		}
	}
}

func TestConstraintErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `constraint "": expected something like ^1.2, ~1.2.3, 1.x, >=1.2 <2 or *`},
		{"^1 ||", `constraint "^1 ||": expected something like ^1.2, ~1.2.3, 1.x, >=1.2 <2 or *`},
		{"newest", `constraint "newest": version "newest": expected numbers without leading zeros, like 1.4.0`},
		{"1.x.2", `constraint "1.x.2": version "1.x.2": expected nothing but x after an x, like 1.x`},
		{">*", `constraint ">*": nothing is above *`},
		{"^1-rc", `constraint "^1-rc": version "1-rc": expected three numbers before a pre-release`},
		{strings.Repeat("1 ", 33), `constraint "` + strings.Repeat("1 ", 33) + `": at most 32 terms are allowed`},
	} {
		if _, err := semver.ParseConstraint(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v; want %s", c.in, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.2.3", "v1.0.0-rc.1+b", "^1.2 || >=3 <4", "1.x", "~0", ">", "!=*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := semver.Parse(s)
		if err == nil {
			if again, err := semver.Parse(v.String()); err != nil || again != v {
				t.Errorf("%q: %v becomes %v, %v", s, v, again, err)
			}
			k, err := semver.ParseConstraint(v.String())
			if err != nil || !k.Match(v) {
				t.Errorf("%q does not match itself: %v", v, err)
			}
		} else if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.Limit {
			t.Errorf("%q: kind %v", s, kind)
		}
		if k, err := semver.ParseConstraint(s); err == nil {
			k.Match(v)
		}
	})
}
