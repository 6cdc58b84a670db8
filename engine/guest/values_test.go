package guest

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestValues(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 1, `{}`: 1, `[ ]`: 1, `[1,2,3]`: 4, `{"a":1,"b":[{},{}]}`: 5, `"[,{"`: 1, `["\"[,", "\\", {}]`: 4, ``: 1, `"`: 1, `\`: 1, `[`: 2,
	} {
		if got := values([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	l := Limits{Values: 3, Depth: 5}
	var v any
	err := l.strictly([]byte(`[1,2,3]`), &v)
	deep := Limits{Values: 9, Depth: 2}
	if err := deep.strictly([]byte(`{"a": [[1]]}`), &struct{}{}); fault.KindOf(err) != fault.Limit || err.Error() != "it is nested 3 deep, the limit Depth allows 2" {
		t.Errorf("too deep: %v", err)
	}
	if err == nil || err.Error() != "it has 4 values, the limit Values allows 3" || unreadable(err, fault.Invalid) != fault.Limit {
		t.Errorf("got %v", err)
	}
	if err = l.strictly([]byte(`[1,2`), &v); err == nil || unreadable(err, fault.Invalid) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}
