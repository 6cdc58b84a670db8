package coerce_test

import (
	"math"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

func TestCompare(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		a, b  any
		order int
		ok    bool
	}{
		{int64(1), int64(2), -1, true},
		{int64(math.MaxInt64), float64(math.MaxInt64), -1, true}, // 2⁶³ as a float
		{0.5, "0.5", 0, true},
		{"10", int64(9), 1, true},
		{0.1, "0.1", 0, true},
		{"v10", "v9", 1, true},
		{"a", "a1", -1, true},
		{"01", "1", -1, true},
		{time.Minute, "1m", 0, true},
		{"2m", time.Minute, 1, true},
		{now, "2026-02-01", -1, true},
		{"2025-02-01", now, -1, true},
		{time.Minute, "soon", 0, false},
		{int64(1), "one", 0, false},
		{math.NaN(), int64(1), 0, false},
		{nil, nil, 0, false},
		{true, false, 0, false},
		{[]any{}, []any{}, 0, false},
	} {
		if order, ok := coerce.Compare(tt.a, tt.b); ok != tt.ok || ok && order != tt.order {
			t.Errorf("Compare(%v, %v) = %d, %v", tt.a, tt.b, order, ok)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]any{"1": int64(1), "1.0": int64(1), "1.5": 1.5, " 7 ": int64(7), "1e400": nil, "one": nil, "": nil} {
		if got, ok := coerce.Number(text); ok != (want != nil) || ok && got != want {
			t.Errorf("Number(%q) = %v, %v", text, got, ok)
		}
	}
}
