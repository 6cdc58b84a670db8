package expr

import (
	"strconv"
	"strings"
)

// nearest gives the name that a misspelt word probably means, or "".
func nearest(word string, names []string) string {
	best, bestAway := "", len(word)/3+1
	if len(word) > 64 {
		return ""
	}
	for _, name := range names {
		if away := distance(strings.ToLower(word), strings.ToLower(name)); away < bestAway || away == bestAway && best == "" {
			best, bestAway = name, away
		}
	}
	return best
}

// distance counts the letters to change, add or leave out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
