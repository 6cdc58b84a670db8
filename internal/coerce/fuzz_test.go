package coerce_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// FuzzTo: never a panic; an error is Invalid; what was converted is plain,
// and converts to itself again.
func FuzzTo(f *testing.F) {
	for _, seed := range [][2]string{
		{"integer", "1e3"}, {"double", ".5"}, {"duration", "1m 30s and 5ms"}, {"duration", "PT1H"}, {"timestamp", "2026-12-01"}, {"port", "{80, 90-91,100+}"},
		{"bytes", "1.5g"}, {"list<integer>", "1, 2"}, {"list", `[a, {b: "c"}, 'd''e']`}, {"map<string,list<port>>", "{a: [1], b=2}"}, {"map", "a=1, b: x"},
		{"boolean", "yes"}, {"char", "é"}, {"set<string>", "a,a"}, {"java.util.Map<java.lang.String,java.lang.Object>", "{}"}, {"list<?>", "\"a\\n\""}, {"string", "x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, typ, text string) {
		var decoded any
		for _, in := range []any{text, []any{text, 1.5, nil}, map[string]any{text: text}} {
			got, err := coerce.To(typ, in)
			if err != nil {
				if fault.KindOf(err) != fault.Invalid {
					t.Errorf("To(%q, %#v): kind of %v is %v", typ, in, err, fault.KindOf(err))
				}
				continue
			}
			if _, err := json.Marshal(got); err != nil {
				t.Fatalf("To(%q, %#v) = %#v, which is not plain: %v", typ, in, got, err)
			}
			again, err := coerce.To(typ, got)
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("To(%q, %#v) = %#v, and from that %#v, %v", typ, in, got, again, err)
			}
		}
		if json.Unmarshal([]byte(text), &decoded) == nil {
			if _, err := coerce.To(typ, decoded); err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("To(%q, %#v): %v", typ, decoded, err)
			}
		}
	})
}

func BenchmarkTo(b *testing.B) {
	for _, bb := range []struct {
		typ string
		in  any
	}{{"integer", "8080"}, {"duration", "1m 30s"}, {"list<integer>", "80,443"}, {"map<string,string>", map[string]any{"a": "b", "c": "d"}}} {
		b.Run(bb.typ, func(b *testing.B) {
			for b.Loop() {
				if _, err := coerce.To(bb.typ, bb.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
