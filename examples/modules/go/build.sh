#!/bin/sh
# Builds the example module into build/.
set -eu
cd "$(dirname "$0")"
mkdir -p build
GOWORK=off GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -ldflags '-s -w' -buildmode=c-shared -o build/.example.wasm .
mv build/.example.wasm build/example.wasm
