package engine_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// mute makes a module that answers everything with its description.
func mute(description string) []byte {
	vec := func(items ...[]byte) []byte {
		return append(binary.AppendUvarint(nil, uint64(len(items))), slices.Concat(items...)...)
	}
	sized := func(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	section := func(id byte, body []byte) []byte { return append([]byte{id}, sized(body)...) }
	signed := func(v int64) (out []byte) {
		for {
			b := byte(v & 0x7f)
			if v >>= 7; v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
				return append(out, b)
			}
			out = append(out, b|0x80)
		}
	}
	export := func(name string, kind, index byte) []byte { return append(sized([]byte(name)), kind, index) }
	body := func(op byte, v int64) []byte { return sized(append(append([]byte{0, op}, signed(v)...), 0x0b)) }
	const i32, i64, at = 0x7f, 0x7e, 1024
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vec([]byte{0x60, 0, 1, i32}, []byte{0x60, 1, i32, 1, i32}, []byte{0x60, 3, i32, i32, i32, 1, i64})),
		section(3, vec([]byte{0}, []byte{1}, []byte{2})),
		section(5, vec([]byte{0, 32})),
		section(7, vec(export("memory", 2, 0), export("gw_abi", 0, 0), export("gw_alloc", 0, 1), export("gw_call", 0, 2))),
		section(10, vec(body(0x41, 1), body(0x41, 1<<20), body(0x42, at<<32|int64(len(description))))),
		section(11, vec(slices.Concat([]byte{0, 0x41}, signed(at), []byte{0x0b}, sized([]byte(description))))),
	)
}

