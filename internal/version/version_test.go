package version_test

import (
	"testing"

	"github.com/gowanus-project/gowanus/internal/version"
)

// rising has versions from the lowest to the highest; those of one row are
// equal.
var rising = [][]string{
	{"0.0.0-SNAPSHOT", "0-SNAPSHOT", "0.0.0_SNAPSHOT"},
	{"1-SNAPSHOT", "1.0.0.SNAPSHOT"},
	{"2.0-SNAPSHOT"},
	{"0.1"},
	{"1-alpha", "1.0-Alpha"},
	{"1-alpha2"},
	{"1-alpha10"},
	{"1-beta"},
	{"1-rc1", "1.rc1", "1_rc-1"},
	{"1-rc2"},
	{"1", "1.0", "1.0.0", "01"},
	{"1.0.1"},
	{"1.2"},
	{"1.10"},
	{"2"},
	{"20260101"},
	{"99999999999999999999"},
}

func TestCompare(t *testing.T) {
	for i, row := range rising {
		for j, other := range rising {
			for _, a := range row {
				for _, b := range other {
					want := 0
					switch {
					case i < j:
						want = -1
					case i > j:
						want = 1
					}
					if got := sign(version.Compare(a, b)); got != want {
						t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

func FuzzCompare(f *testing.F) {
	f.Add("1.0-rc1", "1.0", "2-SNAPSHOT")
	f.Add("", ".", "-")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ba := sign(version.Compare(a, b)), sign(version.Compare(b, a))
		if ab != -ba || version.Compare(a, a) != 0 {
			t.Errorf("Compare(%q, %q) = %d, the other way %d", a, b, ab, ba)
		}
		if ab <= 0 && version.Compare(b, c) <= 0 && version.Compare(a, c) > 0 {
			t.Errorf("%q ≤ %q ≤ %q, but the last is below the first", a, b, c)
		}
	})
}
