"""Check what the options of the page set."""

from __future__ import annotations

import pytest

from bridge.cli._page import page_settings
from bridge.config import Config, PageConfig, override
from library.errors import ConfigError


@pytest.mark.parametrize(
    ("port", "no_page", "open_page", "wanted"),
    [
        (None, False, False, PageConfig(enabled=True, port=17380, open=False)),
        (18000, False, False, PageConfig(enabled=True, port=18000, open=False)),
        (None, True, False, PageConfig(enabled=False)),
        (18000, True, False, PageConfig(enabled=False, port=18000)),
        (None, False, True, PageConfig(enabled=True, open=True)),
    ],
)
def test_the_page_is_there_unless_it_is_switched_off(
    port: int | None, no_page: bool, open_page: bool, wanted: PageConfig
) -> None:
    assert override(Config(), page_settings(port, no_page, open_page)).page == wanted


def test_asking_for_the_page_wins_over_the_config_file() -> None:
    silent = Config(page=PageConfig(enabled=False))
    assert not override(silent, page_settings(None, False, False)).page.enabled
    assert override(silent, page_settings(17390, False, False)).page.enabled
    assert override(silent, page_settings(None, False, True)).page.enabled


def test_a_port_that_can_not_be_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"page\.port"):
        override(Config(), page_settings(70_000, False, False))
