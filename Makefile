# Every target works on a bare clone of a machine that has Rust, Python 3.11 and apt.
.DEFAULT_GOAL := help
.PHONY: help run test check bench evaluate fuzz schema docs wheel clean ready ready-dev ready-bench
BIN := .venv/bin
ASSETS := $(or $(BEFFROI_ASSETS),../shared/assets)
export CARGO_TERM_QUIET ?= true

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

ready:
	@bash .ci/prepare run
ready-dev:
	@bash .ci/prepare dev
ready-bench:
	@bash .ci/prepare bench

run: ready ## Set up what is missing and start the demonstration
	@$(BIN)/beffroi demo

test: ready-dev ## Run all tests
	cargo test --locked
	$(BIN)/python -m pytest -q

check: ready-dev ## Formatting, lints, types, stub, schema and documentation drift
	cargo fmt --check
	cargo clippy --locked --all-targets --features python -- -D warnings
	$(BIN)/ruff format --check python tests benches .ci
	$(BIN)/ruff check python tests benches .ci
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest beffroi._core --allowlist .ci/stubtest-allowlist
	$(BIN)/python .ci/docs.py --check

schema: ready-dev ## Write the site file's JSON Schema
	$(BIN)/beffroi schema > python/beffroi/schema/site.json

docs: ready-dev ## Write the generated parts of the README
	$(BIN)/python .ci/docs.py

bench: ready-bench ## Measure speed and growth, count instructions, compare with peers, and enforce the budgets
	cargo bench --locked
	$(BIN)/beffroi bench
	$(BIN)/python -m benches.peers --install
	$(BIN)/python -m benches.counting --install
	$(BIN)/python -m benches.instructions
	$(BIN)/python -m benches.seeing
	$(BIN)/python -m benches.health
	$(BIN)/python -m benches.evidence
	$(BIN)/python -m benches.ruling
	$(BIN)/python -m benches.replaying --hours 1
	$(BIN)/python -m benches.soak
	$(BIN)/python -m pytest benches -q -rP

evaluate: ready-dev ## Measure quality on the sample clips and tracking sequences, other trackers beside it
	$(BIN)/beffroi evaluate alarms $(ASSETS)/clips/truth.toml
	for set in mot17 mot15 aicity; do for rate in "" "--fps 5"; do \
	  $(BIN)/beffroi evaluate tracking $(ASSETS)/mot/$$set $$rate && \
	  $(BIN)/python -m benches.peers.quality $(ASSETS)/mot/$$set $$rate --install || exit 1; \
	done; done
	@$(MAKE) --no-print-directory fuzz

fuzz: ## Fuzz scenes, scenarios and steps for FUZZ_SECONDS (30) each
	@bash tests/fuzz/run $(or $(FUZZ_SECONDS),30)

wheel: ready-dev ## Build the wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

clean: ## Remove everything that was built
	rm -rf .venv target dist out python/beffroi/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks tests/fuzz/target
