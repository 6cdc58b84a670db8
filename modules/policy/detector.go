package main

import (
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyFailedDelay    = "entityFailed.stabilizationDelay"
	keyRecoveredDelay = "entityRecovered.stabilizationDelay"
	keyRepublish      = "entityFailed.republishTime"
	keyOnlyIfUp       = "entityFailed.onlyReportIfPreviouslyUp"

	sensorUp       = "service.isUp"
	sensorExpected = "service.state.expected"
)

func detector() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.ServiceFailureDetector", Kind: gowanus.KindPolicy,
		Aliases:     []string{"brooklyn.policy.ha.ServiceFailureDetector", "service-failure-detector"},
		Description: "tells when the entity fails that should run, and when it has recovered",
		Config: []gowanus.ConfigKey{
			{Name: keyFailedDelay, Flags: []string{"entityFailedStabilizationDelay"}, Type: "duration", Default: "0ms",
				Description: "how long the entity must be down before it counts as failed"},
			{Name: keyRecoveredDelay, Flags: []string{"entityRecoveredStabilizationDelay"}, Type: "duration", Default: "0ms",
				Description: "how long a failed entity must be up before it counts as recovered"},
			{Name: keyRepublish, Flags: []string{"entityFailedRepublishTime"}, Type: "duration",
				Description: "after which time a failure that lasts is told again; never when absent"},
			{Name: keyOnlyIfUp, Flags: []string{"onlyReportIfPreviouslyUp"}, Type: "boolean", Default: true,
				Description: "whether an entity that was never up cannot fail"},
		},
		Sensors: []gowanus.Sensor{
			{Name: sensorFailed, Type: "map", Description: "the failure that lasts: entity, description and time"},
			{Name: sensorRecovered, Type: "map", Description: "the last recovery: entity, description and time"},
		},
		Events:      []gowanus.EventSpec{{Sensor: sensorUp}, {Sensor: sensorExpected}},
		PolicyEvent: detect,
	}
}

// watch is what the detector remembers. Times are zero when the thing is not
// so.
type watch struct {
	WasUp     bool      `json:"wasUp,omitempty"`
	DownSince time.Time `json:"downSince,omitzero"` // down although it is expected to run
	UpSince   time.Time `json:"upSince,omitzero"`   // up after a failure was told
	Told      time.Time `json:"told,omitzero"`      // when the failure was told last
}

// delays are the detector's config.
type delays struct {
	failed, recovered, republish time.Duration
	onlyIfUp                     bool
}

func detect(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	var errs [3]error
	var cfg delays
	cfg.failed, errs[0] = c.Config.Duration(keyFailedDelay, 0)
	cfg.recovered, errs[1] = c.Config.Duration(keyRecoveredDelay, 0)
	cfg.republish, errs[2] = c.Config.Duration(keyRepublish, gowanus.Forever)
	for _, err := range errs {
		if err != nil {
			return gowanus.Decision{}, err
		}
	}
	never, set := c.Config[keyOnlyIfUp].(bool)
	cfg.onlyIfUp = never || !set
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	var w watch
	if err := c.Recall(&w); err != nil {
		return gowanus.Decision{}, err
	}
	d := w.step(c, &cfg, now)
	d.State = gowanus.State(w)
	return d, nil
}

// step goes on from what is remembered to what is so now.
func (w *watch) step(c *gowanus.PolicyCall, cfg *delays, now time.Time) gowanus.Decision {
	switch {
	case c.Sensor(sensorUp) == true:
		w.WasUp, w.DownSince = true, time.Time{}
		return w.up(c, cfg, now)
	case running(c.Sensor(sensorExpected)) && (w.WasUp || !cfg.onlyIfUp):
		w.UpSince = time.Time{}
		return w.down(c, cfg, now)
	}
	// It starts or stops: neither a failure nor a recovery begins here.
	w.DownSince, w.UpSince = time.Time{}, time.Time{}
	return gowanus.Decision{}
}

func (w *watch) down(c *gowanus.PolicyCall, cfg *delays, now time.Time) gowanus.Decision {
	if w.DownSince.IsZero() {
		w.DownSince = now
	}
	due := w.DownSince.Add(cfg.failed)
	if again := !w.Told.Before(w.DownSince); again { // told since it went down
		if cfg.republish <= 0 || cfg.republish == gowanus.Forever {
			return gowanus.Decision{}
		}
		due = w.Told.Add(cfg.republish)
	}
	if now.Before(due) {
		return gowanus.Decision{WakeAfter: due.Sub(now).String()}
	}
	w.Told = now
	d := gowanus.Decision{Sensors: map[string]any{
		sensorFailed: report(c, "down since "+w.DownSince.Format(time.RFC3339)+" although it is expected to run"),
	}}
	if cfg.republish > 0 && cfg.republish < gowanus.Forever {
		d.WakeAfter = cfg.republish.String()
	}
	return d
}

func (w *watch) up(c *gowanus.PolicyCall, cfg *delays, now time.Time) gowanus.Decision {
	if w.Told.IsZero() {
		return gowanus.Decision{}
	}
	if w.UpSince.IsZero() {
		w.UpSince = now
	}
	if due := w.UpSince.Add(cfg.recovered); now.Before(due) {
		return gowanus.Decision{WakeAfter: due.Sub(now).String()}
	}
	what := "up since " + w.UpSince.Format(time.RFC3339)
	w.UpSince, w.Told = time.Time{}, time.Time{}
	return gowanus.Decision{Sensors: map[string]any{sensorFailed: nil, sensorRecovered: report(c, what)}}
}

// running reads an expected state, which may have the time of the change
// behind it: "running @ 1479643200000".
func running(expected any) bool {
	s, _ := expected.(string)
	state, _, _ := strings.Cut(s, "@")
	return strings.EqualFold(strings.TrimSpace(state), "running")
}
