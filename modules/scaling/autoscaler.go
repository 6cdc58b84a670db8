package main

import (
	"math"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyMetric        = "autoscaler.metric"
	keyMetricEntity  = "autoscaler.entityWithMetric"
	keyLower         = "autoscaler.metricLowerBound"
	keyUpper         = "autoscaler.metricUpperBound"
	keyMin           = "autoscaler.minPoolSize"
	keyMax           = "autoscaler.maxPoolSize"
	keyUpIncrement   = "autoscaler.resizeUpIterationIncrement"
	keyUpMost        = "autoscaler.resizeUpIterationMax"
	keyDownIncrement = "autoscaler.resizeDownIterationIncrement"
	keyDownMost      = "autoscaler.resizeDownIterationMax"
	keyPeriod        = "autoscaler.minPeriodBetweenExecs"
	keyUpDelay       = "autoscaler.resizeUpStabilizationDelay"
	keyDownDelay     = "autoscaler.resizeDownStabilizationDelay"
	keyOperator      = "autoscaler.resizeOperator"
	keySizeSensor    = "autoscaler.currentSizeOperator"
	keyReached       = "autoscaler.maxSizeReachedSensor"
	keyReachedDelay  = "autoscaler.maxReachedNotificationDelay"
	keyHot           = "autoscaler.poolHotSensor"
	keyCold          = "autoscaler.poolColdSensor"
	keyOK            = "autoscaler.poolOkSensor"
	keyHighWater     = "autoscaler.insufficientCapacityHighWaterMark"

	sensorCount   = "group.members.count"
	sensorUp      = "service.isUp"
	sensorResized = "autoscaler.resized"

	// What pool sensors say.
	poolSize     = "pool.current.size"
	poolWorkrate = "pool.current.workrate"
	poolLow      = "pool.low.threshold"
	poolHigh     = "pool.high.threshold"
	poolDesired  = "pool.desired.size"
)

func autoscaler() gowanus.Type {
	short := len("autoscaler.")
	key := func(name, typ, doc string, def any) gowanus.ConfigKey {
		return gowanus.ConfigKey{Name: name, Flags: []string{name[short:]}, Type: typ, Default: def, Description: doc}
	}
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.autoscaling.AutoScalerPolicy", Kind: gowanus.KindPolicy,
		Aliases:     append(brooklyn("autoscaling", "AutoScalerPolicy", "autoscaler"), "auto-scaler"),
		Description: "resizes a cluster so that a metric stays within bounds",
		Config: []gowanus.ConfigKey{
			key(keyMetric, "string", "the sensor; the mean over the members", nil),
			key(keyMetricEntity, "any", "whose sensor; the cluster's when absent", nil),
			key(keyLower, "double", "below which the cluster shrinks", nil),
			key(keyUpper, "double", "above which the cluster grows", nil),
			key(keyMin, "integer", "how small it may be", 1),
			key(keyMax, "integer", "how large it may be", nil),
			key(keyUpIncrement, "integer", "it grows by a multiple of this", 1),
			key(keyUpMost, "integer", "it grows at once by so many at most", nil),
			key(keyDownIncrement, "integer", "it shrinks by a multiple of this", 1),
			key(keyDownMost, "integer", "it shrinks at once by so many at most", nil),
			key(keyPeriod, "duration", "the least time between changes", "100ms"),
			key(keyUpDelay, "duration", "how long the need to grow must hold", "0ms"),
			key(keyDownDelay, "duration", "how long the need to shrink must hold", "0ms"),
			key(keyOperator, "any", "the effector that resizes, or a map of effector, parameter and entity; resize with desiredSize when absent", nil),
			key(keySizeSensor, "string", "the sensor with the present size", sensorCount),
			key(keyReached, "string", "a sensor that is told when the cluster cannot grow any more", nil),
			key(keyReachedDelay, "duration", "how long that must hold", "0ms"),
			key(keyHot, "string", "a sensor that tells that the pool is too small", "resizablepool.hot"),
			key(keyCold, "string", "a sensor that tells that the pool is too large", "resizablepool.cold"),
			key(keyOK, "string", "a sensor that tells that the pool is right", "resizablepool.ok"),
			key(keyHighWater, "integer", "a size above which there is no capacity", nil),
		},
		Sensors: []gowanus.Sensor{
			{Name: sensorResized, Type: "map", Description: "the last change of size has come to its end: size and time at which it began"},
		},
		Events: []gowanus.EventSpec{
			{SensorFrom: keyMetric}, {SensorFrom: keyMetric, Of: "config:" + keyMetricEntity},
			{SensorFrom: keyHot}, {SensorFrom: keyCold}, {SensorFrom: keyOK},
			{SensorFrom: keySizeSensor}, {Sensor: sensorUp}, {Sensor: sensorResized},
		},
		PolicyEvent: scale,
	}
}

