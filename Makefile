# `make demo` and `make test` do all the set-up themselves, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check benchmark clean

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	# Torch with CUDA is several GB, which pip would keep a second time.
	$(BIN)/python -m pip install --quiet --no-cache-dir --editable ".[dev,asr]"
	touch $@

demo: $(VENV)/installed
	$(BIN)/python -m speechbrain_emotion.demo tests/samples/CREMA-D \
		--plot demo.png

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	git ls-files '*.yaml' '*.yml' | xargs $(BIN)/yamllint --strict
	$(BIN)/codespell

# Forty minutes and 15 GB of memory; ratios to transformers, for docs.
benchmark: $(VENV)/installed
	$(BIN)/python tests/benchmarks/run.py

clean:
	rm -rf $(VENV) results tests/tmp demo.png
