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
CHROOT ?= build/forky
PYTEST_ARGS ?= -q
# The HTML page of `barrow report`: auto (where npm is), enabled or disabled.
REPORT ?= auto
TARGET ?= pytest
MESON = PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/meson

export PIP_DISABLE_PIP_VERSION_CHECK := 1

ifeq ($(BOOTSTRAP),no)
override BOOTSTRAP := :
endif

SOURCES := $(shell find src barrow web -name node_modules -prune -o -name dist -prune -o \
	-type f -not -name '*.pyc' -print 2>/dev/null) scripts/build-web scripts/web-tree scripts/embed \
	meson.build meson_options.txt pyproject.toml LICENSE $(wildcard README.md)

.PHONY: help
help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- build -------------------------------------------------------------------------------------

# By another make, as the environment may just have been made again.
.PHONY: build
build: venv ## build and install in build/venv (VENV=, PYTHON= choose others)
	@$(MAKE) -s --no-print-directory $(VENV)/.installed

.PHONY: venv
venv:
	@$(BOOTSTRAP) build
	@scripts/venv $(PYTHON) $(VENV)

# A real wheel, installed: what is tested is what users get.  Ninja rebuilds only what changed.
$(VENV)/.installed: $(SOURCES)
	@echo "building barrow for $$($(VENV)/bin/python -V) in $(VENV)" >&2
	@# A build directory made before an option existed can't be given it.
	@if test meson_options.txt -nt $(MESON_BUILD)/build.ninja; then rm -rf $(MESON_BUILD); fi
	@mkdir -p $(MESON_BUILD)
	@PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/python -m pip install -q --no-deps \
		--no-build-isolation --force-reinstall -Cbuild-dir=$(MESON_BUILD) -Csetup-args=-Ddebug=true \
		-Csetup-args=-Dreport=$(REPORT) -Ccompile-args=-j$(JOBS) . </dev/null
	@test -s $(MESON_BUILD)/web/report.html || test $(REPORT) = disabled || \
		echo "make: built without HTML reports: npm is missing or can't get the page's packages" >&2
	@touch $@

# ---- tests -------------------------------------------------------------------------------------

.PHONY: test
test: layers unit native pytest pages ## layers, unit tests in C under sanitizers, Python, command-line and page tests

.PHONY: layers
layers:
	@scripts/check-layers.py

# The reading side and the command line, built with AddressSanitizer and UBSan; warnings are errors.
SAN := build/san
.PHONY: san-build
san-build: venv
	@$(BOOTSTRAP) test
	@test -e $(SAN)/build.ninja || $(MESON) setup $(SAN) -Dextension=false -Dtests=true \
		-Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Dwerror=true >/dev/null
	@$(MESON) compile -C $(SAN) -j$(JOBS) --ninja-args=--quiet >/dev/null || $(MESON) compile -C $(SAN)

.PHONY: unit
unit: san-build
	$(MESON) test -C $(SAN) --print-errorlogs --num-processes $(JOBS)

# The hooks of the C library's functions can't be tested under sanitizers, which hook them too.
PLAIN := build/plain
.PHONY: native
native: san-build
	@test -e $(PLAIN)/build.ninja || $(MESON) setup $(PLAIN) -Dextension=false -Dtests=true \
		-Dreport=disabled >/dev/null
	@$(MESON) compile -C $(PLAIN) -j$(JOBS) --ninja-args=--quiet >/dev/null || $(MESON) compile -C $(PLAIN)
	$(MESON) test -C $(PLAIN) --suite native --print-errorlogs --num-processes $(JOBS)

# The tests start from a directory without sources, so that they find the installed package.
.PHONY: pytest
pytest: build
	$(VENV)/bin/pytest $(PYTEST_ARGS)

# The report's page in Chromium, and heap snapshots in the loader of its DevTools.
.PHONY: pages
pages: build san-build
	@$(BOOTSTRAP) test
	@scripts/web-tree tests/devtools build/devtools || \
		echo "make: npm can't install the packages of tests/devtools (see build/devtools.log)" >&2
	$(VENV)/bin/pytest $(PYTEST_ARGS) tests/web tests/devtools

