package predicate_test

import (
	"context"
	"fmt"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func Example() {
	n, err := yamlpos.Parse("condition", []byte(`
key: status
any:
- ready
- {glob: "wait*", not: {regex: ".*forever"}}
`), yamlpos.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := predicate.Compile(n, predicate.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []string{"ready", "waiting", "waiting forever"} {
		ok, err := p.Test(context.Background(), predicate.Subject{Value: map[string]any{"status": status}})
		fmt.Println(status, ok, err)
	}
	// Output:
	// ready true <nil>
	// waiting true <nil>
	// waiting forever false <nil>
}
