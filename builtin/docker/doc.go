// Package docker runs entities as containers on Docker engines.
//
// It is the provider of the location kind "docker" and of the workflow steps
// pull-image, create-container, start-container, stop-container,
// remove-container and container. Nothing it does passes a shell of the host.
//
// # Definitions
//
// The config of a definition describes one engine, or a list of them:
//
//	{}                                          the engine of DOCKER_HOST, else of /var/run/docker.sock
//	{"host": "unix:///var/run/docker.sock"}     one engine
//	{"hosts": [{"name": "lh1",                  several
//	            "host": "tcp://10.77.0.11:2376",
//	            "address": "10.77.0.11",
//	            "tls": {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"},
//	            "labels": {"zone": "a"}}],
//	 "tls": {"ca": …, "cert": …, "key": …}}     for all tcp hosts that have none of their own
//
// A host has these keys; the form with one engine takes them at the top:
//
//	host (or url)  unix://PATH or tcp://HOST:PORT
//	name           the host's id within the location; default: the engine's own name
//	address        where other machines reach its published ports; default: the HOST of a tcp url, else 127.0.0.1
//	tls            paths of PEM files: ca (who signed the engine's certificate), cert and key (ours)
//	labels         for placement; they are added to the engine's own
//	latitude, longitude  where it stands, in degrees; the same as labels of these names
//
// The last three may also stand beside "hosts", for all of them. The keys
// strategies, docker.container.strategies, docker.container.cluster.maxSize,
// .maxCpu and .maxMemory, and affinity.rules belong to placement and are left
// alone here. A label without a value is "true". With
// DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH mean what they mean to
// the docker command.
//
// # Usage
//
// How busy a host is, is what all its containers use, ours and others: the API
// tells nothing of processes beside them. It is asked for only when a strategy
// reads it, and then at most Config.Fresh old.
//
// # Names and repetition
//
// Containers and networks carry labels with the plane, the application and
// the entity. A container also carries the hash of the request that made it:
// creating it again adopts it when the hash is the same and replaces it when
// it is not; a name that belongs to something else is a conflict. All steps
// may be repeated.
//
// The containers of an application share one bridge network per host. It is
// made with the first of them and removed by Clean.
//
// # Containers of steps
//
// The step container runs one container to its end: on the entity's host and
// in its application's network, or on a host of the location that it names. It
// takes the keys of builtin/command and
//
//	image       required
//	command     a text for /bin/sh -c, or the list that replaces the image's entrypoint
//	args        list of arguments for it, or for the image's entrypoint
//	pull_image  if-not-present (the default), always or never
//	location    a docker location, by name
//
// Its container is named after the workflow and the step, so that a repeated
// step finds it, and is not the container of any entity. It is removed in the
// end; by Clean, if the server was killed and the step is not repeated.
package docker
