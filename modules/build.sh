#!/bin/sh
# Compiles each module of this folder into built/NAME.wasm and writes what it
# says of itself to built/NAME.json. The same sources give the same files.
set -eu
cd "$(dirname "$0")"
export GOWORK=off GOFLAGS=-buildvcs=false
mkdir -p built
for mod in */go.mod; do
	name=${mod%/go.mod}
	(
		cd "$name"
		GOOS=wasip1 GOARCH=wasm go build -trimpath -ldflags '-s -w' -buildmode=c-shared -o "../built/.$name.wasm" .
		GOOS= GOARCH= go run -trimpath . >"../built/.$name.json"
	)
	mv "built/.$name.json" "built/$name.json"
	mv "built/.$name.wasm" "built/$name.wasm"
done
# The library for modules in Go, for the projects that the server's program
# begins. Its folder is hidden from the go command, which would take it for
# packages of this module.
rm -rf built/_library
for package in gowanus gowanustest; do
	mkdir -p "built/_library/go/$package"
	for file in "../sdk/go/$package"/*.go; do
		case $file in
		*_test.go) ;;
		*) cp "$file" "built/_library/go/$package/" ;;
		esac
	done
done
cp ../LICENSE built/_library/go/
# What has no source any more must not be shipped.
for file in built/*.wasm built/*.json; do
	name=$(basename "${file%.*}")
	[ -f "$name/go.mod" ] || rm -f "$file"
done
