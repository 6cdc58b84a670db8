package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// outputOf gives what the step with an id answered; of a repeated step the
// last counts.
func outputOf(c *gowanus.EffectorCall, id string) gowanus.Values {
	for _, o := range slices.Backward(c.Outputs) {
		if o.ID == id {
			m, _ := o.Output.(map[string]any)
			return m
		}
	}
	return nil
}

// published gives the sensors of a container that runs.
func published(c *gowanus.EffectorCall) map[string]any {
	r := &reader{config: c.Entity.Config}
	host, image, container := outputOf(c, "host"), outputOf(c, "image"), outputOf(c, "container")
	bindings, mapped := r.bindings(), container.Map("ports")
	open := r.ports(keyOpenPorts)
	for _, p := range slices.Sorted(maps.Values(bindings)) {
		if !slices.Contains(open, p) {
			open = append(open, p)
		}
	}
	sensors := map[string]any{
		sensorID:             container["id"],
		sensorName:           container["name"],
		sensorRunning:        true,
		sensorAddresses:      container["addresses"],
		sensorImageName:      r.image(imageType(c)),
		sensorImageID:        image["id"],
		sensorOpenPorts:      open,
		sensorPortBindings:   document(bindings),
		sensorPorts:          mapped,
		sensorEnv:            r.environment(),
		sensorHostName:       host["host"],
		sensorHostAddress:    host["address"],
		sensorHostname:       container["hostname"],
		sensorSubnetHostname: container["hostname"],
		sensorSubnetAddress:  container["subnetAddress"],
	}
	for _, p := range open {
		sensors[sensorPort+strconv.Itoa(p)] = p
	}
	for p := range mapped {
		at := mapped.Map(p)
		if n, ok := whole(p); ok {
			sensors[sensorPort+p] = n
		}
		sensors[sensorMapped+p] = at.String("hostAddress") + ":" + strconv.FormatInt(at.Int("hostPort"), 10)
	}
	return sensors
}

// cleared takes away all sensors that published may have set.
func cleared(c *gowanus.EffectorCall) map[string]any {
	sensors := map[string]any{}
	for name := range c.Entity.Sensors {
		if slices.ContainsFunc([]string{"docker.container.", "docker.image.", sensorPort, sensorMapped}, func(prefix string) bool {
			return strings.HasPrefix(name, prefix)
		}) {
			sensors[name] = nil
		}
	}
	for _, name := range []string{sensorHostName, sensorHostAddress, sensorHostname, sensorSubnetHostname, sensorSubnetAddress} {
		if c.Entity.Sensors.Has(name) {
			sensors[name] = nil
		}
	}
	return sensors
}

// document makes a JSON object of ports.
func document(bindings map[int]int) map[string]any {
	m := make(map[string]any, len(bindings))
	for host, container := range bindings {
		m[strconv.Itoa(host)] = container
	}
	return m
}
