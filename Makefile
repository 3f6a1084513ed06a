# Everything that a developer does here, by name. `make` or `make help` lists it.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
APIDIFF     := golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4
BENCHSTAT   := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
FUZZTIME    ?= 5s
FOR         ?= 10m
SERVER      ?= cluster
SEED        ?= 1
GO          ?= go

.PHONY: help test needs hostile chaos lint openapi asyncapi mcp fuzz vuln api build site bench bench-compare

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The tag poison overwrites each buffer that goes back to its pool. The hostile tests run without it, as a release does.
# -count=1: the tests of bench/ and site/ read documents outside their modules, whose changes the test cache does not see.
test: needs ## run all tests, with the race detector; installs Chromium, Node.js, curl, nginx, haproxy, tmux, Redis and Valkey if they are missing
	@GO="$(GO)" .ci/gotest -race -tags poison -timeout 30m -skip '^TestNoOldWords$$' ./...
	cd plugins/sqlite && $(GO) test -race ./...
	cd auth/oidc && $(GO) test -race ./...
	cd mcp && $(GO) test -race ./...
	cd examples/desk && $(GO) test -race ./...
	cd bench && $(GO) test -count=1 ./...
	cd site && $(GO) test -count=1 ./...
	cd conformance && $(GO) test -count=1 ./...
	$(MAKE) hostile

needs: ## install what the tests need besides Go
	@.ci/needs

# Without the race detector, and after all others: these tests measure how long well-behaved clients wait meanwhile.
hostile: needs ## run the tests that attack a server with hundreds of clients
	@GO="$(GO)" .ci/gotest -tags hostile -parallel 2 -timeout 40m ./internal/attack

# The seed of the schedule is printed. A run without the flag -chaos.keep leaves its history only if a law was broken.
chaos: ## run a cluster of 5 nodes under faults for FOR (default 10m) on SERVER: cluster, sentinels or standalone; SEED
	$(GO) test ./internal/chaos/run -run TestChaos -v -timeout 0 -chaos.for $(FOR) -chaos.nodes 5 -chaos.load 1 -chaos.server $(SERVER) -chaos.seed $(SEED)

# The race detector makes the check of the words a minute long, so make test leaves it out.
lint: ## check formatting, words, go vet and staticcheck, and that the server compiles for macOS, FreeBSD and Windows
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; fi
	$(GO) test -run '^TestNoOldWords$$' .
	$(GO) vet -tags hostile ./...
	$(GO) run $(STATICCHECK) -tags hostile ./...
	for system in darwin freebsd windows; do echo "$(GO) build ./... for $$system"; GOOS=$$system $(GO) build ./... || exit 1; done
	cd bench && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd plugins/sqlite && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd auth/oidc && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd mcp && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd examples/desk && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd site && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd conformance && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...

openapi: ## lint the OpenAPI documents of the stock server, of the desk and of conformance/ with @redocly/cli; needs Node.js and the network for npm
	@.ci/openapi

mcp: ## call mcp/conformance with the conformance tests of MCP, the inspector and both TypeScript clients; needs Node.js and the network for npm
	@.ci/mcp

asyncapi: ## validate the AsyncAPI documents of the stock server, of the desk and of conformance/ with @asyncapi/parser; needs Node.js and the network for npm
	@.ci/asyncapi

fuzz: ## run every fuzz target for FUZZTIME (default 5s)
	@GO="$(GO)" .ci/fuzz $(FUZZTIME)

vuln: ## look for known vulnerabilities; says so when their database cannot be reached
	@out=$$($(GO) run $(GOVULNCHECK) ./... 2>&1 && cd plugins/sqlite && $(GO) run $(GOVULNCHECK) ./... 2>&1 && cd ../../auth/oidc && $(GO) run $(GOVULNCHECK) ./... 2>&1 && cd ../../mcp && $(GO) run $(GOVULNCHECK) ./... 2>&1) && echo "$$out" || { echo "$$out"; \
		echo "$$out" | grep -q 'fetching vulnerabilities:' \
		&& echo "the vulnerability database cannot be reached from here: nothing was checked" || exit 1; }

api: ## list how the exported names differ from the last tag
	@GO="$(GO)" APIDIFF="$(APIDIFF)" .ci/api

build: ## build the server into bin/actionhero
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/actionhero ./cmd/actionhero

site: ## render the documentation as a static site into bin/site; a dead link is an error
	cd site && $(GO) run . -out ../bin/site

bench: ## run the benchmarks of the core; bench/README.md has those against peers
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-compare: ## compare the core benchmarks of HEAD with the merge base with main (BASE, COUNT, BENCH, PACKAGES)
	@GO="$(GO)" BENCHSTAT="$(BENCHSTAT)" .ci/bench-compare
