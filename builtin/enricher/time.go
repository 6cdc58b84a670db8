package enricher

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// sample is a number with the time of its publication.
type sample struct {
	value float64
	at    time.Time
}

// samples gives what calls take with each number that the source publishes.
// The one that is there at the start counts.
func (s *setup) samples(take func(sample)) error {
	producer, source := s.producer(), s.sensor("enricher.sourceSensor")
	if s.err != nil {
		return s.err
	}
	var last time.Time
	deliver := func(value any, at time.Time) {
		if v, ok := number(value); ok && at.After(last) {
			last = at
			take(sample{v, at})
		}
	}
	s.h.Listen(producer, source, func(ev event.Event) { deliver(ev.Value, ev.Time) })
	if now, ok := readingOf(producer, source); ok {
		deliver(now.Value, now.Time)
	}
	return nil
}

func readingOf(e *entity.Entity, sensor string) (entity.Reading, bool) {
	r, ok := e.Sensors()[sensor]
	return r, ok
}

func (s *setup) duration(key string, fallback time.Duration) time.Duration {
	v := s.value(key)
	if v == nil {
		return fallback
	}
	d, err := coerce.Duration(v)
	if err != nil {
		s.fail("%s: %w", key, err)
	}
	return d
}

func delta() *catalog.Type {
	return required(stock("Delta", "delta", "publishes by how much a number changed", func(ctx context.Context, h catalog.EnricherHost) error {
		s := begin(ctx, h)
		target := s.sensor("enricher.targetSensor")
		var before *sample
		return s.samples(func(now sample) {
			if before != nil {
				h.Republish(target, now.value-before.value)
			}
			before = &now
		})
	}, producerKey, sourceKey, targetKey, dupesKey, tagKey), sourceKey.Name, targetKey.Name)
}

// timeWeightedDelta is Brooklyn's: how fast a number that only grows does so.
func timeWeightedDelta() *catalog.Type {
	t := required(stock("YamlTimeWeightedDeltaEnricher", "time-weighted-delta", "publishes by how much a number changes in a period",
		func(ctx context.Context, h catalog.EnricherHost) error {
			s := begin(ctx, h)
			target, period := s.sensor("enricher.targetSensor"), s.duration("enricher.delta.period", time.Second)
			if s.err == nil && period <= 0 {
				s.fail("enricher.delta.period must be positive")
			}
			var before *sample
			return s.samples(func(now sample) {
				if before != nil {
					passed := now.at.Sub(before.at)
					h.Republish(target, (now.value-before.value)*float64(period)/float64(passed))
				}
				before = &now
			})
		}, producerKey, sourceKey, targetKey, dupesKey, tagKey,
		withDefault(key("enricher.delta.period", "period", "duration", "the period"), "1s")), sourceKey.Name, targetKey.Name)
	t.Aliases = append(t.Aliases,
		"org.apache.brooklyn.enricher.stock.TimeWeightedDeltaEnricher", "org.apache.brooklyn.policy.enricher.TimeWeightedDeltaEnricher",
		"brooklyn.policy.enricher.TimeWeightedDeltaEnricher")
	return t
}

func rollingMean() *catalog.Type {
	return required(stock("RollingMean", "rolling-mean", "publishes the mean of the last values of a number",
		func(ctx context.Context, h catalog.EnricherHost) error {
			s := begin(ctx, h)
			target := s.sensor("enricher.targetSensor")
			size, _ := s.value("enricher.window.size").(int64)
			if s.err == nil && size < 1 {
				s.fail("enricher.window.size must be positive")
			}
			var window []float64
			return s.samples(func(now sample) {
				window = append(window, now.value)
				if int64(len(window)) > size {
					window = window[1:]
				}
				sum := 0.0
				for _, v := range window {
					sum += v
				}
				h.Publish(target, sum/float64(len(window)))
			})
		}, producerKey, sourceKey, targetKey, dupesKey, tagKey,
		withDefault(key("enricher.window.size", "windowSize", "integer", "how many values count"), int64(10))), sourceKey.Name, targetKey.Name)
}

func timeWindowMean() *catalog.Type {
	t := required(stock("YamlRollingTimeWindowMeanEnricher", "rolling-time-window-mean", "publishes the mean of a number over the last time",
		meanOverTime, producerKey, sourceKey, targetKey, dupesKey, tagKey,
		hook.ConfigKey{Name: "enricher.window.duration", Flags: []string{"timePeriod", "windowDuration"}, Type: "duration", Default: "10s", Description: "how far back values count"},
		withDefault(key("enricher.window.confidenceRequired", "confidenceRequired", "double", "what share of the window must be known, 0 to 1"), 0.8)), sourceKey.Name, targetKey.Name)
	t.Aliases = append(t.Aliases,
		"org.apache.brooklyn.enricher.stock.RollingTimeWindowMeanEnricher", "org.apache.brooklyn.policy.enricher.RollingTimeWindowMeanEnricher",
		"brooklyn.policy.enricher.RollingTimeWindowMeanEnricher", "brooklyn.enricher.RollingTimeWindowMeanEnricher")
	return t
}

// meanOverTime lets each value count for the time since the one before, as far
// as that lies in the window which ends with the event; so Brooklyn does it.
// Without enough of the window known, the target stays as it is.
func meanOverTime(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	target, window := s.sensor("enricher.targetSensor"), s.duration("enricher.window.duration", 10*time.Second)
	confidence, _ := number(s.value("enricher.window.confidenceRequired"))
	if s.err == nil && window <= 0 {
		s.fail("enricher.window.duration must be positive")
	}
	var held []sample
	return s.samples(func(now sample) {
		held = append(held, now)
		start := now.at.Add(-window)
		for len(held) > 1 && !held[1].at.After(start) {
			held = held[1:]
		}
		sum, known := 0.0, time.Duration(0)
		for i := 1; i < len(held); i++ {
			from := held[i-1].at
			if from.Before(start) {
				from = start
			}
			d := held[i].at.Sub(from)
			sum += held[i].value * float64(d)
			known += d
		}
		if known == 0 || float64(known)/float64(window) < confidence {
			return
		}
		h.Publish(target, sum/float64(known))
	})
}
