#!/bin/sh
# Builds the reference module into build/. CLANG names a clang that knows wasm32.
# There is no -mbulk-memory because clang passes its output on to wasm-opt if that
# is installed, and Debian's refuses it.
set -eu
cd "$(dirname "$0")"
mkdir -p build
"${CLANG:-$(command -v clang-14 || echo clang)}" --target=wasm32 -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -Isrc \
	-Wl,--no-entry,--stack-first,-z,stack-size=131072,--strip-all -o build/.reference.wasm reference/module.c src/*.c
mv build/.reference.wasm build/reference.wasm
