# Earshot. `make help` lists what can be asked; `make run` and `make test` do all set-up themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check
RUN_PACKAGES := espeak-ng libportaudio2
TEST_PACKAGES := $(RUN_PACKAGES) flite mosquitto mosquitto-clients pulseaudio pulseaudio-utils libasound2-plugins
CORE := $(VENV)/.core
DEV := $(VENV)/.dev
RHASSPY := $(VENV)/rhasspy
PEERS := $(VENV)/wake-peers
PORCUPINE := $(VENV)/porcupine
NODE := $(VENV)/node

.DEFAULT_GOAL := help
.PHONY: help run demo test check bench parity peers

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: packages-to-run $(CORE)  ## the assistant; without a microphone it plays the shipped recordings through the same loop
	@$(BIN)/voice run $(ARGS)

demo: packages-to-run $(CORE)  ## the whole chain on the shipped recordings, every expectation checked
	@$(BIN)/voice demo $(ARGS)

test: packages-to-test $(DEV) $(RHASSPY) $(PORCUPINE) $(NODE)  ## the test suite, set-up included; what CI runs
	@$(BIN)/python -m pytest -q $(ARGS)

check: $(DEV)  ## formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: packages-to-test $(DEV)  ## the numbers of docs/performance.md (some need EARSHOT_DATA and say so)
	@$(BIN)/python -m benchmarks $(ARGS)

parity: $(DEV)  ## the shipped models on LiteRT, TensorFlow and tflite-runtime 2.14
	@$(BIN)/python -m benchmarks.engines $(ARGS)

peers: $(PEERS)  ## other wake-word engines, for benchmarks.wake_word, in an environment of their own

.PHONY: packages-to-run packages-to-test
packages-to-run:
	@sh .ci/packages required $(RUN_PACKAGES)

packages-to-test:
	@sh .ci/packages optional $(TEST_PACKAGES)

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml | $(BIN)/python
	@echo "Installing Earshot into $(VENV) (once)"
	@$(PIP) --editable .
	@touch $@

$(DEV): pyproject.toml $(CORE)
	@echo "Installing what the tests need, TensorFlow among it (once)"
	@$(PIP) --editable '.[dev,train]'
	@touch $@

# the peer that reads our messages in the tests: beside the environment, because it pins a paho-mqtt of 2019
$(RHASSPY): tests/bus/rhasspy.txt | $(DEV)
	@$(PIP) --no-deps --upgrade --target $@ --requirement $< && touch $@ || \
	  echo "Not installed: rhasspy-hermes; the tests that need it are skipped with a reason" >&2

# the last Porcupine without an access key: beside the environment, because it asks for enum34, which hides Python's enum
$(PORCUPINE): tests/models/porcupine.txt | $(DEV)
	@$(PIP) --no-deps --upgrade --target $@ --requirement $< && touch $@ || \
	  echo "Not installed: pvporcupine 1.9.5; the tests that need it are skipped with a reason" >&2

# the wake-word engines that benchmarks.wake_word measures beside ours: what they ask for must not meet what we install
$(PEERS): benchmarks/wake/peers.txt
	@$(PYTHON) -m venv $@ && $@/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps \
	  --requirement $< && touch $@

# the MQTT client of the JavaScript example, where there is npm
$(NODE): | $(DEV)
	@command -v npm >/dev/null && npm install --no-audit --no-fund --silent --prefix $@ mqtt@5.16.0 || \
	  { rm -rf $@; echo "Not installed: npm package mqtt; the test that needs it is skipped with a reason" >&2; }
