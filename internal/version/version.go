// Package version orders versions as Apache Brooklyn's catalog does.
//
// A release comes after every snapshot. Otherwise the numbers decide, missing
// ones being 0; then a version without a qualifier comes after one with, and
// qualifiers are in natural order: letters in any case, digits as numbers.
package version

import (
	"cmp"
	"strings"
)

// Compare tells how a stands to b: negative when it is lower. Versions that
// are written differently but mean the same, 1 and 1.0.0, are equal.
func Compare(a, b string) int {
	x, y := parse(a), parse(b)
	if x.snapshot != y.snapshot {
		if x.snapshot {
			return -1
		}
		return 1
	}
	for i := range max(len(x.numbers), len(y.numbers)) {
		if c := compareNumbers(at(x.numbers, i), at(y.numbers, i)); c != 0 {
			return c
		}
	}
	if (x.qualifier == "") != (y.qualifier == "") {
		if x.qualifier == "" {
			return 1
		}
		return -1
	}
	return natural(x.qualifier, y.qualifier)
}

// Snapshot tells whether a version may be replaced by another of its name:
// one that says SNAPSHOT.
func Snapshot(v string) bool { return strings.Contains(strings.ToUpper(v), "SNAPSHOT") }

// parsed is a version in its parts.
type parsed struct {
	numbers   []string
	qualifier string
	snapshot  bool
}

func parse(v string) parsed {
	out := parsed{snapshot: Snapshot(v)}
	rest := strings.TrimSpace(v)
	for {
		n := digits(rest)
		if n == 0 {
			break
		}
		out.numbers = append(out.numbers, rest[:n])
		if rest = rest[n:]; rest == "" || rest[0] != '.' || digits(rest[1:]) == 0 {
			break
		}
		rest = rest[1:]
	}
	out.qualifier = strings.ToLower(strings.TrimLeft(rest, ".-_"))
	return out
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "0"
}

// compareNumbers compares runs of digits of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// natural compares text with the numbers in it as numbers. What separates
// words counts for nothing but that.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		var c int
		switch {
		case x > 0 && y > 0:
			c = compareNumbers(a[:x], b[:y])
		case x > 0 || y > 0:
			return cmp.Compare(y, x) // a number comes before a word
		default:
			x, y = letters(a), letters(b)
			c = strings.Compare(a[:x], b[:y])
		}
		if c != 0 {
			return c
		}
		a, b = strings.TrimLeft(a[x:], ".-_"), strings.TrimLeft(b[y:], ".-_")
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// letters gives the length of what is neither a digit nor a separator, at
// least 1.
func letters(s string) int {
	n := 0
	for n < len(s) && !strings.ContainsRune("0123456789.-_", rune(s[n])) {
		n++
	}
	return max(n, 1)
}
