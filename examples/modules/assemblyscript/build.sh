#!/bin/sh
# Builds the example module into build/. The compiler comes by npm.
set -eu
cd "$(dirname "$0")"
[ -e node_modules/.bin/asc ] || npm install --no-audit --no-fund --loglevel=error
mkdir -p build
node_modules/.bin/asc --config asconfig.json --target release
