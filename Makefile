# Bedside. `make help` lists the targets.
SHELL := /bin/bash
export CGO_ENABLED := 1
# nolibopusfile: hraban/opus would otherwise ask for libopusfile, which we do not use. One set of
# flags for building, vetting and linting, so that each finds in the cache what another compiled.
export GOFLAGS := -tags=nolibopusfile -trimpath
export npm_config_update_notifier := false

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO_FILES := $(shell find . -name '*.go' -not -path './web/node_modules/*') go.mod go.sum \
	$(shell find store api -name '*.sql' -o -name '*.yaml' -o -name '*.html' -o -name '*.css' \
		-o -name '*.txt' 2>/dev/null)
WEB_FILES := $(shell find web/src web/static -type f 2>/dev/null) \
	$(wildcard web/*.json web/*.ts web/*.js)

.PHONY: help run cluster test-cluster build web test unit unit-go unit-web real-speech \
	eval-patient response integration faults long-role-play e2e e2e-screens e2e-real \
	e2e-lossy-link lint lint-go lint-web generate check-generated bench screenshots pictures \
	setup setup-test clean

# go test, with a summary of what failed and what was skipped; its events go to bin/stages/.
gotest = mkdir -p bin/stages && go tool gotestsum --format pkgname-and-test-fails \
	--format-hide-empty-pkg --jsonfile bin/stages/$@.json --

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | \
		sed -E 's/^([a-z0-9-]+):.*## */  \1\t/' | expand -t 18

run: build ## install what is missing, build, and serve on embedded defaults (ARGS="--listen ...")
	@exec bin/bedside serve $(ARGS)

setup: ## install what building and serving need
	@.ci/setup run

setup-test: ## install what the tests need as well
	@.ci/setup test

# Two processes of each role, NATS, Redis, PostgreSQL and S3, all on loopback.
cluster: setup-test bin/bedside ## run a whole cluster on this machine (ARGS="-dir DIR")
	@go build -o bin/cluster ./configs/cluster/start
	@exec bin/cluster $(ARGS)

build: setup bin/bedside ## build bin/bedside, with the web pages inside

bin/bedside: web/build/index.html $(GO_FILES)
	go build -ldflags '-s -w -X main.buildVersion=$(VERSION)' -o $@ .

web: web/build/index.html ## build the web pages

web/build/index.html: web/node_modules/.installed $(WEB_FILES)
	cd web && npm run --silent build

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test: setup-test ## every check and every test, with the time of each stage: what CI runs
	@.ci/stages

unit: unit-go unit-web real-speech ## the packages' tests

unit-go: web/build/index.html ## Go packages with the race detector, fuzz seeds included
	@$(gotest) -race -short -timeout 10m $$(go list ./... | grep /)

unit-web: web/node_modules/.installed ## Vitest
	cd web && npm run --silent test

# The data is in ../shared/data, or in the folder that BEDSIDE_DATA names.
real-speech: ## measures against Praat and against experts' scores of learners
	@$(gotest) -timeout 10m ./speech/dsp

# The long form is run by make eval-patient EVAL=long: every paraphrase is spoken.
EVAL ?= short
eval-patient: ## how well the automatic patient hears and understands (EVAL=long)
	@rm -f bin/eval-patient.txt; status=0; \
		export EVAL=$(EVAL) EVAL_OUT=$(CURDIR)/bin/eval-patient.txt; \
		$(gotest) -count=1 -timeout 120m ./speech/evaluation || status=$$?; \
		cat bin/eval-patient.txt 2>/dev/null; exit $$status

# It judges times: nothing else may run on the machine.
response: web/build/index.html ## how soon the automatic patient answers, in two role plays at once
	@rm -f bin/response.txt; status=0; export RESPONSE=1 RESPONSE_OUT=$(CURDIR)/bin/response.txt; \
		$(gotest) -count=1 -timeout 15m -run '^TestResponse$$' . || status=$$?; \
		cat bin/response.txt 2>/dev/null; exit $$status

integration: web/build/index.html ## whole servers as processes: role plays, kills, bad links, load
	@$(gotest) -race -timeout 15m -skip '^TestFiveMinutes$$' .

# The long form is run by make test-cluster CLUSTER=long PLAYS=50.
CLUSTER ?= short
test-cluster: setup-test bin/bedside ## break a cluster under role plays (CLUSTER=long PLAYS=50)
	@export CLUSTER=$(CLUSTER) CLUSTER_PLAYS=$(PLAYS) CLUSTER_OUT=$(CURDIR)/bin/cluster.txt; \
		rm -f bin/cluster.txt; status=0; $(gotest) -count=1 -timeout 60m -run '^TestCluster$$' \
		./configs/cluster || status=$$?; cat bin/cluster.txt 2>/dev/null; \
		exit $$status

# The long form is run by make faults FAULTS=long. FAULTS_SEED=n sets when processes are killed.
# Rows mostly wait, so that more of them run at once than there are cores.
FAULTS ?= short
faults: bin/bedside ## break every part of a server under role plays, count frames (FAULTS=long)
	@rm -f bin/faults.txt; status=0; \
		FAULTS=$(FAULTS) FAULTS_OUT=$(CURDIR)/bin/faults.txt; \
		export FAULTS FAULTS_OUT FAULTS_BIN=$(CURDIR)/bin/bedside; \
		$(gotest) -count=1 -parallel 6 -timeout 30m -run '^TestFaults$$' . || status=$$?; \
		cat bin/faults.txt 2>/dev/null; exit $$status

long-role-play: web/build/index.html ## a role play of five minutes in real time
	@$(gotest) -race -timeout 15m -run '^TestFiveMinutes$$' .

e2e: e2e-screens e2e-real e2e-lossy-link ## the browser tests; screenshots go to web/e2e/out

browser = cd web && BEDSIDE_BIN=$(CURDIR)/bin/bedside
e2e-screens: bin/bedside ## every screen against a server that answers as it is told
	$(browser) npm run --silent e2e -- --project screens

e2e-real: bin/bedside ## accounts and role plays on a real server
	$(browser) npm run --silent e2e -- --project real

e2e-lossy-link: bin/bedside ## a role play of two browsers over a link that loses 5 % of datagrams
	$(browser) ../.ci/lossy-link npm run --silent e2e:lossy-link

lint: lint-go lint-web ## every linter

lint-go: web/build/index.html ## gofmt, line lengths, vet, staticcheck; our scenarios
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		[ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@.ci/lines
	go vet ./...
	go tool staticcheck ./...
	go run . scenario lint --strict store/scenario/content/*.yaml

lint-web: web/node_modules/.installed ## svelte-check, eslint; spectral on the API's description
	cd web && npm run --silent check && npm run --silent lint && npm run --silent lint:openapi

generate: bin/bedside ## write the files that are generated: types for the web, tables of the pages
	@rm -rf web/.svelte-kit/gen && mkdir -p web/.svelte-kit
	@cp -pr web/src/lib/gen web/.svelte-kit/gen
	go generate ./...
	UPDATE=1 go test -count=1 -run '^TestDesignTables$$' . >/dev/null
	bin/bedside openapi > web/src/lib/gen/openapi.json
	cd web && npm run --silent generate
	@# Files that did not change keep their times, so that nothing is built again because of them.
	@cd web/src/lib/gen && for f in *; do old=../../../.svelte-kit/gen/$$f; \
		cmp -s $$f $$old && touch -r $$old $$f || true; done

check-generated: ## the generated files are those that generate writes
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- web/src/lib/gen README.md configs/default.yaml DESIGN.md \
		speech/ANALYSIS.md || \
		{ echo "generated files differ: run make generate and commit"; exit 1; }

screenshots: bin/bedside ## make the README's pictures again: a role play in a real browser
	cd web && BEDSIDE_BIN=$(CURDIR)/bin/bedside npm run --silent pictures

pictures: ## render the drawings of the shipped role plays
	cd web && node e2e/draw-pictures.js

# CPU for each second of audio, forwarded packet, published frame and request. The requests run on
# 100,000 users and 1,000,000 attempts, which are made in bin/bench-data the first time (2 GB, two
# minutes).
bench: bin/bedside ## benchmarks of CPU time, and of media beside sign-ins
	go test -run '^$$' -bench . -benchmem ./sfu/... ./signaling/... ./speech/...
	BEDSIDE_BENCH_DATA=$(CURDIR)/bin/bench-data go test -timeout 30m -run '^$$' -bench . \
		./api ./store/postgres
	@for rate in 0 5 100; do echo "$$rate sign-ins a second beside ten role plays:"; \
		bin/bedside loadtest --duration 20s --sign-ins $$rate 2>/dev/null || exit 1; done

clean: ## remove what was built (not the data folder)
	rm -rf bin web/build web/.svelte-kit web/node_modules
