package main

import (
	"math"
	"strconv"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyCount      = "docker.container.cluster.headroom.count"
	keyPercent    = "docker.container.cluster.headroom.percent"
	keyCapacity   = "docker.container.cluster.maxSize"
	keyColdToo    = "docker.container.cluster.headroom.cold.enabled"
	keyContainers = "headroom.containersSensor"
	keyHosts      = "headroom.hostsSensor"
	keyMinHosts   = "headroom.minHosts"
	keyMaxHosts   = "headroom.maxHosts"

	sensorNeeded      = "docker.container.cluster.needed"
	sensorUtilisation = "docker.container.cluster.utilisation"
	sensorHot         = "docker.container.cluster.hot"
	sensorCold        = "docker.container.cluster.cold"
	sensorOK          = "docker.container.cluster.ok"

	defaultCapacity = 8
)

func headroom() gowanus.Type {
	return gowanus.Type{
		Name: "clocker.docker.policy.ContainerHeadroomEnricher", Kind: gowanus.KindEnricher,
		Aliases: []string{
			"brooklyn.entity.container.policy.ContainerHeadroomEnricher", "brooklyn.entity.container.docker.policy.ContainerHeadroomEnricher", "container-headroom",
		},
		Description: "tells when there is too little room for containers, or too much",
		Config: []gowanus.ConfigKey{
			{Name: keyCount, Flags: []string{"headroom"}, Type: "integer", Description: "for how many containers there is to be room; either this or the share"},
			{Name: keyPercent, Flags: []string{"headroomPercent"}, Type: "double", Description: "the share of all places that is to be free, above 0 and below 1"},
			{Name: keyCapacity, Flags: []string{"maxContainers"}, Type: "integer", Default: defaultCapacity, Description: "containers that a host takes"},
			{Name: keyColdToo, Flags: []string{"coldEnabled"}, Type: "boolean", Default: false, Description: "whether it tells of too much room"},
			{Name: keyContainers, Type: "string", Default: "docker.containers.total", Description: "the sensor with the number of containers"},
			{Name: keyHosts, Type: "string", Default: "docker.hosts.total", Description: "the sensor with the number of hosts"},
			{Name: keyMinHosts, Type: "integer", Default: 1, Description: "the least number of hosts that is asked for"},
			{Name: keyMaxHosts, Type: "integer", Description: "the greatest"},
		},
		Sensors: []gowanus.Sensor{
			{Name: sensorNeeded, Type: "integer", Description: "places that are missing; negative when there are more than needed"},
			{Name: sensorUtilisation, Type: "double", Description: "the share of all places that is taken"},
			{Name: sensorHot, Type: "map", Description: "there is too little room: what an AutoScalerPolicy takes as its pool hot sensor"},
			{Name: sensorCold, Type: "map", Description: "there is too much room"},
			{Name: sensorOK, Type: "map", Description: "there is enough room again"},
		},
		Events:        []gowanus.EventSpec{{SensorFrom: keyContainers}, {SensorFrom: keyHosts}},
		EnricherEvent: room,
	}
}

// heat is what the enricher remembers: what it told last.
type heat struct {
	Told string `json:"told,omitempty"` // "hot", "cold"; "" when there was enough room
}

