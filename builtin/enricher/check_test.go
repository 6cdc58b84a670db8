package enricher_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

// What keeps an enricher from beginning is told with its blueprint, as far as
// its config is written out.
func TestChecks(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: append(stock.Types(), enricher.Types()...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	const source, target = "b.yaml:7:5: Invalid value for enricher.sourceSensor: a value is required", "b.yaml:7:5: Invalid value for enricher.targetSensor: a value is required"
	const sources = "b.yaml:7:5: Invalid value for enricher.sourceSensors: a value is required"
	for _, c := range []struct{ enricher, config, want string }{
		{"transformer", "", "b.yaml:7:5: enricher.sourceSensor or enricher.triggerSensors is required"},
		{"transformer", "sourceSensor: a", "b.yaml:7:5: enricher.targetSensor is required, unless a sensor of another enricher.producer keeps its name"},
		{"transformer", "triggerSensors: [a]|producer: $brooklyn:component(\"a\")", "b.yaml:7:5: enricher.targetSensor is required, unless a sensor of another enricher.producer keeps its name"},
		{"transformer", "sourceSensor: a|producer: $brooklyn:component(\"a\")", ""},
		{"transformer", "sourceSensor: a|targetSensor: {name: b, type: string}", ""},
		{"transformer", "sourceSensor: $brooklyn:config(\"a\")|targetSensor: $brooklyn:sensor(\"b\")", ""},
		{"transformer", "sourceSensor: 5|targetSensor: {type: string}",
			"b.yaml:9:21: Invalid value for enricher.sourceSensor: expected the name of a sensor, not 5\n" +
				`b.yaml:10:21: Invalid value for enricher.targetSensor: expected the name of a sensor, not {"type":"string"}`},
		{"transformer", "triggerSensors: [a, $brooklyn:sensor(\"b\"), 5]|targetSensor: b", "b.yaml:9:23: Invalid value for enricher.triggerSensors: expected names of sensors, not 5"},
		{"transformer", "sourceSensor: a|targetSensor: b|transformation: averag",
			`b.yaml:11:23: Invalid value for enricher.transformation: unknown transformation "averag"; did you mean "average"?; expected one of average, mean, sum, min, max, isQuorate, list, first`},
		{"transformer", "sourceSensor: a|targetSensor: b|transformation: $brooklyn:function.regexReplacement(\"a\", \"b\")", ""},
		{"propagator", "", "b.yaml:7:5: a Propagator needs sensorMapping, inclusions, propagatingAll or propagatingAllBut"},
		{"propagator", "propagating: [a]", ""},
		{"propagate-to-members", "", "b.yaml:7:5: Invalid value for enricher.propagating.inclusions: a value is required"},
		{"aggregator", "", source + "\n" + target},
		{"aggregator", "sourceSensor: a|targetSensor: b|transformation: isQuorate|quorum.check.type: al",
			`b.yaml:12:26: Invalid value for quorum.check.type: unknown check "al"; expected a number or one of all, allAndAtLeastOne, alwaysHealthy, alwaysTrue, atLeastOne, atLeastOneUnlessEmpty`},
		{"aggregator", "sourceSensor: a|targetSensor: b|quorum.check.type: 2", ""},
		{"aggregator", "sourceSensor: a|targetSensor: b|valueFilter: {greater-then: 5}", `b.yaml:11:21: unknown key "greater-then" of a predicate; did you mean "greater-than"?`},
		{"map-aggregator", "targetSensor: b", "b.yaml:7:5: Invalid value for enricher.keySensor: a value is required\nb.yaml:7:5: Invalid value for enricher.valueSensor: a value is required"},
		{"joiner", "", source + "\n" + target},
		{"combiner", "", sources + "\n" + target},
		{"reducer", "", sources + "\n" + target},
		{"updating-map", "", source + "\n" + target},
		{"percentage", "source.current.sensor: a|source.total.sensor: b", "b.yaml:7:5: Invalid value for enricher.percentage.targetSensor: a value is required"},
		{"delta", "", source + "\n" + target},
		{"time-weighted-delta", "sourceSensor: a|targetSensor: b|period: soon", `b.yaml:11:15: Invalid value for enricher.delta.period: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{"rolling-mean", "", source + "\n" + target},
		{"rolling-time-window-mean", "sourceSensor: a|targetSensor: b|timePeriod: 1m", ""},
	} {
		_, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(on(c.enricher, strings.ReplaceAll(c.config, "|", "\n")))})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", c.enricher, c.config, got, c.want)
		}
	}
}
