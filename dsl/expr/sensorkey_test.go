package expr_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

func TestSensorsAsKeys(t *testing.T) {
	v, err := expr.CompileAny(map[string]any{
		`$brooklyn:sensor("a")`: `$brooklyn:sensor("b")`, `$brooklyn:sensor("x.y.Class", "c")`: "d", "e": int64(1),
	}, expr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Eval(context.Background(), nil)
	want := map[string]any{"a": expr.Sensor{Name: "b"}, "c": "d", "e": int64(1)}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
