// Package enricher has the enrichers that every server knows: what makes
// sensors out of sensors.
//
// Each computes its value anew from what is published now, so that no event is
// lost or counted twice however many come at once; only those over time keep
// something between events.
package enricher

import (
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
)

const version = "1.0.0"

// Types gives all types of this package.
func Types() []*catalog.Type {
	return []*catalog.Type{
		transformer(), propagator(), aggregator(), mapAggregator(), joiner(), combiner(), reducer(),
		updatingMap(), propagateToMembers(), percentage(),
		delta(), timeWeightedDelta(), rollingMean(), timeWindowMean(),
		onSensorChange(), onCollectionChange(),
	}
}

// stock describes an enricher of Brooklyn's stock package; word is its name in
// kebab case.
func stock(name, word, doc string, impl catalog.EnricherImpl, keys ...hook.ConfigKey) *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.enricher.stock." + name, Kind: catalog.Enricher,
			Aliases: []string{"brooklyn.enricher.basic." + name, "org.apache.brooklyn.enricher.basic." + name, "brooklyn.enricher." + name, word},

			Description: doc, Config: keys,
		},
		Version: version, Enricher: impl, Checks: checks(keys),
	}
}

// key declares a config key with the short name that blueprints may use too.
func key(name, short, typ, doc string) hook.ConfigKey {
	k := hook.ConfigKey{Name: name, Type: typ, Description: doc}
	if short != "" {
		k.Flags = []string{short}
	}
	return k
}

func withDefault(k hook.ConfigKey, v any) hook.ConfigKey {
	k.Default = v
	return k
}

// The keys that most enrichers share.
var (
	producerKey = key("enricher.producer", "producer", "any", "the entity whose sensors are read; this one when absent")
	sourceKey   = key("enricher.sourceSensor", "sourceSensor", "any", "the sensor that is read")
	targetKey   = key("enricher.targetSensor", "targetSensor", "any", "the sensor that is published")
	triggersKey = key("enricher.triggerSensors", "triggerSensors", "any", "further sensors of the producer whose events lead to a new value")
	sourcesKey  = key("enricher.sourceSensors", "sourceSensors", "any", "the sensors that are read")
	dupesKey    = withDefault(key("enricher.suppressDuplicates", "suppressDuplicates", "boolean", "whether a value equal to the present one is no event"), true)
	tagKey      = key("uniqueTag", "", "string", "a name for the enricher")
)
