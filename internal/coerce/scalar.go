package coerce

import (
	"encoding/json"
	"math"
	"strconv"
)

// scalar gives plain text of a list or map its value, as YAML would.
func scalar(word string) any {
	switch word {
	case "null", "~":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	if c := word[0]; c != '-' && c != '.' && (c < '0' || c > '9') {
		return word
	}
	if i, err := strconv.ParseInt(word, 10, 64); err == nil {
		return i
	}
	var f float64
	if json.Unmarshal([]byte(word), &f) == nil && !math.IsInf(f, 0) {
		return f
	}
	return word
}

func jsonString(text string) (s string, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}
