# Targets create the virtual environment from the lock file when it is missing or out of date.
#
#   make demo ARGS="--port 8123"
#   make test ARGS="-k signature" WORKERS=4
#   make lint PYTHON=python3.13

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
REPORTS ?= .reports
UV ?= uv
ARGS ?=

RUN := $(VENV)/bin
PIP := $(RUN)/python -m pip --quiet --disable-pip-version-check
LOCK := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo serve test test-slow bench lint openapi format picture lock upgrade-sample release-document clean

help:
	@echo "make help              list the targets"
	@echo "make demo              play the story of a dispute on a fresh database, and serve it"
	@echo "make serve             serve the registry"
	@echo "make test              run the tests on SQLite and PostgreSQL"
	@echo "make test-slow         run the tests that take long; they need Node with npm, PgBouncer and nginx as well"
	@echo "make bench             measure how fast the service is, and write the figures into docs/performance.md"
	@echo "make lint              check format, style, types, house rules, migrations and the API's description"
	@echo "make openapi           write the API's description to $(REPORTS)/openapi.json, and check it"
	@echo "make format            format the source"
	@echo "make picture           make the pictures and tables of docs/ again: floors, stages, who may see what"
	@echo "make lock              renew the lock files (ARGS=--upgrade takes newer versions)"
	@echo "make upgrade-sample    keep the demo in a backup before you change a table, for the tests of upgrades"
	@echo "make release-document  keep the API's description as that of the last release, for later comparisons"
	@echo "make clean             remove everything that these targets made"

demo: $(VENV)/installed
	@$(RUN)/accord demo --credentials .demo/credentials.json $(ARGS)

serve: $(VENV)/installed
	@$(RUN)/accord serve $(ARGS)

test: $(VENV)/installed-dev
	$(RUN)/python -m pytest -n $(WORKERS) --dist worksteal --junitxml=$(REPORTS)/tests.xml $(ARGS)

test-slow: $(VENV)/installed-dev
	$(RUN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow --junitxml=$(REPORTS)/tests-slow.xml $(ARGS)

bench: $(VENV)/installed-dev
	$(RUN)/python -m benchmarks

# .pre-commit-config.yaml runs the same at each commit. tests/house holds the import rules and `alembic check`.
lint: $(VENV)/installed-dev
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/python -m pytest -q tests/house
	@$(MAKE) --no-print-directory openapi
	@test ! -x $(RUN)/hadolint || { echo "$(RUN)/hadolint Dockerfile"; $(RUN)/hadolint Dockerfile; }

openapi: $(VENV)/installed-dev
	@mkdir -p $(REPORTS)
	$(RUN)/accord openapi --out $(REPORTS)/openapi.json
	$(RUN)/openapi-spec-validator $(REPORTS)/openapi.json

format: $(VENV)/installed-dev
	$(RUN)/ruff check --fix-only --quiet .
	$(RUN)/ruff format .

# A test fails when a picture differs from what this writes.
picture: $(VENV)/installed-dev
	$(RUN)/python -m tests.house.picture
	$(RUN)/python -m tests.docs.stages
	$(RUN)/python -W ignore -m tests.docs.who_may_see_what

# Both files have the same versions: the first constrains the second.
lock:
	@command -v $(UV) > /dev/null || { echo "make lock needs uv: pip install uv, or UV=/path/to/uv" >&2; exit 1; }
	$(LOCK) --extra build --output-file requirements.lock $(ARGS)
	$(LOCK) --extra build --extra dev --constraints requirements.lock --output-file requirements-dev.lock $(ARGS)

# Run it before the change: the migration that follows must upgrade what the present tables hold.
upgrade-sample: $(VENV)/installed-dev
	$(RUN)/python -W ignore -m tests.upgrade_sample

# Belongs into the commit of a release, with its heading in CHANGELOG.md.
release-document: $(VENV)/installed-dev
	$(RUN)/python -m tests.compatibility

clean:
	rm -rf $(VENV) $(REPORTS) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find app tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Accord needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "$(PYTHON) cannot make a virtual environment: install its venv package (Debian: python3-venv)" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV)

# The development lock includes the runtime lock, so either may be installed first.
$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing from $< …"
	@$(PIP) install --require-hashes --requirement $<
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing from $< …"
	@$(PIP) install --require-hashes --requirement $<
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $(VENV)/installed $@
