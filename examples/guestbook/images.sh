#!/usr/bin/env bash
# Makes the images of docker.yaml from the three programs: an image is one
# file, so it needs neither a base image nor a registry.
set -euo pipefail
cd "$(dirname "$0")"
for service in store counter web; do
	dir=$(mktemp -d)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/$service" "./$service"
	tar -C "$dir" -c "$service" | docker import --change "ENTRYPOINT [\"/$service\"]" - "gowanus/guestbook-$service:1.0" >/dev/null
	rm -r "$dir"
done
