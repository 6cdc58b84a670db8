#!/bin/sh
# Builds the reference module and the example module of each language, and the
# sample in WebAssembly's text format. A toolchain that is missing is installed
# from Debian, when root runs this there; with "-k" what cannot be built is told
# and left out.
set -eu
cd "$(dirname "$0")/.."
keep=${1:-}
have() { command -v "$1" >/dev/null 2>&1; }

wanted=
{ have clang-14 || { have clang && have wasm-ld; }; } || wanted="$wanted clang-14 lld-14"
if ! rustc --print sysroot >/dev/null 2>&1 || [ ! -e "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
	[ -e /usr/lib/rustlib/wasm32-unknown-unknown ] && [ -e /usr/share/cargo/registry ] && have rust-lld ||
		wanted="$wanted cargo lld-14 libstd-rust-dev-wasm32 librust-serde-derive-dev librust-serde-json-dev"
fi
have wat2wasm || wanted="$wanted wabt"
have npm || wanted="$wanted nodejs npm"
if [ -n "$wanted" ]; then
	if [ "$(id -u)" = 0 ] && have apt-get; then
		start=$(date +%s)
		apt-get update -qq
		# shellcheck disable=SC2086 # a list of words
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted >/dev/null
		echo "installed$wanted in $(($(date +%s) - start)) s"
	else
		echo "missing, and only root on Debian could install them:$wanted" >&2
	fi
fi

# Dependencies of Rust modules are compiled once for all of them.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/sdk/rust/target}"
failed=
for script in sdk/*/build.sh examples/modules/*/build.sh; do
	[ -e "$script" ] || continue
	start=$(date +%s)
	if "$script"; then
		echo "${script%/build.sh}: $(($(date +%s) - start)) s"
	else
		failed="$failed ${script%/build.sh}"
	fi
done
[ -z "$failed" ] || {
	echo "not built:$failed" >&2
	[ "$keep" = -k ]
}
