#!/bin/sh
# Builds the reference module into build/.
set -eu
cd "$(dirname "$0")"
mkdir -p build
GOWORK=off GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -ldflags '-s -w' -buildmode=c-shared -o build/.reference.wasm ./reference/wasm
mv build/.reference.wasm build/reference.wasm
