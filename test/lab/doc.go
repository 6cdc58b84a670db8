// Package lab brings up real Docker hosts for tests: daemons in network
// namespaces of their own, reached over TLS, and the images they run.
//
// Everything but this comment is behind the build tag lab. A test package
// that uses it has
//
//	func TestMain(m *testing.M) { lab.Main(m) }
//
// and calls lab.Up in its tests. "make lab" runs all of them. It needs root,
// iproute2 and util-linux; docker.io, and openssh-server for SSHD, are installed
// with apt-get when they are missing, without starting their services.
//
// # Layout
//
//	root namespace           10.77.SLOT.1    veth gwlabSLOT
//	switch namespace         a bridge
//	host namespaces lh1…     10.77.SLOT.11…  dockerd on tcp 2376 and on Host.Socket
//
// Namespaces exist only as open files of the test process, and each host has
// a mount namespace too, so that nothing is left of networks and mounts when
// the process ends in whatever way. Daemons end with it as well. What a
// killed test process leaves behind, the scratch folder and empty cgroups, is
// removed by the next lab in its slot. Slots keep labs apart that run at the
// same time.
//
// # Images
//
// They are built from the sources in images and from Debian's redis, without
// a registry: sleeper, shell, redis:3, clockercentral/dnmonster:1.0 and
// clockercentral/identidock:1.3. Downloads are kept in .lab/cache at the root
// of the repository.
//
// # Environment
//
//	GOWANUS_LAB_HOSTS  number of hosts, default 3
//	GOWANUS_LAB_KEEP   folder that takes the daemons' logs after a failure
package lab
