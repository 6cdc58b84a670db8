package scenario

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// same compares JSON values; numbers by their value.
func same(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, is := b.([]any)
		if !is || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, is := b.(map[string]any)
		if !is || len(x) != len(y) {
			return false
		}
		for k := range x {
			v, there := y[k]
			if !there || !same(x[k], v) {
				return false
			}
		}
		return true
	}
	if number(a) && number(b) {
		order, ok := coerce.Compare(a, b)
		return ok && order == 0
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

// inline writes a value in one line, as JSON.
func inline(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxDiffLines is up to which length values are compared line by line; the
// work grows with the square.
const maxDiffLines = 1000

// diff compares two values as lines of YAML: "-" stands before those that only
// a has, "+" before those of b.
func diff(a, b any, nameA, nameB string) string {
	from, to := lines(a), lines(b)
	out := []string{"--- " + nameA, "+++ " + nameB}
	if len(from) > maxDiffLines || len(to) > maxDiffLines {
		return strings.Join(append(out, "too long to compare line by line"), "\n")
	}
	common := make([][]int, len(from)+1) // length of the longest common part of what is left
	for i := range common {
		common[i] = make([]int, len(to)+1)
	}
	for i := len(from) - 1; i >= 0; i-- {
		for j := len(to) - 1; j >= 0; j-- {
			if from[i] == to[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(from) || j < len(to) {
		switch {
		case i < len(from) && j < len(to) && from[i] == to[j]:
			out = append(out, "  "+from[i])
			i++
			j++
		case j == len(to) || i < len(from) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+from[i])
			i++
		default:
			out = append(out, "+ "+to[j])
			j++
		}
	}
	return strings.Join(out, "\n")
}

func lines(v any) []string {
	return strings.Split(strings.TrimRight(yamlpos.Format(yamlpos.FromAny(v, yamlpos.Pos{})), "\n"), "\n")
}
