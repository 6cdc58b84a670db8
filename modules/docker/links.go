package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// link is an entity that the container talks to, under a name of its own.
type link struct {
	alias  string // "" when it follows from the target's container name
	target gowanus.Ref
}

// links reads the config in its two forms: a map from alias to entity, or a
// list of entities, whose aliases are their plan ids.
func (r *reader) links(self *gowanus.Entity) []link {
	var all []link
	add := func(key, alias string, value any) {
		target, ok := gowanus.EntityRef(value)
		switch {
		case !ok:
			r.fail(key, value, `an entity such as $brooklyn:component("redis")`)
		case target.ID == self.ID:
			r.fail(key, target.Name, "another entity; it would wait for itself")
		case alias != "" && !isAlias(alias):
			r.fail(key, alias, "an alias that can be a host name")
		case alias != "" && slices.ContainsFunc(all, func(l link) bool { return l.alias == alias }):
			r.fail(key, alias, "an alias that no other link has")
		}
		all = append(all, link{alias: alias, target: target})
	}
	if given, ok := r.config[keyLinks].(map[string]any); ok && given["$entity"] == nil {
		for _, alias := range slices.Sorted(maps.Keys(given)) {
			add(keyLinks+"."+alias, alias, given[alias])
		}
		return all
	}
	items, ok := r.config[keyLinks].([]any)
	if !ok && r.config[keyLinks] != nil {
		items = []any{r.config[keyLinks]}
	}
	for i, item := range items {
		target, _ := gowanus.EntityRef(item)
		add(element(keyLinks, i), target.PlanID, item)
	}
	return all
}

// portSensors are read from targets that are no container: the ports of the
// services that Brooklyn's own types publish.
var portSensors = [...]string{
	"http.port", "https.port", "redis.port", "mysql.port", "postgresql.port", "mongodb.server.port",
	"cassandra.thriftPort", "solr.port", "riak.webPort", "kafka.port", "zookeeper.port", "rabbitmq.port",
}

// waitSteps wait until each target is up, and read what links need of it.
func waitSteps(links []link) []gowanus.Step {
	read := []any{sensorHostAddress, sensorSubnetAddress, sensorName, sensorOpenPorts, sensorPorts, sensorEnv}
	for _, name := range portSensors {
		read = append(read, name)
	}
	steps := make([]gowanus.Step, len(links))
	for i, l := range links {
		steps[i] = gowanus.Step{ID: linkID(i), Step: "wait", Input: map[string]any{
			"entity": gowanus.EntityValue(l.target.ID), "sensor": sensorUp, "read": read,
		}}
	}
	return steps
}

func linkID(i int) string { return "link-" + strconv.Itoa(i) }

// linked is what links come to: the links of create-container and the
// environment variables that tell the container about them.
type linked struct {
	inputs []any
	env    map[string]any
}

// resolve makes the links once all targets are up and the host is known.
func resolve(c *gowanus.EffectorCall, links []link, container string) (linked, error) {
	host := outputOf(c, "host")
	out := linked{env: map[string]any{}}
	seen := map[string]bool{}
	for i, l := range links {
		t := target{Ref: l.target, sensors: outputOf(c, linkID(i)).Map("sensors")}
		alias := l.alias
		if alias == "" {
			alias = t.plainName()
		}
		if seen[alias] {
			return out, &gowanus.Error{Kind: "invalid", At: keyLinks,
				Message: keyLinks + ": two of the entities are known as " + strconv.Quote(alias) + "; use a map from alias to entity"}
		}
		seen[alias] = true
		here := t.sensors.String(sensorName) != "" && t.sensors.String(sensorHostAddress) == host.String("address") &&
			t.Application == c.Entity.Application && t.sensors.String(sensorSubnetAddress) != ""
		address, input := t.sensors.String(sensorHostAddress), map[string]any{"alias": alias}
		if here {
			address = t.sensors.String(sensorSubnetAddress)
			input["container"] = t.sensors.String(sensorName)
		}
		if address == "" {
			return out, &gowanus.Error{Kind: "precondition", Message: "link " + alias + ": " + t.Name + " is up but has no sensor " + sensorHostAddress}
		}
		input["address"] = address
		out.inputs = append(out.inputs, input)
		t.describe(out.env, alias, container, address, here)
	}
	return out, nil
}

// target is the other end of a link, with its sensors.
type target struct {
	gowanus.Ref
	sensors gowanus.Values
}

// plainName is the container's name without the entity's id.
func (t *target) plainName() string {
	name := strings.TrimSuffix(t.sensors.String(sensorName), "_"+clean(t.ID))
	if name == "" {
		name = clean(t.Name)
	}
	return name
}

// describe adds the variables that Docker's links are known for. Within the
// application's network ports are the container's own, elsewhere those that
// the host maps them to.
func (t *target) describe(env map[string]any, alias, from, address string, here bool) {
	caps := variable(alias)
	for name, value := range t.sensors.Map(sensorEnv) {
		env[caps+"_ENV_"+name] = value
	}
	env[caps+"_NAME"] = "/" + from + "/" + alias
	for i, port := range t.ports() {
		public := strconv.Itoa(port)
		if mapped := t.sensors.Map(sensorPorts).Map(public).Int("hostPort"); mapped > 0 && !here {
			public = strconv.FormatInt(mapped, 10)
		}
		url := "tcp://" + address + ":" + public
		if i == 0 {
			env[caps+"_PORT"] = url
		}
		name := caps + "_PORT_" + strconv.Itoa(port) + "_TCP"
		env[name], env[name+"_ADDR"], env[name+"_PORT"], env[name+"_PROTO"] = url, address, public, "tcp"
	}
}

// ports gives the target's ports in rising order: those that its container
// opens or has mapped, or those that its service listens on.
func (t *target) ports() []int {
	var ports []int
	add := func(v any) {
		if n, ok := whole(v); ok && n > 0 && n < 65536 && !slices.Contains(ports, int(n)) {
			ports = append(ports, int(n))
		}
	}
	for _, v := range t.sensors.List(sensorOpenPorts) {
		add(v)
	}
	for p := range t.sensors.Map(sensorPorts) {
		add(p)
	}
	if t.sensors.String(sensorName) == "" {
		for _, name := range portSensors {
			add(t.sensors[name])
		}
	}
	slices.Sort(ports)
	return ports
}

// variable makes the first part of variable names of an alias.
func variable(alias string) string {
	return strings.Map(func(c rune) rune {
		if c < 128 && (letter(byte(c))) {
			return c
		}
		return '_'
	}, strings.ToUpper(alias))
}
