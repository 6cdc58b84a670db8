package cluster_test

import (
	"fmt"
	"testing"
)

// Adding one member: what grows with the cluster is the list of its members.
func BenchmarkGrowByOne(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := begin(b, fmt.Sprintf("    initialSize: %d\n", n))
			for b.Loop() {
				if _, err := l.invoke("resizeByDelta", map[string]any{"delta": 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
