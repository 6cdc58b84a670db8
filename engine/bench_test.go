package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

// large writes a blueprint of n entities: config of several kinds, expressions
// that name others, and a child for each second one.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("name: large\nservices:\n")
	for i := 0; i < n-1; i += 2 {
		fmt.Fprintf(&b, `- type: org.apache.brooklyn.entity.stock.BasicEntity
  id: e%d
  name: Entity %d
  brooklyn.config:
    size: %d
    url: $brooklyn:formatString("http://%%s:%%d/", component("e%d").attributeWhenReady("host.address"), 8080)
    env: {A: one, B: "2", C: [x, y]}
  brooklyn.children:
  - type: org.apache.brooklyn.entity.stock.BasicEntity
    brooklyn.config:
      parent.size: $brooklyn:parent().config("size")
      on: true
`, i, i, i, max(0, i-2))
	}
	return []byte(b.String())
}

func idle(b testing.TB) *engine.Engine {
	b.Helper()
	e, err := engine.New(context.Background(), engine.Config{
		Store: store.NewMemory(), Types: stock.Types(), Limits: engine.Limits{Entities: 100_000},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// BenchmarkPlan reads and plans blueprints; decode is the floor, the bare
// reading of the same text.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		text := large(n)
		b.Run(fmt.Sprintf("decode/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var v any
				if err := yaml.Unmarshal(text, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("plan/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			e := idle(b)
			for b.Loop() {
				if _, err := e.Check(context.Background(), engine.Request{Text: text}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdleEntity reports the memory that one idle entity of a large
// application holds, its blueprint's part included.
func BenchmarkIdleEntity(b *testing.B) {
	const n = 10_000
	text := large(n)
	for b.Loop() {
		e := idle(b)
		before := heap()
		if _, _, err := e.Deploy(context.Background(), engine.Request{Text: text}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/n, "B/entity")
		runtime.KeepAlive(e)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