// room computes anew how much room there is.
func room(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	count, percent := c.Config.Int(keyCount), c.Config.Float(keyPercent)
	switch {
	case c.Config.Has(keyCount) == c.Config.Has(keyPercent):
		return gowanus.Decision{}, refuse("expected either " + keyCount + " or " + keyPercent)
	case c.Config.Has(keyCount) && count <= 0:
		return gowanus.Decision{}, refuse(keyCount + ": expected a number above 0, got " + decimal(count))
	case c.Config.Has(keyPercent) && (percent <= 0 || percent >= 1):
		return gowanus.Decision{}, refuse(keyPercent + ": expected a share above 0 and below 1, got " + strconv.FormatFloat(percent, 'g', -1, 64))
	}
	capacity := int64(defaultCapacity)
	if c.Config.Has(keyCapacity) {
		capacity = c.Config.Int(keyCapacity)
	}
	if capacity < 1 {
		return gowanus.Decision{}, refuse(keyCapacity + ": expected a number above 0, got " + decimal(capacity))
	}
	containers, known := number(c.Sensor(sensorOf(c.Config, keyContainers, "docker.containers.total")))
	hosts, alsoKnown := number(c.Sensor(sensorOf(c.Config, keyHosts, "docker.hosts.total")))
	if !known || !alsoKnown || hosts <= 0 {
		return gowanus.Decision{State: c.State}, nil
	}
	var h heat
	if err := c.Recall(&h); err != nil {
		return gowanus.Decision{}, err
	}
	p := &pool{capacity: float64(capacity), containers: containers, hosts: hosts, count: float64(count), percent: percent}
	d := gowanus.Decision{Sensors: map[string]any{sensorNeeded: p.needed(hosts), sensorUtilisation: containers / p.places(hosts)}}
	switch told := p.told(c.Config.Bool(keyColdToo)); {
	case told == "hot":
		d.Sensors[sensorHot] = p.document(c.Config)
		h.Told = told
	case told == "cold":
		d.Sensors[sensorCold] = p.document(c.Config)
		h.Told = told
	case h.Told != "":
		d.Sensors[sensorOK] = p.document(c.Config)
		h.Told = ""
	}
	d.State = gowanus.State(h)
	return d, nil
}

// sensorOf gives the sensor that a config key names.
func sensorOf(config gowanus.Values, key, def string) string {
	if name := config.String(key); name != "" {
		return name
	}
	return def
}

// pool is hosts and what they hold.
type pool struct {
	capacity, containers, hosts, count, percent float64
}

func (p *pool) places(hosts float64) float64 { return p.capacity * hosts }

// headroom gives how many places are to be free on so many hosts.
func (p *pool) headroom(hosts float64) float64 {
	if p.count > 0 {
		return p.count
	}
	return math.Ceil(p.percent * p.places(hosts))
}

// needed gives how many places are missing on so many hosts.
func (p *pool) needed(hosts float64) float64 {
	return p.headroom(hosts) - (p.places(hosts) - p.containers)
}

// told says what is to be told.
func (p *pool) told(cold bool) string {
	switch free := p.places(p.hosts) - p.containers; {
	case p.needed(p.hosts) > 0:
		return "hot"
	case cold && free > p.headroom(p.hosts)+p.capacity:
		return "cold"
	}
	return ""
}

// document gives what an AutoScalerPolicy takes from pool sensors. With a high
// threshold of 0, when more is to be free than there is, the size cannot be
// computed of it and is told beside.
func (p *pool) document(config gowanus.Values) map[string]any {
	places, free := p.places(p.hosts), p.headroom(p.hosts)
	out := map[string]any{
		poolSize: p.hosts, poolWorkrate: p.containers / places,
		poolLow: max(0, (places-(free+p.capacity))/places), poolHigh: max(0, (places-free)/places),
	}
	if out[poolHigh] == 0.0 {
		least, most := max(1, config.Float(keyMinHosts)), float64(math.MaxInt32)
		if config.Has(keyMaxHosts) {
			most = config.Float(keyMaxHosts)
		}
		out[poolDesired] = p.wanted(least, most)
	}
	return out
}

// wanted gives the least number of hosts that leaves enough room.
func (p *pool) wanted(least, most float64) float64 {
	h := least
	if p.count > 0 {
		h = math.Ceil((p.containers + p.count) / p.capacity)
	} else {
		h = max(h, math.Floor(p.containers/(p.capacity*(1-p.percent))))
		for h < most && p.needed(h) > 0 {
			h++
		}
	}
	return min(max(h, least), most)
}
