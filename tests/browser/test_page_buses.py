"""Choose among several buses in Chromium, by mouse and by keys; let axe-core look at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.browser import LOAD_MS, SONG, WAIT_MS, Served, open_page, served, silence
from tests.browser.test_page_axe import faults_everywhere

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

MISSING = "jack:no such port"
SONG_BUS, SILENT_BUS, MISSING_BUS = (f"#buses button:nth-child({place})" for place in (1, 2, 3))


@pytest.fixture(scope="module")
def buses(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start a daemon that hears the bundled song, a silent recording, and ports that are not there."""
    own = tmp_path_factory.mktemp("buses")
    with served(own, "--input", silence(own), "--input", MISSING, source=SONG) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, buses: Served) -> Iterator[Page]:
    """Open the page with the song in focus; no script may fail and nothing be blocked."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.goto(buses.url)
    opened.set_default_timeout(WAIT_MS)
    opened.click(SONG_BUS, timeout=LOAD_MS)
    yield open_page(opened, buses.url, errors)
    context.close()
    assert errors == []


def test_each_bus_has_a_button_with_what_it_hears(page: Page) -> None:
    assert page.locator("#buses .name").all_text_contents() == ["song.ogg", "silence.wav", "no such port"]
    page.wait_for_function("() => Number(document.querySelector('#buses .hears').textContent) > 0")
    page.wait_for_selector(f"{SILENT_BUS}[data-state=silent]:has-text('silent')")
    page.wait_for_selector(f"{MISSING_BUS}[data-state=no-device]:has-text('no device')")
    assert page.text_content("#state") == "listening"  # that of the bus in focus
    label = page.get_attribute(SONG_BUS, "aria-label") or ""
    assert label.startswith("song.ogg: hears ")
    assert [one.get_attribute("aria-pressed") for one in page.locator("#buses button").all()] == [
        "true", "false", "false",
    ]  # fmt: skip


def test_a_click_moves_the_focus_and_another_page_follows(page: Page, chromium: Browser, buses: Served) -> None:
    context = chromium.new_context()
    other = open_page(context.new_page(), buses.url, [])
    page.wait_for_selector("#picture:not(.empty)")
    page.click(SILENT_BUS)
    for one in (page, other):
        one.wait_for_selector(f"{SILENT_BUS}[aria-pressed=true]")
        one.wait_for_selector("body[data-state=silent].hears-nothing")
        one.wait_for_selector("#picture.empty")
        assert (one.text_content("#input") or "").endswith("silence.wav,loop")
    other.click(SONG_BUS)
    for one in (page, other):
        one.wait_for_selector(".lane .sound")
        one.wait_for_selector("#picture:not(.empty)")
    context.close()


def test_keys_move_the_focus_and_the_button_keeps_the_keyboard(page: Page) -> None:
    page.focus(SILENT_BUS)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{SILENT_BUS}[aria-pressed=true]:focus")
    page.wait_for_selector("body.hears-nothing")
    page.keyboard.press("1")
    page.wait_for_selector(f"{SONG_BUS}[aria-pressed=true]")
    page.wait_for_selector(".lane .sound")
    assert page.locator(f"{SILENT_BUS}:focus").count() == 1
    page.keyboard.press("?")
    page.wait_for_selector("#help-buses:visible")


def test_nothing_grave_is_found_with_several_buses(page: Page) -> None:
    page.wait_for_selector(f"{MISSING_BUS}[data-state=no-device]")
    found = faults_everywhere(page)
    page.click(MISSING_BUS)
    page.wait_for_selector("body[data-state=no-device]")
    found += faults_everywhere(page)
    assert not found, "\n".join(found)


def test_a_single_bus_has_no_row(chromium: Browser, daemon: Served) -> None:
    context = chromium.new_context()
    opened = open_page(context.new_page(), daemon.url, [])
    assert opened.locator("#buses:visible").count() == 0
    context.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_the_row_fits(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    edges = page.evaluate(
        "() => [...document.querySelectorAll('#buses *')].map((one) => one.getBoundingClientRect().right)"
    )
    assert max(edges) <= width
