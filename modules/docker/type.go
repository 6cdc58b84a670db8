package main

import "github.com/gowanus-project/gowanus/sdk/go/gowanus"

// prefix begins the type names that say which image to run: "docker:redis:3".
const prefix = "docker:"

// The config keys. Their flags are in application.
const (
	keyImageID      = "docker.image.id"
	keyImageName    = "docker.image.name"
	keyImageTag     = "docker.image.tag"
	keyName         = "docker.container.name"
	keyOpenPorts    = "docker.container.openPorts"
	keyDirectPorts  = "docker.container.directPorts"
	keyPortBindings = "docker.container.portBindings"
	keyLinks        = "docker.container.links"
	keyEnv          = "docker.container.environment"
	keyVolumes      = "docker.container.volumes.export"
	keyMappings     = "docker.host.volumes"
	keyCommands     = "docker.image.commands"
	keyEntrypoint   = "docker.image.entrypoint"
	keyPrivileged   = "docker.container.privileged"
	keyMemory       = "docker.memory"
	keyCPUShares    = "docker.cpuShares"
	keyStrategies   = "docker.container.strategies"
	keyStartTimeout = "start.timeout"
	keyStopTimeout  = "stop.timeout"
)

// The sensors. For each container port N there are two more: sensorPort + N is
// the port, sensorMapped + N the address:port that reaches it from outside.
const (
	sensorPort           = "docker.port."
	sensorMapped         = "mapped.docker.port."
	sensorUp             = "service.isUp"
	sensorID             = "docker.container.id"
	sensorName           = "docker.container.name"
	sensorRunning        = "docker.container.running"
	sensorAddresses      = "docker.container.addresses"
	sensorImageID        = "docker.image.id"
	sensorImageName      = "docker.image.name"
	sensorOpenPorts      = "docker.container.openPorts"
	sensorPortBindings   = "docker.container.portBindings"
	sensorPorts          = "docker.container.ports"
	sensorEnv            = "docker.container.environment"
	sensorHostName       = "host.name"
	sensorHostAddress    = "host.address"
	sensorHostname       = "host.hostname"
	sensorSubnetHostname = "host.subnet.hostname"
	sensorSubnetAddress  = "host.subnet.address"
)

// application is the type of an entity that is one container.
func application() gowanus.Type {
	return gowanus.Type{
		Name: "clocker.docker.entity.container.application.VanillaDockerApplication", Kind: gowanus.KindEntity, Prefix: prefix,
		Aliases: []string{
			"brooklyn.entity.container.docker.application.VanillaDockerApplication",
			"VanillaDockerApplication", "docker-container",
		},
		Description: "a container; the type docker:IMAGE[:TAG] names its image",
		Config:      configKeys(), Sensors: sensors(), Effectors: effectors(),
		Effector: start, Continue: goOn,
	}
}

func effectors() []gowanus.Effector {
	return []gowanus.Effector{
		{
			Name: "start", Description: "wait for the linked entities, then create and start the container",
			Parameters: []gowanus.Parameter{{Name: "locations", Type: "any", Description: "where to start; the blueprint's when absent"}},
		},
		{Name: "stop", Description: "stop and remove the container, and give its place back"},
		{Name: "restart", Description: "replace the container by a new one of the same image, on the same host"},
	}
}

func configKeys() []gowanus.ConfigKey {
	key := func(name, flag, typ, what string) gowanus.ConfigKey {
		return gowanus.ConfigKey{Name: name, Flags: []string{flag}, Type: typ, Description: what}
	}
	// own keys describe one container and not those below it.
	own := func(name, flag, typ, what string) gowanus.ConfigKey {
		k := key(name, flag, typ, what)
		k.Inherit = "never"
		return k
	}
	privileged := key(keyPrivileged, "privileged", "boolean", "whether the container may do what root of the host may")
	privileged.Default = false
	startTimeout := key(keyStartTimeout, "startTimeout", "duration", "how long the container may take to start")
	startTimeout.Default = "5m"
	stopTimeout := key(keyStopTimeout, "stopTimeout", "duration", "how long the container is given to end by itself")
	stopTimeout.Default = "10s"
	return []gowanus.ConfigKey{
		own(keyImageName, "imageName", "string", "the image, when the type does not name it: redis, reg.local:5000/x"),
		own(keyImageTag, "imageTag", "string", "the image's tag; latest when nothing names one"),
		own(keyImageID, "imageId", "string", "id of an image that the host has, instead of a name"),
		own(keyName, "containerName", "string", "the container's name; by default from plan id and entity id"),
		own(keyOpenPorts, "openPorts", "list", "container ports to publish on host ports that the engine picks"),
		own(keyDirectPorts, "directPorts", "list", "ports to publish on the same port of the host; ignored with portBindings"),
		own(keyPortBindings, "portBindings", "map", "host port to container port"),
		own(keyLinks, "links", "any", "entities that this one talks to: a list, or a map from alias to entity"),
		key(keyEnv, "env", "map", "environment variables"),
		key(keyVolumes, "volumes", "list", "host folders to mount, at the same path or as HOST:CONTAINER[:ro]"),
		key(keyMappings, "volumeMappings", "map", "host folder to container folder"),
		own(keyCommands, "commands", "list", "what to run instead of the image's command"),
		own(keyEntrypoint, "entrypoint", "list", "what to run instead of the image's entry point"),
		privileged,
		key(keyMemory, "memory", "bytes", "memory limit"),
		key(keyCPUShares, "cpuShares", "integer", "weight among the containers of the host; 1024 is average"),
		key(keyStrategies, "strategies", "any", "placement strategies, after those of the location"),
		startTimeout, stopTimeout,
	}
}

func sensors() []gowanus.Sensor {
	return []gowanus.Sensor{
		{Name: sensorID, Type: "string", Description: "id of the container"},
		{Name: sensorName, Type: "string", Description: "name of the container"},
		{Name: sensorRunning, Type: "boolean", Description: "whether the container runs"},
		{Name: sensorAddresses, Type: "list", Description: "the container's addresses on all of its networks"},
		{Name: sensorImageName, Type: "string", Description: "the image that was asked for"},
		{Name: sensorImageID, Type: "string", Description: "id of the image that the host ran"},
		{Name: sensorOpenPorts, Type: "list", Description: "container ports that can be reached"},
		{Name: sensorPortBindings, Type: "map", Description: "host port to container port, as the blueprint wants it"},
		{Name: sensorPorts, Type: "map", Description: "container port to {hostPort, hostAddress}"},
		{Name: sensorEnv, Type: "map", Description: "environment variables, without those of links"},
		{Name: sensorHostName, Type: "string", Description: "name of the Docker host"},
		{Name: sensorHostAddress, Type: "string", Description: "address of the Docker host"},
		{Name: sensorHostname, Type: "string", Description: "host name of the container"},
		{Name: sensorSubnetHostname, Type: "string", Description: "host name of the container on the application's network"},
		{Name: sensorSubnetAddress, Type: "string", Description: "address of the container on the application's network"},
	}
}
