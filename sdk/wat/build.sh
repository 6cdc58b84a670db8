#!/bin/sh
# Builds the sample into build/, by wat2wasm of wabt.
set -eu
cd "$(dirname "$0")"
mkdir -p build
wat2wasm -o build/.fewest.wasm fewest.wat
mv build/.fewest.wasm build/fewest.wasm