// scalerConfig is the config of an AutoScalerPolicy.
type scalerConfig struct {
	lower, upper           float64 // NaN when absent
	min, max               int64
	upIncrement, upMost    int64
	downIncrement          int64
	downMost               int64
	period, upDelay        time.Duration
	downDelay, reachedWait time.Duration
	reached                string
}

func readScaler(c gowanus.Values) (*scalerConfig, error) {
	cfg := &scalerConfig{lower: math.NaN(), upper: math.NaN(), reached: c.String(keyReached)}
	for _, f := range []struct {
		key string
		to  *float64
	}{{keyLower, &cfg.lower}, {keyUpper, &cfg.upper}} {
		if v, ok := number(c[f.key]); ok {
			*f.to = v
		}
	}
	for _, f := range []struct {
		key   string
		def   int64
		least int64
		to    *int64
	}{
		{keyMin, 1, 0, &cfg.min}, {keyMax, math.MaxInt32, 0, &cfg.max},
		{keyUpIncrement, 1, 1, &cfg.upIncrement}, {keyUpMost, math.MaxInt32, 0, &cfg.upMost},
		{keyDownIncrement, 1, 1, &cfg.downIncrement}, {keyDownMost, math.MaxInt32, 0, &cfg.downMost},
	} {
		*f.to = f.def
		if c.Has(f.key) {
			*f.to = c.Int(f.key)
		}
		if *f.to < f.least {
			return nil, &gowanus.Error{Kind: "invalid", At: f.key, Message: f.key + ": expected " + decimal(f.least) + " or more, got " + decimal(*f.to)}
		}
	}
	if c.Has(keyHighWater) {
		cfg.max = min(cfg.max, c.Int(keyHighWater))
	}
	if cfg.min > cfg.max {
		return nil, refuse(keyMin + " is " + decimal(cfg.min) + ", which is more than " + keyMax + ", " + decimal(cfg.max))
	}
	for _, f := range []struct {
		key string
		def time.Duration
		to  *time.Duration
	}{{keyPeriod, 100 * time.Millisecond, &cfg.period}, {keyUpDelay, 0, &cfg.upDelay}, {keyDownDelay, 0, &cfg.downDelay}, {keyReachedDelay, 0, &cfg.reachedWait}} {
		var err error
		if *f.to, err = c.Duration(f.key, f.def); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

func (cfg *scalerConfig) clamp(size int64) int64 { return min(max(size, cfg.min), cfg.max) }

// load is what is known of a pool when its size is judged.
type load struct {
	size      int64
	metric    float64
	low, high float64 // NaN when absent
	desired   int64   // what the pool itself asks for; 0 leaves that to the metric
	only      string  // "hot" or "cold": the pool said which
}

// valid tells whether a bound can be divided by.
func valid(bound float64) bool { return bound > 0 && !math.IsInf(bound, 0) }

// judge gives the size that a load asks for, and the one it would ask for
// without bounds; act is false when that is no change.
//
// A pool grows to the least size at which the metric is not above its upper
// bound, and shrinks to the greatest at which it is not below the lower one,
// but not so far that it would have to grow at once.
func (cfg *scalerConfig) judge(l *load) (size, unbounded int64, act bool) {
	total := l.metric * float64(l.size)
	switch {
	case l.only != "cold" && (l.desired > l.size || valid(l.high) && l.metric > l.high):
		unbounded = l.desired
		if unbounded <= l.size {
			unbounded = rounded(math.Ceil(total / l.high))
		}
		if size = cfg.clamp(unbounded); size <= l.size {
			return l.size, unbounded, false
		}
		size = cfg.clamp(l.size + stepped(size-l.size, cfg.upIncrement, cfg.upMost))
		return size, unbounded, size > l.size
	case l.only != "hot" && valid(l.low) && l.metric < l.low:
		unbounded = rounded(math.Floor(total / l.low))
		if size = cfg.clamp(unbounded); size >= l.size {
			return l.size, unbounded, false
		}
		size = l.size - stepped(l.size-size, cfg.downIncrement, cfg.downMost)
		for !math.IsNaN(l.high) && size < l.size && total > l.high*float64(size) {
			size += cfg.downIncrement
		}
		size = cfg.clamp(size)
		return size, unbounded, size < l.size
	}
	return l.size, l.size, false
}

// stepped brings a change of size to a multiple of the increment, or to the
// most that is allowed at once.
func stepped(delta, increment, most int64) int64 {
	if delta > most {
		return most
	}
	if rest := delta % increment; rest != 0 {
		delta += increment - rest
	}
	return delta
}

func rounded(f float64) int64 { return int64(min(f, math.MaxInt32)) }
