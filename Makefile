# Gowanus. "make help" lists the targets.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT      := $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS     := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
NESTED      := $(patsubst %/go.mod,%,$(wildcard sdk/*/go.mod modules/go.mod modules/*/go.mod examples/modules/*/go.mod))
BUILT       := modules/built/.stamp
FUZZTIME    ?= 10s

.DEFAULT_GOAL := build
.PHONY: build demo demo-stop test race check conformance lab bench bench-extism fuzz modules modules-all sdks help

build: modules ## build bin/gowanus, with the modules it ships
	@mkdir -p bin
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/gowanus ./cmd/gowanus

modules: $(BUILT) ## compile the shipped WebAssembly modules that changed

$(BUILT): $(shell find modules sdk/go -type f \( -name '*.go' -o -name 'go.*' -o -name '*.sh' \) -not -path 'modules/built/*' -not -name '*_test.go' 2>/dev/null) $(wildcard sdk/c/src/* sdk/rust/Cargo.toml sdk/rust/src/* sdk/assemblyscript/*.* sdk/assemblyscript/assembly/*)
	modules/build.sh
	@touch $@

modules-all: ## build the modules of all SDKs and examples; as root installs toolchains
	sdk/build-all.sh

sdks: modules-all ## run the modules of all SDKs in the engine, and guests beside Extism
	CARGO_TARGET_DIR=$(CURDIR)/sdk/rust/target GOWANUS_EVERY_SDK=1 go test -count=1 ./test/sdk ./internal/scaffold ./internal/modulebuild
	cd test/bench/extism && GOWANUS_EVERY_SDK=1 go test -count=1 ./...

demo: build ## start a server, deploy the guestbook, show its page
	examples/guestbook/demo.sh start

demo-stop: ## delete the guestbook and stop the server of "make demo"
	examples/guestbook/demo.sh stop

test: modules ## run all tests
	go test ./...
	for d in $(NESTED); do (cd $$d && go test ./...); done

race: modules ## run all tests under the race detector
	go test -race ./...

check: modules ## formatting, vet, staticcheck, layers, freshness of generated files
	.ci/check $(NESTED)

conformance: build ## run the blueprint cases against a fresh server
	go run ./test/conformance/runner -server bin/gowanus

lab: build ## deploy to real Docker hosts in network namespaces; needs root
	go test -tags lab -count=1 -timeout 20m ./test/lab/...
	go test -count=1 -run '^TestFullDisk$$' ./engine/store/badger -fills=2

bench: modules ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-extism: ## compare calls of modules with Extism's Go SDK; the C guests need clang and wasm-ld
	cd test/bench/extism && go test -bench . -benchtime 2s .

fuzz: modules ## run each fuzz target, or those below the folders FUZZ, for FUZZTIME
	for p in $$(git grep -l --untracked 'func Fuzz' -- $(patsubst %,'%/*_test.go',$(or $(FUZZ),.)) | xargs -rn1 dirname | sort -u); do \
	  for f in $$(grep -ho 'func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -d' ' -f2); do \
	    (cd $$p && go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) .); done; done

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
