"""Skip where there is no browser; give the tests one daemon and one browser between them.

Both end with this package: while playwright runs, no other test of the thread could run an event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.browser import Served, browser, chromium_path, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    if chromium_path() is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with browser() as running:
        yield running


@pytest.fixture(scope="package")
def daemon(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start a daemon that hears the bundled song again and again."""
    with served(tmp_path_factory.mktemp("own")) as running:
        yield running
