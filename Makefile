# make demo and make test do all set-up themselves: a machine with Python 3.11 is enough.

PYTHON ?= python3
BIN := .venv/bin
DATA ?= ../shared/data

# What the oldest and the newest dependencies are tried with: what stands on each of them, and is quick.
ACROSS := tests/langchain tests/encoders tests/calibration tests/intents/test_matcher.py \
	$(addprefix tests/qdrant/test_,store_contract.py collection.py searching.py filters.py points.py connecting.py) \
	$(addprefix tests/cli/test_,help.py models.py search.py ingest.py)

# Puts versions of the direct dependencies into the environment .venv-$(1), and runs those tests there.
# anyio's plugin is not used, and its older versions do not know the pytest of today.
define versions
	.venv-$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
	@.venv-$(1)/bin/python -m tests.versions
	.venv-$(1)/bin/python -m pytest $(ACROSS) -m "not slow" -p no:anyio -r fE -n 2 --dist loadfile
endef

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage check fix bench bench-encode bench-pairs bench-store bench-ingest bench-gpu bench-langchain bench-intents bench-setfit test-oldest test-newest test-hub test-server prove audit wheel docs starter clean

help:
	@echo "make demo     the main job on sample documents, in seconds, after a set-up of two minutes"
	@echo "make test     every test"
	@echo "make coverage the same, and which lines they reach"
	@echo "make check    ruff, format, mypy, pyright, import contracts"
	@echo "make bench    speeds and qualities, as ratios where there is a peer"
	@echo "make bench-pairs  seconds to rerank with a pair model"
	@echo "make bench-encode  encoding alone, against plain sentence-transformers"
	@echo "make bench-store  the embedded store against others, which get an environment of their own"
	@echo "make bench-ingest  ingestion against LangChain, Haystack, LlamaIndex and FastEmbed, which get the same"
	@echo "make bench-langchain  the LangChain classes against langchain-huggingface and langchain-qdrant, likewise"
	@echo "make bench-intents  intents against semantic-router, nearest neighbours and logistic regression, likewise"
	@echo "make bench-setfit  the same against SetFit, which trains the vectors: three utterances an intent"
	@echo "make bench-gpu  the same on a GPU, where there is one"
	@echo "make prove    the long proofs: kills, threads, a failing server, a migration under load"
	@echo "make test-hub   the real source models, downloaded (6 GB), the whole way"
	@echo "make test-oldest  the tests that stand on dependencies, on the oldest of each that we declare"
	@echo "make test-newest  the same on the newest that there is"
	@echo "make test-server  what every store promises, on the server at QDRANT_URL"
	@echo "make audit    known vulnerabilities of what constraints.txt pins, by a service on the network"
	@echo "make wheel    build the wheel and use it once in a clean environment"
	@echo "make docs     the guides and the reference into site/; a warning ends it"
	@echo "make starter  train the starter again from DATA=$(DATA), into build/starter"

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[documents]'
	@touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: .venv/developing

demo: .venv/installed
	$(BIN)/simplugin demo

test: .venv/developing
	$(BIN)/python -m pytest -n 2 --dist loadfile

coverage: .venv/developing
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term

check: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --warnings
	PYTHONPATH=integrations $(BIN)/lint-imports

fix: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/developing
	$(BIN)/python -m tests.benchmarks --data $(DATA)

bench-pairs: .venv/developing
	$(BIN)/python -m tests.benchmarks pairs --data $(DATA)

bench-encode: .venv/developing
	$(BIN)/python -m tests.benchmarks encode --data $(DATA)

.venv-peers/installed: tests/benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r tests/benchmarks/peers.txt
	@touch $@

bench-store: .venv/developing .venv-peers/installed
	$(BIN)/python -m tests.benchmarks store --data $(DATA)

bench-ingest: .venv/developing .venv-peers/installed
	$(BIN)/python -m tests.benchmarks ingest --data $(DATA)

bench-langchain: .venv/developing .venv-peers/installed
	$(BIN)/python -m tests.benchmarks langchain --data $(DATA)

bench-intents: .venv/developing .venv-peers/installed
	$(BIN)/python -m tests.benchmarks intents --data $(DATA)

bench-setfit: .venv/developing .venv-peers/installed
	$(BIN)/python -m tests.benchmarks setfit --data $(DATA)

bench-gpu: .venv/developing
	$(BIN)/python -m tests.benchmarks gpu --data $(DATA)

prove: .venv/developing
	SIMPLUGIN_PROVE=1 $(BIN)/python -m pytest tests/proofs -v -s

test-hub: .venv/developing
	SIMPLUGIN_HUB=1 $(BIN)/python -m pytest tests/hub -v

# Environments that see all that .venv has, and have dependencies of their own; .venv stays as it is.
.venv-%/base: .venv/developing
	$(BIN)/python -m venv --clear --without-pip .venv-$*
	@$(BIN)/python -c "from sysconfig import get_path as at; print(at('purelib'), file=open(at('purelib', vars={'base': '.venv-$*'}) + '/beneath.pth', 'w'))"
	@touch $@

test-oldest: .venv-oldest/base
	$(call versions,oldest,$$($(BIN)/python -m tests.versions oldest))

test-newest: .venv-newest/base
	$(call versions,newest,--upgrade $$($(BIN)/python -m tests.versions newest) langchain-tests)

test-server: .venv/developing
	@test -n "$$QDRANT_URL" || { echo "Set QDRANT_URL to a Qdrant server, such as http://localhost:6333"; exit 2; }
	$(BIN)/python -m pytest tests/qdrant tests/langchain tests/proofs -k server -v

# An environment of its own: what audits is no part of what is audited.
.venv-audit/installed:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'
	@touch $@

audit: .venv-audit/installed
	@.venv-audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off || { \
	  echo "make audit: a pin has a known vulnerability (it is listed above), or the list of vulnerabilities could not be asked: then nothing was audited."; exit 1; }

wheel: .venv/developing
	$(BIN)/python -m tests.wheel

.venv/documenting: .venv/developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

docs: .venv/documenting
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

starter: .venv/developing
	$(BIN)/simplugin finetune distill --train $(DATA) --out build/starter

clean:
	rm -rf .venv .venv-audit .venv-peers .venv-oldest .venv-newest build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
