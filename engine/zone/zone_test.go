package zone_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/zone"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		zones string
		have  map[string]int
		n     int
		want  string
	}{
		{"a b c", nil, 4, "a b c a"},
		{"a b", map[string]int{"a": 3}, 3, "b b b"},
		{"a b", map[string]int{"a": 1, "b": 1, "gone": 0}, 1, "a"},
		{"a", map[string]int{"a": 9}, 2, "a a"},
		{"a b", nil, 0, ""},
	} {
		got := strings.Join(zone.Spread(strings.Fields(tt.zones), tt.have, tt.n), " ")
		if got != tt.want {
			t.Errorf("%d over %q with %v: %q, want %q", tt.n, tt.zones, tt.have, got, tt.want)
		}
	}
	if got := zone.Spread(nil, nil, 2); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("without zones: %q", got)
	}
}

func TestFullest(t *testing.T) {
	for _, tt := range []struct {
		have map[string]int
		want string
	}{
		{map[string]int{"a": 2, "b": 1}, "a"}, {map[string]int{"a": 1, "b": 1}, "b"}, {nil, "c"},
	} {
		if got := zone.Fullest([]string{"a", "b", "c"}, tt.have); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.have, got, tt.want)
		}
	}
	if got := zone.Fullest(nil, nil); got != "" {
		t.Errorf("without zones: %q", got)
	}
}

func TestFailed(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		name  string
		tries string // x failed, o did not; one each minute up to now
		rule  zone.Rule
		want  bool
	}{
		{"none", "", zone.Rule{}, false},
		{"one is too few to tell", "x", zone.Rule{}, false},
		{"two", "xx", zone.Rule{}, true},
		{"half", "xo", zone.Rule{}, false},
		{"nine of ten", "xxxxoxxxxx", zone.Rule{}, true},
		{"eight of ten", "xxoxxoxxxx", zone.Rule{}, false},
		{"eight of ten, by a rule of its own", "xxoxxoxxxx", zone.Rule{Share: 0.8}, true},
		{"what is old is forgotten", "xxoo", zone.Rule{Within: 90 * time.Second}, false},
		{"what is old does not excuse", "ooxx", zone.Rule{Within: 90 * time.Second}, true},
		{"three are wanted", "xx", zone.Rule{Attempts: 3}, false},
	} {
		var h zone.History
		h.Follow(tt.rule)
		for i, c := range tt.tries {
			h.Note("a", c == 'x', now.Add(time.Duration(i+1-len(tt.tries))*time.Minute))
		}
		if got := h.Failed("a", now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if h.Failed("b", now) {
			t.Errorf("%s: another zone has failed", tt.name)
		}
	}
}

func TestSound(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var h zone.History
	fail := func(z string) { h.Note(z, true, now); h.Note(z, true, now) }
	check := func(sound, failed string) {
		t.Helper()
		s, f := h.Sound([]string{"a", "b"}, now)
		if strings.Join(s, " ") != sound || strings.Join(f, " ") != failed {
			t.Errorf("sound %v, failed %v; want %q, %q", s, f, sound, failed)
		}
	}
	check("a b", "")
	fail("a")
	check("b", "a")
	fail("b")
	check("a b", "a b")
}
