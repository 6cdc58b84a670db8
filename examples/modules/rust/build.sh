#!/bin/sh
# Builds the example module into build/.
set -eu
cd "$(dirname "$0")"
../../../sdk/rust/cargo.sh build --release --target wasm32-unknown-unknown
mkdir -p build
cp "${CARGO_TARGET_DIR:-target}"/wasm32-unknown-unknown/release/example.wasm build/.example.wasm
mv build/.example.wasm build/example.wasm
