# Stream Pump. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go

# Where `make build` puts the programs.
BUILDDIR ?= bin

# Where `make install` puts things; DESTDIR goes in front, for packagers.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
GENERATORDIR ?= $(PREFIX)/lib/systemd/system-generators
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
SYSCTLDIR ?= $(PREFIX)/lib/sysctl.d
EXAMPLESDIR ?= $(PREFIX)/share/doc/stream-pump/examples
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
DESTDIR ?=

# The version is the tag, where there is one; without it the program says what
# is written in its source.
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null)
# The commit, which results are recorded with; the toolchain notes it only where
# it may look at the repository.
COMMIT ?= $(shell git describe --always --exclude '*' --abbrev=12 --dirty=+changes 2>/dev/null)
LDFLAGS := -s -w $(if $(VERSION),-X streampump/cmd/internal/cli.Version=$(VERSION)) \
  $(if $(COMMIT),-X streampump/cmd/internal/cli.commit=$(COMMIT))

# The packages whose tests take longest, which are begun first.
LONGEST := ./engine/loop ./e2e/...

# How many packages are tested at the same time: one more than there are cores, as many
# tests wait.
PACKAGES ?= $(shell expr $$(nproc) + 1)

# How long each fuzz target runs.
FUZZTIME ?= 30s

# How often and how long each micro-benchmark runs, which ones, and the stored
# results that they are compared with: the last release's.
BENCHCOUNT ?= 10
BENCHTIME ?= 20ms
BENCH ?= .
BENCHOLD ?= $(lastword $(shell ls bench/results/v*.txt | sort -V))

# Options of `make run`, as in: make run ARGS="--help"
ARGS ?=

# Nothing may be skipped in CI: the tests look at this variable and fail where
# they would have skipped, and .ci/gotest fails on any skip that is left.
ifeq ($(CI),true)
export STREAMPUMP_NOSKIP := 1
endif

GOTEST := GO="$(GO)" .ci/gotest
TOOL := $(GO) tool -modfile=tools.mod
PACK := GO="$(GO)" VERSION='$(VERSION)' COMMIT='$(COMMIT)'

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## start a pump with the built-in test stream; Ctrl-C ends it
	@exec bin/stream-pump demo $(ARGS)

.PHONY: build
build: ## build bin/stream-pump and bin/pump-bench
	@mkdir -p '$(BUILDDIR)'
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o '$(BUILDDIR)/' ./cmd/...

.PHONY: test
test: packages ## everything: fast, race, players and network; lint, fuzzing and the short gate too when CI=true
ifeq ($(CI),true)
	@$(MAKE) lint
endif
	@$(MAKE) fast
	@$(MAKE) narrow
	@$(MAKE) race
	@$(MAKE) e2e
ifeq ($(CI),true)
	@$(MAKE) fuzz FUZZTIME=2s
	@$(MAKE) gate-short
endif

.PHONY: fast
fast: ## the tests that need no players, in a minute
	@PROGRAM=1 $(GOTEST) fast -p $(PACKAGES) -timeout 5m $(LONGEST) ./...

.PHONY: narrow
narrow: ## the engine's and codecs' tests on 32 bits, where the kernel runs such programs
	@GO="$(GO)" .ci/narrow

.PHONY: race
race: ## the same under the race detector, which needs a C compiler
	@if command -v "$${CC:-gcc}" > /dev/null; then \
	  PROGRAM=1 $(GOTEST) race -race -timeout 20m $(LONGEST) ./...; \
	elif [ '$(CI)' = true ]; then \
	  echo 'race: no C compiler, and here nothing may be skipped (CI=true)' >&2; exit 1; \
	else \
	  echo 'skipped: race: no C compiler'; \
	fi

.PHONY: e2e
e2e: packages ## real players, real sources, real bottlenecks (minutes)
	@LIVE=1 PROGRAM=1 $(GOTEST) e2e -tags e2e -parallel 3 -count=1 -timeout 45m ./e2e/...

.PHONY: packages
packages: ## install the players that e2e needs, as root on Debian; otherwise say what is missing
	@e2e/install.sh

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (30s)
	@GO="$(GO)" .ci/fuzz $(FUZZTIME)

