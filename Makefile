# Tablegate: build, run, test. `make help` lists the targets.
#
# Needs rust (rustup reads rust-toolchain.toml), a C compiler, python3 with pip, bash. Works as root or not.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What is fetched and built stays outside the clone, so that a new clone starts warm and the clone stays small.
export TABLEGATE_CACHE := $(abspath $(or $(TABLEGATE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tablegate))
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),$(TABLEGATE_CACHE)/target))

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY_ROOT := $(TABLEGATE_CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)
CARGO_DENY := $(CARGO_DENY_ROOT)/bin/cargo-deny

# A connector is a crate under connectors/ that builds a library to load. `chaos` misbehaves on purpose: it is built
# for the tests, into a folder of its own, and never into plugins/.
ALL_CONNECTORS := $(patsubst connectors/%/Cargo.toml,%,$(shell grep -l '^crate-type.*cdylib' connectors/*/Cargo.toml))
CONNECTORS ?= $(filter-out chaos,$(ALL_CONNECTORS))
export TABLEGATE_TEST_PLUGINS := $(CARGO_TARGET_DIR)/test-plugins

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
	cargo build --release --locked -p tablegate
	@$(MAKE) --no-print-directory plugins CONNECTORS=sqlite

.PHONY: database
database: ## make data/flights.sqlite from public data
	@$(FLIGHTS) $(DATABASE)

.PHONY: plugins
plugins: $(addprefix plugin-,$(CONNECTORS)) ## build each connector by itself and put its library into plugins/

# Each with its own `-p`, because cargo would otherwise unite the features of all of them.
# The library goes in under a temporary name and is then renamed: a running gateway never sees half a file.
.PHONY: $(addprefix plugin-,$(ALL_CONNECTORS))
$(addprefix plugin-,$(filter-out chaos,$(ALL_CONNECTORS))): plugin-%:
	cargo build --release --locked -p connector-$*
	@$(call install_library,$*,plugins)

plugin-chaos:
	cargo build --release --locked -p connector-chaos
	@$(call install_library,chaos,$(TABLEGATE_TEST_PLUGINS))

define install_library
library=libconnector_$(subst -,_,$(1)).so; \
install -d -m 755 "$(2)"; \
install -m 755 "$(CARGO_TARGET_DIR)/release/$$library" "$(2)/.$$library.tmp"; \
mv -f "$(2)/.$$library.tmp" "$(2)/$$library"; \
echo "installed $(2)/$$library"
endef

.PHONY: peers
peers: ## fetch what the tests need and is not in the clone (pinned in tests/peers.toml)
	@echo "== peers: everything in tests/peers.toml"
	@$(PYTHON) tests/fixtures/fetch.py

.PHONY: test
test: peers plugins plugin-chaos database ## fetch the peers, build the connectors, run every suite (ONLY=sqlite,memory: the behaviour of these)
	cargo build --locked -p tablegate
	cargo test --workspace --locked

.PHONY: bench
bench: plugins plugin-chaos database ## compare the gateway with a hand-written server (not a test: prints ratios)
	cargo build --release --locked -p tablegate
	cargo bench --locked -p tests $(if $(BENCH),-- $(BENCH))

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
