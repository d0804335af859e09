# make demo   the bundled song through Timbrel, in the terminal
# make test   all tests
# make ci     what has to pass before a change lands
#
# Each sets up what it needs: system packages where this user may install them, the Python environment in .venv.

BIN := .venv/bin
ARGS ?=

.PHONY: demo test ci setup setup-test screenshot page-screenshot clean

demo: .venv/.ready-demo
	@$(BIN)/timbrel demo $(ARGS)

# Two at a time: most tests wait for other programs. A file stays together, for what its tests share.
test: .venv/.ready-test
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

ci:
	@.ci/run

setup: .venv/.ready-demo

setup-test: .venv/.ready-test

# The picture in the README.
screenshot: .venv/.ready-demo
	@$(BIN)/timbrel demo --speed 0 --no-page --screenshot examples/demo.svg
	@rsvg-convert --width 1460 examples/demo.svg --output examples/demo.png || \
		echo "demo.png is as it was: apt-get install librsvg2-bin fonts-dejavu-core"

# The picture of the page; ARGS=FOLDER takes one of each state instead.
page-screenshot: .venv/.ready-test
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

.venv/.ready-demo: pyproject.toml .ci/setup
	@.ci/setup demo
	@touch $@

.venv/.ready-test: pyproject.toml .ci/setup
	@.ci/setup test
	@touch $@ .venv/.ready-demo

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
