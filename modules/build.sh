#!/bin/sh
# Compiles each module of this folder into built/NAME.wasm and writes what it
# says of itself to built/NAME.json, its digest to built/NAME.sha256. The same sources give the same files.
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
	{ sha256sum "built/.$name.wasm" || shasum -a 256 "built/.$name.wasm"; } 2>/dev/null | cut -c1-64 >"built/.$name.sha256"
	mv "built/.$name.json" "built/$name.json"
	mv "built/.$name.sha256" "built/$name.sha256"
	mv "built/.$name.wasm" "built/$name.wasm"
done
# The libraries for modules, for the projects that the server's program begins.
# Their folder is hidden from the go command, which would take it for
# packages of this module.
rm -rf built/_library
for package in gowanus gowanus/internal/wire gowanustest; do
	mkdir -p "built/_library/go/$package"
	for file in "../sdk/go/$package"/*.go; do
		case $file in
		*_test.go) ;;
		*) cp "$file" "built/_library/go/$package/" ;;
		esac
	done
done
mkdir -p built/_library/c built/_library/rust built/_library/assemblyscript
cp ../sdk/c/src/*.[ch] built/_library/c/
cp -r ../sdk/rust/Cargo.toml ../sdk/rust/src built/_library/rust/
cp -r ../sdk/assemblyscript/package.json ../sdk/assemblyscript/index.ts ../sdk/assemblyscript/assembly built/_library/assemblyscript/
for language in go c rust assemblyscript; do
	cp ../LICENSE "built/_library/$language/"
done
# What has no source any more must not be shipped.
for file in built/*.wasm built/*.json built/*.sha256; do
	name=$(basename "${file%.*}")
	[ -f "$name/go.mod" ] || rm -f "$file"
done
