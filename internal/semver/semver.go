// Package semver orders versions, and chooses among them, as Semantic
// Versioning 2.0.0 says and as package managers write what they want of it.
//
// Types of the catalog have Brooklyn's order instead, package version; this
// one is for what is published to others.
package semver

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// maxText bounds the length of a version or a constraint, in bytes.
const maxText = 256

// Version is a version. Compare orders; == also tells builds apart.
type Version struct {
	Major, Minor, Patch uint64
	Pre                 string // "rc.1", without the hyphen
	Build               string // without the plus; of no weight
}

// String gives the version as SemVer writes it.
func (v Version) String() string {
	text := strconv.FormatUint(v.Major, 10) + "." + strconv.FormatUint(v.Minor, 10) + "." + strconv.FormatUint(v.Patch, 10)
	if v.Pre != "" {
		text += "-" + v.Pre
	}
	if v.Build != "" {
		text += "+" + v.Build
	}
	return text
}

// Parse reads MAJOR.MINOR.PATCH[-PRE][+BUILD], with or without a v in front.
// The error is fault.Invalid.
func Parse(text string) (Version, error) {
	v, numbers, err := parse(text)
	if err == nil && numbers < 3 {
		err = invalid("version", text, "three numbers, like 1.4.0")
	}
	return v, err
}

// parse reads a version whose last numbers may be missing, and tells how many
// there are.
func parse(text string) (v Version, numbers int, err error) {
	if len(text) > maxText {
		return v, 0, fault.New(fault.Limit, "a version of %d bytes; at most %d are allowed", len(text), maxText)
	}
	rest := strings.TrimPrefix(text, "v")
	rest, build, hasBuild := strings.Cut(rest, "+")
	rest, pre, hasPre := strings.Cut(rest, "-")
	if v.Pre, v.Build = pre, build; hasPre && pre == "" || hasBuild && build == "" {
		return v, 0, invalid("version", text, "something after - and +")
	}
	parts := strings.Split(rest, ".")
	if len(parts) > 3 {
		return v, 0, invalid("version", text, "at most three numbers")
	}
	for i, into := range []*uint64{&v.Major, &v.Minor, &v.Patch}[:len(parts)] {
		if *into, err = number(parts[i]); err != nil {
			return v, 0, invalid("version", text, "numbers without leading zeros, like 1.4.0")
		}
	}
	for _, id := range identifiers(v.Pre) {
		if !word(id) || digits(id) && len(id) > 1 && id[0] == '0' {
			return v, 0, invalid("version", text, "a pre-release of letters, digits and hyphens, like 1.4.0-rc.1")
		}
	}
	for _, id := range identifiers(v.Build) {
		if !word(id) {
			return v, 0, invalid("version", text, "a build of letters, digits and hyphens, like 1.4.0+build.7")
		}
	}
	return v, len(parts), nil
}

func invalid(what, text, expected string) error {
	return fault.New(fault.Invalid, "%s %q: expected %s", what, text, expected)
}

func number(s string) (uint64, error) {
	if !digits(s) || len(s) > 1 && s[0] == '0' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, 63)
}

func identifiers(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ".")
}

func digits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func word(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// Compare orders two versions by SemVer's clause 11: numbers, then releases
// after their pre-releases; builds do not count.
func Compare(a, b Version) int {
	if c := cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor), cmp.Compare(a.Patch, b.Patch)); c != 0 {
		return c
	}
	switch {
	case a.Pre == b.Pre:
		return 0
	case a.Pre == "":
		return 1
	case b.Pre == "":
		return -1
	}
	x, y := identifiers(a.Pre), identifiers(b.Pre)
	for i := range min(len(x), len(y)) {
		if c := compareIdentifiers(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func compareIdentifiers(a, b string) int {
	switch x, y := digits(a), digits(b); {
	case x && y:
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	case x:
		return -1
	case y:
		return 1
	}
	return strings.Compare(a, b)
}