# The extension under sanitizers shadows the installed one.  Leaks: the unit tests look for them;
# commands leave what they hold to the kernel, and the interpreter is full of them.
SAN_PYTHON := $(SAN)-python
SAN_SITE = $(abspath $(SAN_PYTHON))/site
SAN_TESTS := tests/python/test_api_reading.py tests/python/test_api_arrow.py
.PHONY: san
san: unit build ## unit tests, command line and Python's reading side under ASan and UBSan
	ASAN_OPTIONS=detect_leaks=0 BARROW_EXE=$(abspath $(SAN))/src/barrow \
		$(VENV)/bin/pytest $(PYTEST_ARGS) tests/cli
	@test -e $(SAN_PYTHON)/build.ninja || $(MESON) setup $(SAN_PYTHON) -Dbuildtype=debug \
		-Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false --bindir=$(SAN_SITE)/bin \
		-Dpython.platlibdir=$(SAN_SITE) -Dpython.purelibdir=$(SAN_SITE) >/dev/null
	@$(MESON) install -C $(SAN_PYTHON) --quiet
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=1 PYTHONPATH=$(SAN_SITE) \
		$(VENV)/bin/pytest $(PYTEST_ARGS) $(SAN_TESTS)

.PHONY: pyspark
pyspark: venv ## install PySpark (450 MB) and Java, without which make test skips their tests
	@$(BOOTSTRAP) pyspark
	@$(VENV)/bin/python -c 'import pyspark' 2>/dev/null || \
		$(VENV)/bin/python -m pip install -q 'pyspark>=4.1,<5' </dev/null

.PHONY: matrix
matrix: ## the Python tests on 3.11-3.15 (VERSIONS=); those the host lacks in a Debian chroot (CHROOT=)
	@scripts/matrix $(CHROOT) $(TARGET) $(VERSIONS)

.PHONY: suite
suite: build ## CPython's own tests with and without barrow; on all versions: make matrix TARGET=suite
	@$(BOOTSTRAP) suite
	$(VENV)/bin/python tests/cpython_suite/run.py $(SUITE_ARGS)

# T: a file of tests/fuzz without its ending.  New inputs stay in build/, seeds are never changed.
FUZZ := build/fuzz
SECS ?= 60
.PHONY: fuzz
fuzz: venv ## fuzz one target: T=name SECS=60
	@$(BOOTSTRAP) test fuzz
	@test -n "$(T)" || { echo "usage: make fuzz T=name [SECS=60]; T is one of:" \
		$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)) >&2; exit 2; }
	@test -e $(FUZZ)/build.ninja || CC=clang-14 $(MESON) setup $(FUZZ) -Dextension=false \
		-Dfuzzers=true -Dreport=disabled -Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined \
		-Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
	@$(MESON) compile -C $(FUZZ) -j$(JOBS) fuzz_$(T) >/dev/null
	@mkdir -p $(FUZZ)/corpus/$(T) tests/fuzz/corpus/$(T)
	cd $(FUZZ) && ./tests/fuzz/fuzz_$(T) -max_total_time=$(SECS) -print_final_stats=1 -rss_limit_mb=4096 \
		corpus/$(T) $(abspath tests/fuzz/corpus/$(T))

.PHONY: bench
bench: build ## barrow beside other profilers, on 3.11 and on 3.14 in the chroot (BENCH_ARGS=)
	@$(BOOTSTRAP) matrix bench
	@scripts/chroot setup $(CHROOT)
	bench/run --forky $(CHROOT) $(BENCH_ARGS)
	@test -e build/tools/build.ninja || $(MESON) setup build/tools -Dextension=false -Dtests=true \
		-Dreport=disabled >/dev/null
	@$(MESON) compile -C build/tools -j$(JOBS) make-heap time-graph >/dev/null
	bench/graph --tools build/tools/tests/c
	$(VENV)/bin/python bench/page --barrow $(VENV)/bin/barrow
	$(VENV)/bin/pip install -q memory_profiler
	bench/lines $(VENV)/bin/python
	bench/census --python $(abspath $(VENV))/bin/python
	$(VENV)/bin/pip install -q guppy3 objgraph pympler
	bench/dig --objects 1000000,5000000 $(VENV)/bin/python
	bench/attach $(VENV)/bin/barrow $(VENV)/bin/python

# ---- looks -------------------------------------------------------------------------------------

.PHONY: check
check: layers venv ## format, lint, types, layers
	@$(BOOTSTRAP) check
	clang-format-14 --dry-run --Werror $(shell find src tests/c tests/fuzz -name '*.c' 2>/dev/null)
	@scripts/check-text.py
	$(VENV)/bin/ruff check -q barrow scripts tests bench
	$(VENV)/bin/mypy
	@if command -v npm >/dev/null; then \
		scripts/web-tree web build/web || { cat build/web.log >&2; exit 1; }; \
		npm --silent --prefix build/web run check; \
	else echo "check: no npm here: the report page's types are not checked" >&2; fi

.PHONY: format
format: ## format the C sources
	@$(BOOTSTRAP) check
	clang-format-14 -i $(shell find src tests/c tests/fuzz -name '*.c' 2>/dev/null)

.PHONY: demo
demo: build ## record a real program and look at it
	@scripts/demo $(VENV)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build dist
