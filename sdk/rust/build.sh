#!/bin/sh
# Builds the reference module into build/, by the toolchain of cargo.sh.
set -eu
cd "$(dirname "$0")/reference"
../cargo.sh build --release --target wasm32-unknown-unknown
mkdir -p ../build
cp "${CARGO_TARGET_DIR:-target}"/wasm32-unknown-unknown/release/reference.wasm ../build/.reference.wasm
mv ../build/.reference.wasm ../build/reference.wasm
