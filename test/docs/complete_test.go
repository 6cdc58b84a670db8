package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/group"
	"github.com/gowanus-project/gowanus/builtin/initializer"
	framework "github.com/gowanus-project/gowanus/builtin/testing"
	"github.com/gowanus-project/gowanus/builtin/web"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/modules"
)

// TestComplete looks for everything that a blueprint may say in the guide.
func TestComplete(t *testing.T) {
	pages, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	guide := all.String()
	want := func(what, word string) {
		if !strings.Contains(guide, word) {
			t.Errorf("the guide does not tell of the %s %s", what, word)
		}
	}
	for _, name := range expr.Functions() {
		want("function", name)
	}
	for _, word := range strings.Fields("required notNull isBlank regex glob any all or and requiredIf requiredUnless forbiddenIf " +
		"forbiddenUnless requiredUnlessAnyOf forbiddenUnlessAnyOf") {
		want("constraint", "`"+word)
	}
	for _, word := range strings.Fields("equals less-than less-than-or-equal-to greater-than greater-than-or-equal-to in-range size " +
		"has-element when not check assert key index jsonpath filter config") {
		want("predicate", "`"+word)
	}
	for _, k := range step.Kinds() {
		want("step", "`"+k.Name)
		for i := range k.Keys {
			want("key of step "+k.Name, k.Keys[i].Name)
		}
	}
	for _, op := range transform.Operators() {
		want("transform", op)
	}
	for _, types := range [][]*catalog.Type{enricher.Types(), cluster.Types(), group.New(group.Config{}).Types(), framework.Types(), initializer.Types(), web.Config{}.Types()} {
		for _, typ := range types {
			if !slices.ContainsFunc(typ.Aliases, func(a string) bool { return !strings.Contains(a, ".") && strings.Contains(guide, a) }) {
				t.Errorf("the guide does not tell of the type %s", typ.Name)
			}
			for i := range typ.Config {
				want("key of "+typ.Name, typ.Config[i].Name)
			}
		}
	}
	for _, typ := range shippedPolicies(t) {
		want("type", "("+typ.Name[strings.LastIndexByte(typ.Name, '.')+1:])
		for _, k := range typ.Config {
			short, _ := strings.CutPrefix(k.Name, "autoscaler.")
			want("key of "+typ.Name, "`"+short+"`")
		}
	}
}

// shippedPolicies gives the policies and enrichers of the shipped modules, as
// far as these were built.
func shippedPolicies(t *testing.T) (out []hook.Type) {
	t.Helper()
	list, err := modules.List()
	if err != nil {
		t.Log(err)
		return nil
	}
	for _, m := range list {
		var d hook.Description
		if err := json.Unmarshal(m.Description, &d); err != nil {
			t.Fatal(err)
		}
		for _, typ := range d.Types {
			if typ.Kind == catalog.Policy || typ.Kind == catalog.Enricher {
				out = append(out, typ)
			}
		}
	}
	return out
}
