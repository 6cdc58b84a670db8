#!/bin/sh
# Builds the example module into build/. CLANG names a clang that knows wasm32.
set -eu
cd "$(dirname "$0")"
sdk=../../../sdk/c/src
mkdir -p build
"${CLANG:-$(command -v clang-14 || echo clang)}" --target=wasm32 -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -I$sdk \
	-Wl,--no-entry,--stack-first,-z,stack-size=131072,--strip-all -o build/.example.wasm module.c $sdk/*.c
mv build/.example.wasm build/example.wasm