.PHONY: attack
attack: packages ## every attack beside healthy viewers, strictly, and each fuzz target for FUZZTIME (25 minutes, a quiet machine)
	@mkdir -p bin
	@STREAMPUMP_ATTACKS='$(CURDIR)/bin/attacks.md' LIVE=1 PROGRAM=1 $(GOTEST) attack -tags e2e -count=1 -timeout 40m -run '^TestAttacks$$' ./e2e
	@cat bin/attacks.md
	@$(MAKE) fuzz

.PHONY: bench
bench: ## run the micro-benchmarks BENCHCOUNT (10) times into bin/bench.txt, in a minute
	@mkdir -p bin
	@$(GO) run ./bench/micro head > bin/bench.tmp
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -cpu 1 -count $(BENCHCOUNT) -benchtime $(BENCHTIME) -timeout 10m ./codec/... ./engine/... | tee -a bin/bench.tmp
	@mv bin/bench.tmp bin/bench.txt

.PHONY: benchstat
benchstat: ## compare bin/bench.txt with the last release's; fail if a count grew
	@$(GO) build -o bin/micro ./bench/micro
	@if bin/micro same '$(BENCHOLD)' bin/bench.txt; then \
	  $(TOOL) benchstat -filter '.unit:(sec/op OR sec/packet)' -table pkg -ignore version,commit,date,go '$(BENCHOLD)' bin/bench.txt; \
	fi
	@bin/micro counts '$(BENCHOLD)' bin/bench.txt

.PHONY: bench-store
bench-store: ## keep bin/bench.txt as the results of release VERSION (v1.2.3)
	@$(GO) run ./bench/micro store bin/bench.txt bench/results '$(VERSION)'

.PHONY: lint
lint: ## gofmt, vet, staticcheck, golangci-lint, go.mod tidy
	@test -z "$$("$$($(GO) env GOROOT)/bin/gofmt" -l . | tee /dev/stderr)" || { echo 'lint: run gofmt -w on the files above' >&2; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) vet -tags e2e ./...
	$(TOOL) staticcheck -tags e2e ./...
	$(TOOL) golangci-lint run ./...
	@echo 'lint clean'

.PHONY: check
check: lint fast narrow race ## before a commit: lint and all tests without players

.PHONY: generate
generate: ## make the files again that come from the table of settings
	$(GO) generate ./tuning

.PHONY: gate
gate: build packages ## measure what a release promises, strictly (thirty minutes, a quiet machine)
	@bin/pump-bench gate --html bin/gate.html $(ARGS)

.PHONY: gate-short
gate-short: build packages ## the same within four minutes; fails on counts, or where a ratio is far past its bound
	@bin/pump-bench gate --short --html bin/gate.html $(ARGS)

.PHONY: release
release: ## test, measure strictly, build what is published, and tag: make release VERSION=v1.2.3
	@.ci/release '$(VERSION)'

.PHONY: release-artifacts
release-artifacts: ## programs, archives, packages, bills of materials and SHA256SUMS as a new dist/ (VERSION=v1.2.3)
	@$(PACK) packaging/artifacts all

.PHONY: reproduce
reproduce: ## build what is in dist/ again in a fresh clone, and compare
	@$(PACK) packaging/reproduce

.PHONY: deb
deb: ## the Debian packages, into dist/
	@$(PACK) packaging/artifacts deb

.PHONY: rpm
rpm: ## the RPM packages, into dist/
	@$(PACK) packaging/artifacts rpm

.PHONY: clip
clip: ## make the demo's clip again, with ffmpeg
	demo/make-clip.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

