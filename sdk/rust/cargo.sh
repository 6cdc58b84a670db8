#!/bin/sh
# Runs cargo with a compiler that knows wasm32-unknown-unknown: the one in PATH
# if it does, else Debian's, with the crates that are installed as packages and
# without the network.
set -eu
if [ -e "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/wasm32-unknown-unknown" ] && [ "$(command -v rustc)" != /usr/bin/rustc ]; then
	exec cargo "$@"
fi
[ -e /usr/lib/rustlib/wasm32-unknown-unknown ] || {
	echo "no Rust for WebAssembly: run \"rustup target add wasm32-unknown-unknown\", or on Debian" \
		"\"apt-get install cargo lld-14 libstd-rust-dev-wasm32 librust-serde-derive-dev librust-serde-json-dev\"" >&2
	exit 1
}
command=$1
shift
RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc exec /usr/bin/cargo "$command" --offline \
	--config 'source.crates-io.replace-with="debian"' --config 'source.debian.directory="/usr/share/cargo/registry"' "$@"