// A module that could do nothing, or that would take what is not its own, is
// not installed.
func TestModuleNamesAreItsOwn(t *testing.T) {
	plant := newPlant(t)
	plant.types = []*catalog.Type{
		{Type: hook.Type{Name: "shipped.Thing", Kind: catalog.Entity, Prefix: "thing:", Aliases: []string{"the-thing"}}, Version: "2.0.0", Module: "shipped"},
	}
	e, _ := plant.engine()
	install(t, e, "1.0.0")
	if _, err := e.AddBundle(t.Context(), engine.BundleRequest{File: "own.bom", Content: []byte("brooklyn.catalog:\n  bundle: ours\n  version: 1.0.0\n  items:\n" +
		"  - {id: our-web, itemType: entity, item: {type: basic-entity}}\n")}); err != nil {
		t.Fatal(err)
	}
	describe := func(name, version, types, capabilities string) string {
		return fmt.Sprintf(`{"name": %q, "version": %q, "abi": [1, 1], "types": [%s], "capabilities": [%s]}`, name, version, types, capabilities)
	}
	typ := func(name, kind, rest string) string {
		return fmt.Sprintf(`{"name": %q, "kind": %q%s}`, name, kind, rest)
	}
	entity := typ("org.x.Thing", "entity", "")
	for _, c := range []struct{ description, want string }{
		{describe("m", "1.0.0", entity, ""), ""},
		{describe("m", "1.0", entity, ""), `description of module m: version "1.0": expected three numbers, like 1.4.0`},
		{describe("m", "1.0.0", "", ""), "module m has no types: nothing could use it"},
		{describe("gowanus", "9.0.0", entity, ""), "module gowanus 9.0.0: the server has a bundle of this name, of version 1.0.0"},
		{describe("shipped", "2.0.0", entity, ""), "module shipped 2.0.0: the server has a bundle of this name, of version 2.0.0"},
		{describe("shipped", "2.1.0", entity, ""), ""},
		{describe("m", "1.0.0", entity, `{"kind": "step", "value": "slep", "reason": "r"}`), `module m asks for the step type "slep", which this server does not have; did you mean "sleep"?`},
		{describe("m", "1.0.0", typ("sleep", "step", ""), ""), "module m: the step type sleep belongs to the server itself"},
		{describe("m", "1.0.0", typ("org.x.Let", "step", `, "aliases": ["let"]`), ""), "module m: the step type let belongs to the server itself"},
		{describe("m", "1.0.0", typ("f", "format", `, "formats": [".yaml"]`), ""), `module m: format f: ".yaml" is read by the server itself`},
		{describe("m", "1.0.0", typ("f", "format", `, "formats": ["application/json"]`), ""), `module m: format f: "application/json" is read by the server itself`},
		{describe("m", "1.0.0", typ("f", "format", `, "formats": ["lines"]`), ""), `module m: format f: "lines": expected a media type, or a file extension with its dot`},
		{describe("m", "1.0.0", typ("f", "format", `, "formats": [".lines"]`), ""), "module m has the format type .lines, which belongs to module probe"},
		{describe("m", "1.0.0", typ("org.apache.brooklyn.entity.stock.BasicEntity", "entity", ""), ""),
			"module m has the entity type org.apache.brooklyn.entity.stock.BasicEntity, which belongs to the server itself"},
		{describe("m", "1.0.0", typ("e", "entity", `, "aliases": ["basic-application"]`), ""), "module m has the entity type basic-application, which belongs to the server itself"},
		{describe("m", "1.0.0", typ("shipped.Thing", "entity", ""), ""), "module m has the entity type shipped.Thing, which belongs to module shipped"},
		{describe("m", "1.0.0", typ("thing:own", "entity", ""), ""), "module m has the entity type thing:own, which belongs to module shipped"},
		{describe("m", "1.0.0", typ("e", "entity", `, "prefix": "thing:x:"`), ""), "module m has the entity type thing:x:, which belongs to module shipped"},
		{describe("m", "9.0.0", typ("our-web", "entity", ""), ""), "module m has the entity type our-web, which belongs to bundle ours"},
		{describe("m", "9.0.0", typ("org.x.Web", "entity", `, "aliases": ["our-web"]`), ""), "module m has the entity type our-web, which belongs to bundle ours"},
		{describe("m", "9.0.0", typ("our-web", "policy", ""), ""), ""},
		{describe("m", "9.0.0", typ("e", "entity", `, "prefix": "our-web:"`), ""), "module m has the entity type our-web, which belongs to bundle ours"},
		{describe("m", "9.0.0", typ("e", "entity", `, "prefix": "org.apache.brooklyn.entity.stock.BasicEntity:"`), ""),
			"module m has the entity type org.apache.brooklyn.entity.stock.BasicEntity, which belongs to the server itself"},
		{describe("m", "1.0.0", typ("f", "format", `, "formats": [".YAML"]`), ""), `module m: format f: ".YAML" is read by the server itself`},
		{describe("m", "1.0.0", typ("org.example.Wire", "network", ""), ""), "module m has the entity type org.example.Wire, which belongs to module probe"},
	} {
		r, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: mute(c.description)})
		switch {
		case c.want != "" && (err == nil || err.Error() != c.want):
			t.Errorf("%s:\n got %v\nwant %s", c.description, err, c.want)
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.description, err)
		case c.want == "":
			if _, err := e.RemoveBundle(t.Context(), r.Bundle.Name, r.Bundle.Version, false); err != nil {
				t.Error(err)
			}
		}
	}
	if list := e.Modules(); len(list) != 1 {
		t.Errorf("%d modules are kept", len(list))
	}
}

// A decision with a step that there is not has no effect at all, though the
// module may use such a step on another server.
func TestModuleDecisionIsWhole(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0", "all")
	p, _ := deployed(t, e)
	if _, err := call(t, e, p, "act", map[string]any{"step": "wait", "input": map[string]any{"sensor": "acted"}}); err != nil {
		t.Errorf("a good decision: %v", err)
	}
	if err := e.ClearSensor(t.Context(), p, "acted"); err != nil {
		t.Fatal(err)
	}
	_, err := call(t, e, p, "act", map[string]any{"step": "frobnicate"})
	if _, acted := p.Sensor("acted"); acted || fault.KindOf(err) != fault.Forbidden || !strings.Contains(err.Error(), "frobnicate") {
		t.Errorf("acted %v, %v", acted, err)
	}
	// Nor has one whose step cannot have its input; the operator is shown it.
	_, err = call(t, e, p, "act", map[string]any{"step": "wait", "input": map[string]any{"sensr": "acted"}})
	const want = `entity.effector of type org.example.Probe of module probe: step 1, wait: it has no input "sensr"; did you mean "sensor"?`
	if _, acted := p.Sensor("acted"); acted || fault.KindOf(err) != fault.Invalid || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("acted %v, %v", acted, err)
	}
	m, err := e.Module("probe", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if list, n := m.Refusals(); n != 2 || !strings.HasSuffix(want, list[1].Message) || list[1].Entity != string(p.ID()) {
		t.Errorf("%d refusals, %v", n, list)
	}
}
