package transform_test

import (
	"context"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func FuzzTransform(f *testing.F) {
	for _, ops := range []string{
		"trim | replace all regex 'c.*?d' 0 | return", "split limit 4 keep_delimiters regex ' +' | join ,", "yaml | get .a[0]", "json encode | bash",
		"merge deep lax", "slice 1 -1 | remove 0", "append ${a} | type list", "replace glob c*e $1", "average", `append "\"|"`, "split ''",
	} {
		f.Add(ops, "abc def ghi c2d")
		f.Add(ops, "x\n---\na: [1, {b: c}]\n")
	}
	limits := transform.Limits{Text: 1 << 16, Items: 1 << 12, Work: 1 << 20}
	f.Fuzz(func(t *testing.T, ops, text string) {
		transform.Words(ops)
		p, err := transform.CompileLimited(&yamlpos.Node{Pos: yamlpos.Pos{Line: 1, Col: 1}, Kind: yamlpos.Scalar, Value: ops, Text: ops}, limits)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("%q: %v", ops, err)
			}
			return
		}
		for _, v := range []any{text, nil, int64(3), list{text, int64(1), 1.5, list{text}}, table{"a": text, "b": list{table{}}}} {
			if _, _, err := p.Apply(context.Background(), v, newHost()); err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("%#v | %s: %v", v, ops, err)
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := compile("trim | replace all regex '[0-9]+' # | split limit 10 ',' | first"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	p, err := compile("trim | replace all regex '[0-9]+' # | split limit 10 ',' | first")
	if err != nil {
		b.Fatal(err)
	}
	h := newHost()
	for b.Loop() {
		if _, _, err := p.Apply(context.Background(), " a1,b2,c3,d4 ", h); err != nil {
			b.Fatal(err)
		}
	}
}
