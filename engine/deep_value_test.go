package engine_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// What could be stored but not read again would keep the server from starting.
func TestWhatIsTooDeepIsNotKept(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	app, start := deploy(t, e, "services: [{type: basic-entity, id: x}]")
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	x := app.Nearest("x")
	nested := func(n int) (v any) {
		for v = "v"; n > 0; n-- {
			v = []any{v}
		}
		return v
	}
	for what, err := range map[string]error{
		"sensor": e.SetSensor(t.Context(), x, "s", nested(coerce.MaxDepth+1)), "config": e.SetConfig(t.Context(), x, "c", nested(10_000)),
	} {
		if fault.KindOf(err) != fault.Limit || !strings.Contains(err.Error(), "MaxDepth") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := e.SetSensor(t.Context(), x, "s", nested(coerce.MaxDepth-1)); err != nil {
		t.Error(err)
	}
	if err := e.SetConfig(t.Context(), x, "c", nested(coerce.MaxDepth/2)); err != nil {
		t.Error(err)
	}
	stop()
	e, _ = plant.engine()
	x, err := e.Entity(string(app.ID()), "x")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := x.Sensor("s"); v == nil {
		t.Error("the sensor is lost")
	}
	if v, has := x.OwnConfig("c"); !has || v == nil {
		t.Error("the config is lost")
	}
}

// A bundle that cannot be read does not keep the server from starting, nor are
// files deleted that may be its.
func TestDamagedBundleIsLeftOut(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	install(t, e, "1.0.0")
	stop()
	var b store.Batch
	b.Put("bundle", "probe:1.0.0", []byte(strings.Repeat("[", 10_001)))
	if err := plant.store.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	e, stop = plant.engine()
	if len(e.Modules()) != 0 {
		t.Error("the module is there")
	}
	if files, err := os.ReadDir(plant.dir); err != nil || len(files) != 1 {
		t.Errorf("its file is %v, %v", files, err)
	}
	r := install(t, e, "1.0.0")
	if r.Code != engine.BundleInstalled {
		t.Errorf("installed again: %v", r.Code)
	}
	stop()
}

// The sensors of an entity have a limit, whoever publishes them.
func TestSensorsHaveALimit(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: stock.Types(), Limits: engine.Limits{Sensors: 10}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeEngine(t, e)
	app, start := deploy(t, e, "services: [{type: basic-entity, id: x}]")
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	x := app.Nearest("x")
	for err == nil && len(x.Sensors()) <= 10 {
		err = e.SetSensor(t.Context(), x, "s"+strings.Repeat("x", len(x.Sensors())), 1)
	}
	if fault.KindOf(err) != fault.Limit || !strings.HasSuffix(err.Error(), "has 10 sensors and would have 1 more, Limits.Sensors allows 10") {
		t.Errorf("%v", err)
	}
	name := ""
	for name = range x.Sensors() {
		break
	}
	if err := e.SetSensor(t.Context(), x, name, 2); err != nil {
		t.Errorf("one that is there: %v", err)
	}
}
