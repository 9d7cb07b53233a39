# The front door.  `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The interpreter to build for and its virtual environment.  Not the first one on PATH: version
# managers put shims there.
PYTHON ?= /usr/bin/python3
VENV ?= build/venv
MESON_BUILD ?= $(VENV).meson
BOOTSTRAP ?= scripts/bootstrap
JOBS ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

ifeq ($(BOOTSTRAP),no)
override BOOTSTRAP := :
endif

SOURCES := $(shell find src barrow -type f -not -name '*.pyc' 2>/dev/null) \
	meson.build meson_options.txt pyproject.toml LICENSE $(wildcard README.md)

.PHONY: help
help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- build -------------------------------------------------------------------------------------

.PHONY: build
build: $(VENV)/.installed ## build and install in build/venv (VENV=, PYTHON= choose others)

.PHONY: venv
venv:
	@$(BOOTSTRAP) build
	@scripts/venv $(PYTHON) $(VENV)

# A real wheel, installed: what is tested is what users get.  Ninja rebuilds only what changed.
$(VENV)/.installed: $(SOURCES) | venv
	@echo "building barrow for $$($(VENV)/bin/python -V) in $(VENV)" >&2
	@mkdir -p $(MESON_BUILD)
	@PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/python -m pip install -q --no-deps \
		--no-build-isolation --force-reinstall -Cbuild-dir=$(MESON_BUILD) -Csetup-args=-Ddebug=true \
		-Ccompile-args=-j$(JOBS) . </dev/null
	@touch $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build dist
