package expr_test

import (
	"context"
	"fmt"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func Example() {
	doc, _ := yamlpos.Parse("app.yaml", []byte(`
url:
  $brooklyn:formatString: ["http://%s:%d/", $brooklyn:config("host"), 8080]
workers: $brooklyn:config("n") * 2
database: $brooklyn:component("db").attributeWhenReady("url")
`), yamlpos.Limits{})
	value, err := expr.Compile(doc, expr.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ref := range value.Refs() {
		fmt.Println(ref.Pos, ref.Name)
	}
	fmt.Println(value.Eval(context.Background(), newWorld()))
	// Output:
	// app.yaml:3:62 host
	// app.yaml:4:27 n
	// app.yaml:5:31 db
	// app.yaml:5:56 url
	// map[database:mysql://db url:http://example.org:8080/ workers:42] <nil>
}

func ExampleCompile_mistake() {
	doc, _ := yamlpos.Parse("app.yaml", []byte("url: $brooklyn:component(\"db\").atributeWhenReady(\"url\")\n"), yamlpos.Limits{})
	_, err := expr.Compile(doc, expr.Limits{})
	fmt.Println(err)
	// Output: app.yaml:1:32: No such function 'atributeWhenReady'; did you mean attributeWhenReady?
}

// vars is a Names of plain variables.
type vars map[string]any

func (v vars) Name(_ context.Context, name string) (any, error) {
	if value, ok := v[name]; ok {
		return value, nil
	}
	return nil, expr.Unknown(name)
}

func (v vars) Member(_ context.Context, _ any, name string) (any, error) {
	return nil, expr.Unknown(name)
}

func ExampleCompileWords() {
	for _, text := range []string{"${n} * 2 + 1", "n is ${n}", `"${n}" is ${n}`, "${m} + 1 ?? 0", "${n} > 2 ? many : few"} {
		t, err := expr.CompileWords(yamlpos.FromAny(text, yamlpos.Pos{}), expr.DefaultLimits())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(t.Eval(context.Background(), nil, vars{"n": 3}, expr.Fail))
	}
	// Output:
	// 7 <nil>
	// n is 3 <nil>
	// ${n} is 3 <nil>
	// 0 <nil>
	// many <nil>
}
