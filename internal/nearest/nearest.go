// Package nearest finds the word that was probably meant by a misspelt one.
package nearest

import (
	"slices"
	"unicode"
)

const (
	maxEdits  = 3
	maxLength = 200 // letters; nobody types longer names, and the work grows with the square
)

// Word gives the candidate with the fewest edits to word, or "" when none is
// near: one edit in three letters, three at most. Letter case counts half, two
// letters exchanged count once. Of equally near candidates it gives the first.
func Word(word string, candidates []string) string {
	from := []rune(word)
	if len(from) > maxLength {
		return ""
	}
	limit := max(2*min(len(from)/3, maxEdits), 1) // in half edits
	found := ""
	for _, candidate := range candidates {
		to := []rune(candidate)
		if candidate == word || abs(len(to)-len(from)) > maxEdits {
			continue
		}
		if d := distance(from, to); d <= limit {
			limit, found = d-1, candidate
		}
	}
	return found
}

// distance counts half edits: insert, delete, replace, exchange neighbours.
func distance(a, b []rune) int {
	var space [3 * 32]int // enough for the names that there are
	rows, n := space[:], len(b)+1
	if 3*n > len(rows) {
		rows = make([]int, 3*n)
	}
	before, last, row := rows[:n], rows[n:2*n], rows[2*n:3*n]
	for j := range last {
		last[j] = 2 * j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = 2 * i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+2, row[j-1]+2, last[j-1]+replacing(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+2)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func replacing(a, b rune) int {
	switch {
	case a == b:
		return 0
	case unicode.ToLower(a) == unicode.ToLower(b):
		return 1
	}
	return 2
}

func abs(n int) int { return max(n, -n) }

// Hint gives `; did you mean "X"?` for the near candidate, or "" without one.
func Hint(word string, candidates ...[]string) string {
	if near := Word(word, slices.Concat(candidates...)); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}
