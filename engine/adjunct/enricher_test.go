package adjunct_test

import (
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/store"
)

func TestEnricher(t *testing.T) {
	for _, tt := range []struct {
		typ, suspended string
		copied         any
	}{
		{"copier", "", int64(2)},
		{"refuses", "no such luck", nil},
		{"panics", "panic: oh no", nil},
	} {
		t.Run(tt.typ, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, store.NewMemory(), adjunct.Limits{}, nil)
				defer l.tasks.Close(t.Context())
				r := &adjunct.Record{Kind: catalog.Enricher, ID: "p", Entity: "e", Type: tt.typ, Name: "it"}
				if err := l.policies.Attach(l.entity, r); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				l.entity.Set("n", int64(1))
				l.entity.Set("n", int64(2))
				if v, _ := l.entity.Sensor("copy"); v != tt.copied {
					t.Errorf("copy is %v, want %v", v, tt.copied)
				}
				if info := l.policies.Of("e")[0]; info.Suspended != tt.suspended || info.Kind != catalog.Enricher {
					t.Errorf("it is %q of kind %q, want %q", info.Suspended, info.Kind, tt.suspended)
				}
				var b store.Batch
				l.policies.Detach("e", &b)
				l.entity.Set("n", int64(3))
				if v, _ := l.entity.Sensor("copy"); v != tt.copied {
					t.Errorf("it still works after it was detached: copy is %v", v)
				}
			})
		})
	}
}
