# The two commands: `make demo` and `make test`. Each makes `.venv` and installs what it needs, once.
PYTHON ?= python3
# PyTorch first and alone: its wheel decides what else fits, and its index may be another one.
TORCH ?= torch==2.13.0
# Where PyTorch comes from, and nothing else: an index beside PyPI could offer any package under a name of PyPI's.
TORCH_INDEX ?=
# Modules are translated once, not by each of the many processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
EXTRAS := torch,jax,haiku,onnx,transformer-lens,huggingface,gguf,clients,tracr,solver,serve,plots,parquet,docs,dev

# What is tried with the lowest versions: the core. Frameworks are not, since nobody installs their oldest wheels.
LOWEST := $(VENV)-lowest
CORE := tests/test_interpret.py tests/test_rasp.py tests/test_jsonvalues.py tests/graph tests/text tests/run \
	tests/weights/test_saving.py tests/weights/test_replacing.py tests/weights/test_config.py tests/cli/test_commands.py

SEED := 0
COUNT := 2000
WRITE :=
SECONDS := 60

comma := ,

BACKENDS := torch,jax,haiku,transformer_lens,onnx,huggingface,npz

.PHONY: lock locked test-lowest demo demo-llama demo-writer test test-all clients lint format bench fuzz fuzz-load fuzz-api parity screenshots gallery docs linkcheck notebooks clean

demo: $(VENV)/demo.stamp
	$(BIN)/python examples/majority.py

# A Llama that sorts digits, from a program; transformers alone generates with it.
demo-llama: $(VENV)/llama.stamp
	$(BIN)/python examples/sort_llama.py

# A Llama that adds numbers of thirty digits; transformers alone is asked. And the page of one carry.
demo-writer: $(VENV)/llama.stamp
	$(BIN)/python examples/add_llama.py

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 -m "not slow and not clients"

test-all: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

# Checkpoints in transformers, TransformerLens, nnsight, onnxruntime and, where it has a wheel, llama.cpp; models and
# circuits in tools of interpretability, each in an environment of its own under artifacts/clients; what is killed a
# hundred times.
clients: $(VENV)/dev.stamp
	-$(PIP) --only-binary :all: xllamacpp
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "clients and not slow"

# The core with the lowest versions that pyproject.toml allows, in an environment of its own.
test-lowest: | $(BIN)/python
	$(PIP) uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable . \
		'pytest>=8' 'hypothesis>=6.100' 'pexpect>=4.9' 'array-api-strict>=2.3' 'matplotlib>=3.8' 'networkx>=3.2'
	$(LOWEST)/bin/python -m pytest -m "not slow" $(CORE)

# The versions and hashes of all that a developer installs, for every system and Python from 3.11 on.
lock: | $(BIN)/python
	$(PIP) uv
	echo '$(TORCH)' | $(BIN)/uv pip compile --quiet pyproject.toml --constraints - --universal --python-version 3.11 \
		--generate-hashes --no-header $(foreach extra,$(filter-out clients,$(subst $(comma), ,$(EXTRAS))),--extra $(extra)) \
		--output-file requirements-dev.lock

# Installs just these, for `make test` and all else; PyTorch is the one of PyPI.
locked: | $(BIN)/python
	$(PIP) --require-hashes --requirement requirements-dev.lock
	$(PIP) --no-deps --editable .
	touch $(VENV)/torch.stamp $(VENV)/demo.stamp $(VENV)/dev.stamp

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz --seed $(SEED) --count $(COUNT)

# Coverage-guided, if atheris has a wheel for this Python; else blindly, and it says so. SECONDS for each target.
fuzz-load: $(VENV)/dev.stamp
	-$(PIP) --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz_load --seconds $(SECONDS)

# Calls of the public API and command lines with arguments that nobody means.
fuzz-api: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz_api --seconds $(SECONDS)

parity: $(VENV)/dev.stamp
	$(BIN)/raspc parity --library --require $(BACKENDS)
	$(BIN)/raspc parity majority --artifacts artifacts --results results

# Pictures of the pages at two widths in both colour schemes, to be looked at; needs a Chromium.
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.view.screenshots artifacts/screenshots

# A page for each program of the library, and one that lists them.
gallery: $(VENV)/demo.stamp
	$(BIN)/python examples/gallery.py artifacts/gallery

# The site, in docs/_build/html: every notebook is run, every link within the site is looked up, a warning is a failure.
docs: $(VENV)/dev.stamp
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --builder html docs docs/_build/html

# Asks every address outside the site whether it is there.
linkcheck: $(VENV)/dev.stamp
	$(BIN)/python -m sphinx --builder linkcheck --define nb_execution_mode=off --define raspc_gallery=0 docs docs/_build/linkcheck

# Runs every notebook and compares with what it shows; `make notebooks WRITE=--write` writes what it shows anew.
notebooks: $(VENV)/dev.stamp
	$(BIN)/python -m docs.site.notebooks $(WRITE)

clean:
	rm -rf docs/_build docs/examples $(VENV) build dist artifacts results .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp stands for a finished installation; it is made again when pyproject.toml changes.
$(VENV)/torch.stamp: | $(BIN)/python
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	touch $@

$(VENV)/demo.stamp: pyproject.toml | $(VENV)/torch.stamp
	$(PIP) --editable '.[torch]'
	touch $@

$(VENV)/llama.stamp: pyproject.toml | $(VENV)/torch.stamp
	$(PIP) --editable '.[huggingface]'
	touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/torch.stamp
	$(PIP) --editable '.[$(EXTRAS)]'
	touch $@ $(VENV)/demo.stamp $(VENV)/llama.stamp
