# Tablegate: build, run, test. `make help` lists the targets.
#
# Needs rust (rustup reads rust-toolchain.toml), a C compiler, python3 with pip, bash; `make fuzz` also a C++ compiler.
# Works as root or not.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What is fetched and built stays outside the clone, so that a new clone starts warm and the clone stays small.
export TABLEGATE_CACHE := $(abspath $(or $(TABLEGATE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tablegate))
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),$(TABLEGATE_CACHE)/target))

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY_ROOT := $(TABLEGATE_CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)
CARGO_DENY := $(CARGO_DENY_ROOT)/bin/cargo-deny

CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ_ROOT := $(TABLEGATE_CACHE)/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)
CARGO_FUZZ := $(CARGO_FUZZ_ROOT)/bin/cargo-fuzz
FUZZ_TARGETS := $(patsubst fuzz/targets/%.rs,%,$(wildcard fuzz/targets/*.rs))
# So long each target runs.
FUZZ_SECONDS ?= 10
# Without a sanitizer the pinned stable compiler will do; the code that is fuzzed has no unsafe block.
FUZZ_OPTIONS := --sanitizer none --codegen-units 16 --target-dir $(CARGO_TARGET_DIR)/fuzz

# A connector is a crate under connectors/ that builds a library to load. `chaos` misbehaves on purpose: it is built
# for the tests, into a folder of its own, and never into plugins/.
ALL_CONNECTORS := $(patsubst connectors/%/Cargo.toml,%,$(shell grep -l '^crate-type.*cdylib' connectors/*/Cargo.toml))
# Named by their folders or by the service types that stand in their manifests.
CONNECTORS ?= $(filter-out chaos,$(ALL_CONNECTORS))
folder_of = $(or $(filter $(1),$(ALL_CONNECTORS)),$(patsubst connectors/%/Cargo.toml,%,$(shell \
	grep -l '^types = .*"$(1)"' connectors/*/Cargo.toml)),$(error no connector has the folder or the service type "$(1)"))
CHOSEN := $(sort $(foreach name,$(CONNECTORS),$(call folder_of,$(name))))
export TABLEGATE_TEST_PLUGINS := $(CARGO_TARGET_DIR)/test-plugins
# What the tests unpack is packed for them, so that dist/ stays as it is.
export TABLEGATE_TEST_DIST := $(CARGO_TARGET_DIR)/test-dist

# What is released holds no path of the machine that built it. All release builds have the same flags, or each would undo the other's.
# The clone's own sources are compiled with paths from its root, so it is not among the folders, and clones share what is built.
CARGO_FOLDER := $(abspath $(or $(CARGO_HOME),$(HOME)/.cargo))
RUSTUP_FOLDER := $(abspath $(or $(RUSTUP_HOME),$(HOME)/.rustup))
# Of several that fit, the last one counts.
RELEASE_FLAGS := $(foreach pair,$(RUSTUP_FOLDER)=/rustup $(CARGO_FOLDER)=/cargo $(CARGO_TARGET_DIR)=/target,--remap-path-prefix=$(pair))
RELEASE := RUSTFLAGS="$(strip $(RUSTFLAGS) $(RELEASE_FLAGS))" cargo

DATABASE := data/flights.sqlite
PYTHON ?= python3
FLIGHTS := $(PYTHON) tests/fixtures/flights/build.py

.PHONY: help
help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  cache folder:  $(TABLEGATE_CACHE)"
	@echo "  target folder: $(CARGO_TARGET_DIR)"

.PHONY: run
run: build-run database ## build, make the flights database, start the gateway, print requests to try
	@exec tests/fixtures/flights/run.sh "$(CARGO_TARGET_DIR)/release/tablegate"

.PHONY: build-run
build-run:
	@echo "== building the gateway and the SQLite connector (release; a few minutes the first time)"
	$(RELEASE) build --release --locked -p tablegate
	@$(MAKE) --no-print-directory plugins CONNECTORS=sqlite

.PHONY: database
database: ## make data/flights.sqlite from public data
	@$(FLIGHTS) $(DATABASE)

.PHONY: plugins
plugins: $(addprefix plugin-,$(CHOSEN)) ## build each connector by itself and put its library into plugins/

# Each with its own `-p`, because cargo would otherwise unite the features of all of them.
# The library goes in under a temporary name and is then renamed: a running gateway never sees half a file.
.PHONY: $(addprefix plugin-,$(ALL_CONNECTORS))
$(addprefix plugin-,$(filter-out chaos,$(ALL_CONNECTORS))): plugin-%:
	$(RELEASE) build --release --locked -p connector-$*
	@$(call install_library,$*,plugins)

plugin-chaos:
	$(RELEASE) build --release --locked -p connector-chaos
	@$(call install_library,chaos,$(TABLEGATE_TEST_PLUGINS))

define install_library
library=libconnector_$(subst -,_,$(1)).so; \
install -d -m 755 "$(2)"; \
install -m 755 "$(CARGO_TARGET_DIR)/release/$$library" "$(2)/.$$library.tmp"; \
mv -f "$(2)/.$$library.tmp" "$(2)/$$library"; \
echo "installed $(2)/$$library"
endef

PACK = $(PYTHON) deploy/pack.py

.PHONY: dist deb
dist: build-dist ## pack program, connectors (CONNECTORS="..."), configuration and licences into one archive in dist/
	@$(PACK) archive $(CHOSEN)

deb: build-dist ## the same as a package for Debian, with a service for systemd
	@$(PACK) deb $(CHOSEN)

.PHONY: build-dist
build-dist: $(addprefix plugin-,$(CHOSEN))
	$(RELEASE) build --release --locked -p tablegate

.PHONY: dist-check
dist-check: ## build what is committed twice, in two folders, and compare what is packed (takes as long as two first builds)
	@deploy/twice.sh $(CHOSEN)

.PHONY: peers
peers: ## fetch what the tests need and is not in the clone (pinned in tests/peers.toml)
	@echo "== peers: everything in tests/peers.toml"
	@$(PYTHON) tests/fixtures/fetch.py

.PHONY: test
test: peers plugin-chaos database pack-test ## fetch the peers, build the connectors, run every suite (ONLY=sqlite,memory: the behaviour of these)
	cargo build --locked -p tablegate
	cargo test --workspace --locked

.PHONY: test-deploy
test-deploy: pack-test ## pack, unpack, install and start it, and run the steps of the image; part of `make test`
	cargo test --locked -p tests --test deploy

.PHONY: pack-test
pack-test: build-dist
	@TABLEGATE_DIST="$(TABLEGATE_TEST_DIST)" $(PACK) archive $(CHOSEN)
	@TABLEGATE_DIST="$(TABLEGATE_TEST_DIST)" $(PACK) deb $(CHOSEN)

# Of so many texts one comes to each place. Part of `make test` is a run with far fewer.
INJECTION_EVERY ?= 10

.PHONY: test-injection
test-injection: $(addprefix plugin-,memory sqlite postgres mysql) ## take the texts of known attacks to every name and value, on each SQL database
	$(RELEASE) build --release --locked -p tablegate
	TABLEGATE_INJECTION_EVERY=$(INJECTION_EVERY) $(RELEASE) test --release --locked -p tests --test injection

# Part of `make test` is a run of three minutes.
SOAK_MINUTES ?= 30

.PHONY: soak
soak: $(addprefix plugin-,memory sqlite postgres mysql) ## load the gateway for SOAK_MINUTES=30 while databases restart and clients go away; prints what grew
	$(RELEASE) build --release --locked -p tablegate
	TABLEGATE_SOAK_MINUTES=$(SOAK_MINUTES) $(RELEASE) test --release --locked -p tests --test soak

.PHONY: fuzz
fuzz: fuzz-build $(addprefix fuzz-,$(FUZZ_TARGETS)) ## feed the parsers with bytes that are looked for (FUZZ_SECONDS=10 for each target)

# The lock file of fuzz/ is committed: cargo-fuzz itself would change it without a word.
.PHONY: fuzz-build
fuzz-build: $(CARGO_FUZZ)
	@cargo fetch --locked --manifest-path fuzz/Cargo.toml || { \
		echo "fuzz: when a dependency of the gateway has changed, run: cargo update --workspace --manifest-path fuzz/Cargo.toml"; exit 1; }
	PATH="$(CARGO_FUZZ_ROOT)/bin:$$PATH" cargo fuzz build $(FUZZ_OPTIONS)

# What is found on the way is kept in the cache folder, so that the next run goes on from there.
# With INPUT=<file> that one input is run, which is how a failure is repeated.
.PHONY: $(addprefix fuzz-,$(FUZZ_TARGETS))
$(addprefix fuzz-,$(FUZZ_TARGETS)): fuzz-%: fuzz-build
	@install -d "$(TABLEGATE_CACHE)/fuzz/$*"
	@PATH="$(CARGO_FUZZ_ROOT)/bin:$$PATH" cargo fuzz run $(FUZZ_OPTIONS) $* \
		$(or $(INPUT),"$(TABLEGATE_CACHE)/fuzz/$*" fuzz/seeds/$* -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=120 -verbosity=0 -print_funcs=0 -print_final_stats=1 \
			$(addprefix -dict=,$(wildcard fuzz/seeds/$*.dict))) \
		|| { echo "fuzz: $* failed. Repeat it with: make fuzz-$* INPUT=<the file named above>"; exit 1; }

$(CARGO_FUZZ):
	@echo "== installing cargo-fuzz $(CARGO_FUZZ_VERSION) into $(CARGO_FUZZ_ROOT) (once, about a minute)"
	cargo install --locked --version $(CARGO_FUZZ_VERSION) --root $(CARGO_FUZZ_ROOT) cargo-fuzz

.PHONY: bench
bench: plugins plugin-chaos database ## compare the gateway with a hand-written server (not a test: prints ratios)
	$(RELEASE) build --release --locked -p tablegate
	$(RELEASE) bench --locked -p tests $(if $(BENCH),-- $(BENCH))

.PHONY: check
check: fmt clippy doc deny ## every check that needs no running server

.PHONY: fmt
fmt: ## formatting as rustfmt.toml says
	cargo fmt --all -- --check

.PHONY: clippy
clippy: ## lints, warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: doc
doc: ## API documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The advisories come from a git repository, which not every network lets through. The other three need nothing.
.PHONY: deny
deny: $(CARGO_DENY) ## licences, sources, duplicates and known vulnerabilities of all dependencies
	$(CARGO_DENY) --locked check bans licenses sources
	@if timeout 120 $(CARGO_DENY) --locked fetch db; then \
		$(CARGO_DENY) --locked check --disable-fetch advisories; \
	else \
		echo "deny: ADVISORIES NOT CHECKED, because the advisory database could not be fetched from here"; \
	fi

$(CARGO_DENY):
	@echo "== installing cargo-deny $(CARGO_DENY_VERSION) into $(CARGO_DENY_ROOT) (once, about two minutes)"
	cargo install --locked --version $(CARGO_DENY_VERSION) --root $(CARGO_DENY_ROOT) cargo-deny

.PHONY: clean
clean: ## delete built libraries and the target folder; data/ and the fetched files stay
	cargo clean
	rm -f plugins/libconnector_* plugins/.libconnector_*
