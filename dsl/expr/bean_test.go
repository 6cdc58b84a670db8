package expr_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

func TestObjects(t *testing.T) {
	object := func(fields ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(fields); i += 2 {
			m[fields[i].(string)] = fields[i+1]
		}
		return map[string]any{"$brooklyn:object": m}
	}
	one := func(v any) []any { return []any{v} }
	duration := "org.apache.brooklyn.util.time.Duration"
	for _, tt := range []struct {
		in, want any
		err      string
	}{
		{in: object("type", "java.lang.String", "constructor.args", one("x")), want: "x"},
		{in: object("objectType", "java.lang.Integer", "constructor.args", one("7")), want: int64(7)},
		{in: object("type", "java.lang.Boolean", "factoryMethod.name", "valueOf", "factoryMethod.args", one("true")), want: true},
		{in: object("type", duration, "factoryMethod.name", "of", "factoryMethod.args", one("90s")), want: "1m 30s"},
		{in: object("type", "com.acme.Thing", "a", int64(1)), want: expr.Object{Kind: "object", Spec: map[string]any{"type": "com.acme.Thing", "a": int64(1)}}},
		{in: object("type", duration, "factoryMethod.name", "guess", "factoryMethod.args", one("1s")), err: "unknown factory method guess; expected one of of, parse, valueOf, fromString"},
		{in: object("type", "java.lang.Integer", "constructor.args", one("x")), err: "object of type java.lang.Integer: "},
		{in: object("type", "java.lang.Integer"), err: "constructor.args must be a list of one value"},
	} {
		v, err := expr.CompileAny(tt.in, expr.Limits{})
		var got any
		if err == nil {
			got, err = v.Eval(context.Background(), nil)
		}
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v: error %v, want %s", tt.in, err, tt.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v gave %#v, %v; want %#v", tt.in, got, err, tt.want)
		}
	}
}
