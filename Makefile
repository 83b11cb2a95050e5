# make quick: every artefact in miniature      make test: the test suite
# make bench: the engine against plain code    make lint: what CI checks, too
PYTHON ?= python3
VENV ?= .venv
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
BIN := $(VENV)/bin

.PHONY: install quick test lint bench

install: $(VENV)/.complete

quick: $(VENV)/.complete
	$(BIN)/python -m workflow.scripts.progress -- $(BIN)/snakemake \
	    --cores $(CORES) --configfile config/quick.yaml
	@cat results/quick/table2.md
	@printf '\nTables and scores:\n'; ls results/quick/*.*
	@printf '\nFigures:\n'; ls figures/quick/*.*

test: $(VENV)/.complete
	PYTHONUTF8=1 $(BIN)/python -m pytest --numprocesses $(CORES) --maxprocesses 8 \
	    --dist loadfile --no-loadscope-reorder

# DEVICE=cuda for a GPU; nothing else should run meanwhile
bench: $(VENV)/.complete
	$(BIN)/python -m benchmarks.speed --device $(or $(DEVICE),cpu)

lint: $(VENV)/.complete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check .
	$(BIN)/snakemake --lint

# the marker comes last, so that a broken installation is made again
$(VENV)/.complete: requirements.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --requirement requirements.txt
	touch $@