# Root often has no Go on its PATH (sudo): what `make build` made before is then
# installed as it is. The configuration may name secrets: it is for root and the group of
# the unit's user, which does not exist before systemd-sysusers has run. packaging/artifacts
# takes it from here.
.PHONY: install
install: $(if $(shell command -v $(GO)),build) ## install programs, man pages, units, completion and an example configuration (DESTDIR, PREFIX)
	@test -x '$(BUILDDIR)/stream-pump' || { echo 'install: no "$(GO)" here, and nothing is built: run make build first, as whoever has Go' >&2; exit 1; }
	install -Dm755 '$(BUILDDIR)/stream-pump' '$(DESTDIR)$(BINDIR)/stream-pump'
	install -Dm755 '$(BUILDDIR)/pump-bench' '$(DESTDIR)$(BINDIR)/pump-bench'
	install -d '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man5'
	install -m644 cmd/*/man/*.1 '$(DESTDIR)$(MANDIR)/man1/'
	install -m644 cmd/stream-pump/man/*.5 '$(DESTDIR)$(MANDIR)/man5/'
	install -d '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(BASHDIR)' '$(DESTDIR)$(ZSHDIR)' '$(DESTDIR)$(FISHDIR)' '$(DESTDIR)$(SYSCONFDIR)/stream-pump'
	sed 's|/usr/local/bin/|$(BINDIR)/|; s| /etc/stream-pump/| $(SYSCONFDIR)/stream-pump/|' systemd/stream-pump.service > '$(DESTDIR)$(UNITDIR)/stream-pump.service'
	chmod 644 '$(DESTDIR)$(UNITDIR)/stream-pump.service'
	install -m644 systemd/stream-pump.socket '$(DESTDIR)$(UNITDIR)/stream-pump.socket'
	install -Dm755 systemd/stream-pump-generator '$(DESTDIR)$(GENERATORDIR)/stream-pump-generator'
	install -Dm644 systemd/sysusers.conf '$(DESTDIR)$(SYSUSERSDIR)/stream-pump.conf'
	install -d '$(DESTDIR)$(EXAMPLESDIR)'
	install -m644 systemd/examples/* '$(DESTDIR)$(EXAMPLESDIR)/'
	for p in stream-pump pump-bench; do \
	  '$(BUILDDIR)'/$$p completion bash > "$(DESTDIR)$(BASHDIR)/$$p"; \
	  '$(BUILDDIR)'/$$p completion zsh > "$(DESTDIR)$(ZSHDIR)/_$$p"; \
	  '$(BUILDDIR)'/$$p completion fish > "$(DESTDIR)$(FISHDIR)/$$p.fish"; \
	done
	@config='$(SYSCONFDIR)/stream-pump/config.json'; file='$(DESTDIR)'$$config; next='systemd-sysusers &&'; \
	if [ -e "$$file" ]; then \
	  echo "your configuration stays: $$config"; \
	else \
	  install -m640 /dev/null "$$file"; \
	  '$(BUILDDIR)/stream-pump' example | sed 's|//"user": "nobody"|"user": "stream-pump"|' > "$$file"; \
	  echo "an example to edit, as root: $$config"; \
	  if [ -n '$(DESTDIR)' ] || ! chgrp stream-pump "$$file" 2> /dev/null; then \
	    next="systemd-sysusers && chgrp stream-pump $$config &&"; \
	  fi; \
	fi; \
	echo "next, as root: $$next systemctl daemon-reload && systemctl enable --now stream-pump"

.PHONY: install-sysctl
install-sysctl: ## install kernel settings for the whole machine (DESTDIR, PREFIX); see the file
	install -Dm644 systemd/90-stream-pump.conf '$(DESTDIR)$(SYSCTLDIR)/90-stream-pump.conf'
	@echo 'they hold from the next start of the machine, or now, as root: sysctl --system'

.PHONY: uninstall
uninstall: ## remove what install and install-sysctl put there; the configuration stays
	rm -f '$(DESTDIR)$(BINDIR)/stream-pump' '$(DESTDIR)$(BINDIR)/pump-bench' '$(DESTDIR)$(UNITDIR)/stream-pump.service' '$(DESTDIR)$(UNITDIR)/stream-pump.socket'
	rm -f '$(DESTDIR)$(GENERATORDIR)/stream-pump-generator' '$(DESTDIR)$(SYSUSERSDIR)/stream-pump.conf' '$(DESTDIR)$(SYSCTLDIR)/90-stream-pump.conf'
	rm -f $(patsubst systemd/examples/%,'$(DESTDIR)$(EXAMPLESDIR)/%',$(wildcard systemd/examples/*))
	rm -f $(patsubst %,'$(DESTDIR)$(MANDIR)/man1/%',$(notdir $(wildcard cmd/*/man/*.1)))
	rm -f $(patsubst cmd/stream-pump/man/%,'$(DESTDIR)$(MANDIR)/man5/%',$(wildcard cmd/stream-pump/man/*.5))
	for p in stream-pump pump-bench; do \
	  rm -f "$(DESTDIR)$(BASHDIR)/$$p" "$(DESTDIR)$(ZSHDIR)/_$$p" "$(DESTDIR)$(FISHDIR)/$$p.fish"; \
	done
