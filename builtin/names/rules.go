package names

// rule tells where the types of a package, and of those inside it, were
// before. Packages end with a dot.
type rule struct {
	pkg string
	old []string
}

const (
	brooklyn = "brooklyn."
	apache   = "org.apache.brooklyn."
	clocker  = "clocker."
)

// rules has the inner packages before the outer ones: the first that fits
// counts.
var rules = []rule{
	// Entities of Brooklyn.
	{apache + "entity.stock.", []string{brooklyn + "entity.basic.", apache + "entity.basic."}},
	{apache + "entity.software.base.", []string{brooklyn + "entity.basic.", apache + "entity.basic."}},
	{apache + "entity.group.", []string{brooklyn + "entity.group.", brooklyn + "entity.basic.", apache + "entity.basic."}},
	{apache + "entity.machine.pool.", []string{brooklyn + "entity.pool.", apache + "entity.pool."}},
	{apache + "entity.machine.", []string{brooklyn + "entity.machine.", brooklyn + "entity.software."}},
	{apache + "entity.system_service.", []string{brooklyn + "entity.service.", apache + "entity.service."}},
	{apache + "entity.cm.", []string{brooklyn + "entity.", apache + "entity."}},
	{apache + "entity.", []string{brooklyn + "entity."}},
	{apache + "core.entity.lifecycle.", []string{brooklyn + "entity.basic.", apache + "entity.lifecycle."}},
	{apache + "core.entity.", []string{brooklyn + "entity.basic.", apache + "entity.core."}},

	// Effectors and sensors that blueprints add, and what derives sensors.
	{apache + "core.effector.ssh.", []string{brooklyn + "entity.software.ssh.", apache + "sensor.ssh.", apache + "effector.ssh."}},
	{apache + "core.effector.http.", []string{brooklyn + "entity.software.http.", apache + "sensor.http.", apache + "effector.http."}},
	{apache + "core.effector.", []string{brooklyn + "entity.effector.", apache + "effector.core.", apache + "effector."}},
	{apache + "core.sensor.ssh.", []string{brooklyn + "entity.software.ssh.", apache + "sensor.ssh."}},
	{apache + "core.sensor.http.", []string{brooklyn + "entity.software.http.", apache + "sensor.http."}},
	{apache + "core.sensor.windows.", []string{brooklyn + "entity.software.winrm.", apache + "sensor.windows."}},
	{apache + "core.sensor.", []string{brooklyn + "entity.software.", apache + "sensor.core.", apache + "sensor."}},
	{apache + "core.network.", []string{brooklyn + "location.access.", apache + "location.access."}},
	{apache + "enricher.stock.", []string{brooklyn + "enricher.basic.", brooklyn + "enricher."}},

	{apache + "policy.", []string{brooklyn + "policy."}},
	{apache + "test.framework.", []string{brooklyn + "test.framework."}},
	{apache + "location.jclouds.", []string{brooklyn + "location.jclouds."}},
	{apache + "location.", []string{brooklyn + "location.basic."}},

	// Clocker.
	{clocker + "docker.entity.container.application.", []string{brooklyn + "entity.container.docker.application."}},
	{clocker + "docker.entity.container.registry.", []string{brooklyn + "entity.container.docker.registry."}},
	{clocker + "docker.entity.container.", []string{brooklyn + "entity.container.docker."}},
	{clocker + "docker.entity.microservice.", []string{brooklyn + "clocker.example."}},
	{clocker + "docker.entity.", []string{brooklyn + "entity.container.docker."}},
	{clocker + "docker.location.strategy.basic.", []string{brooklyn + "location.docker.strategy.", clocker + "docker.location.strategy."}},
	{clocker + "docker.location.strategy.host.", []string{brooklyn + "location.docker.strategy.", clocker + "docker.location.strategy."}},
	{clocker + "docker.location.strategy.affinity.", []string{brooklyn + "location.docker.strategy.affinity.", brooklyn + "location.affinity."}},
	{clocker + "docker.networking.entity.sdn.", []string{brooklyn + "networking.sdn.", brooklyn + "entity.container.sdn."}},
	{clocker + "docker.networking.entity.", []string{brooklyn + "networking."}},
	{clocker + "docker.policy.", []string{brooklyn + "entity.container.policy."}},
	{clocker + "mesos.networking.entity.sdn.calico.", []string{brooklyn + "networking.sdn.mesos."}},
	{clocker + "mesos.entity.", []string{brooklyn + "entity.mesos."}},
}

// renamed has the former names of types that changed more than their package.
var renamed = map[string][]string{
	apache + "core.effector.ssh.SshCommandEffector": {apache + "core.sensor.ssh.SshCommandEffector"},
	apache + "core.sensor.StaticSensor":             {brooklyn + "entity.effector.StaticSensor"},
	apache + "entity.group.DynamicCluster":          {"cluster"}, // its id in Brooklyn's own catalog
	apache + "entity.java.JmxAttributeSensor":       {brooklyn + "entity.software.java.JmxAttributeSensor"},

	apache + "entity.nosql.cassandra.CassandraDatacenter": {
		apache + "entity.nosql.cassandra.CassandraCluster", brooklyn + "entity.nosql.cassandra.CassandraCluster",
	},
	apache + "entity.webapp.tomcat.TomcatServer": {
		brooklyn + "entity.webapp.tomcat.Tomcat7Server", apache + "entity.webapp.tomcat.Tomcat7Server",
	},

	clocker + "docker.entity.DockerHost":                {brooklyn + "entity.container.docker.DockerNode"},
	clocker + "docker.entity.container.DockerContainer": {clocker + "docker.entity.DockerContainer"},
	clocker + "docker.entity.microservice.MicroserviceImage": {
		brooklyn + "clocker.example.MicroServiceImage",
	},
	clocker + "docker.entity.microservice.MicroserviceDockerfile": {
		brooklyn + "clocker.example.MicroServiceDockerfile",
	},
	clocker + "docker.location.strategy.basic.CpuUsagePlacementStrategy": {
		brooklyn + "location.docker.strategy.DockerCpuUsagePlacementStrategy",
	},
	clocker + "docker.networking.entity.VirtualNetwork": {
		brooklyn + "networking.ManagedNetwork", brooklyn + "networking.sdn.VirtualNetwork",
	},
	clocker + "docker.networking.entity.sdn.calico.CalicoNode": {brooklyn + "networking.sdn.calico.CalicoPlugin"},
	clocker + "docker.networking.entity.sdn.ibm.SdnVeNetwork":  {brooklyn + "entity.container.sdn.dove.DoveNetwork"},
	clocker + "docker.networking.entity.sdn.ibm.SdnVeAgent":    {brooklyn + "entity.container.sdn.dove.DoveAgent"},
	clocker + "docker.networking.entity.sdn.weave.WeaveRouter": {
		clocker + "docker.networking.entity.sdn.weave.WeaveContainer",
		brooklyn + "networking.sdn.weave.WeaveContainer", brooklyn + "entity.container.sdn.weave.WeaveContainer",
	},
}
