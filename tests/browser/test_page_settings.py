"""Like, tune, pick an input and keep the settings in Chromium, against a daemon and a JACK server that are real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge.config import load_config
from tests.browser.browser import TIMBREL, WAIT_MS, Served, open_page, served
from tests.integration.jack import ToneClient, jack_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = "# mine\n[osc]\ndiscover = false  # not here\n"


@dataclass(frozen=True, slots=True)
class Mine:
    """Hold a daemon with settings and opinions of its own."""

    daemon: Served
    own: Path

    @property
    def config(self) -> Path:
        return self.own / "timbrel" / "config.toml"

    def liked(self) -> list[str]:
        environment = os.environ | {"XDG_DATA_HOME": str(self.own)}
        done = subprocess.run(
            [sys.executable, "-c", TIMBREL, "library", "info", "gm", "--json"],
            capture_output=True, text=True, timeout=120, check=True, env=environment,
        )  # fmt: skip
        return [str(one) for one in json.loads(done.stdout)["liked"]]


@pytest.fixture(scope="module")
def mine(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mine]:
    """Start a daemon that hears the bundled song, on a JACK server with one client that plays."""
    own = tmp_path_factory.mktemp("mine")
    (own / "timbrel").mkdir()
    (own / "timbrel" / "config.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch, jack_server() as server:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        with ToneClient(server, "desk (A)", [440.0, 660.0]), served(own) as daemon:
            yield Mine(daemon, own)


@pytest.fixture
def page(chromium: Browser, mine: Mine) -> Iterator[Page]:
    """Open the page and wait for instruments; no script may fail and nothing be blocked."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield open_page(context.new_page(), mine.daemon.url, errors)
    context.close()
    assert errors == []


def toast(opened: Page, pattern: str) -> str:
    """Wait for an answer of the daemon; return it."""
    found = opened.locator(".toast").filter(has_text=re.compile(pattern)).last
    found.wait_for()
    return found.text_content() or ""


def test_a_like_by_key_is_kept_and_shown_and_taken_back_by_the_same_key(page: Page, mine: Mine) -> None:
    page.keyboard.press("ArrowDown")
    sound, name = page.evaluate(
        "() => [document.activeElement.dataset.sound, document.activeElement.querySelector('.name').textContent]"
    )
    page.keyboard.press("f")
    assert toast(page, "is liked") == f"{name} is liked"
    page.wait_for_selector(f'.sound[data-sound="{sound}"] .about:has-text("liked")')
    assert ", liked, " in (page.get_attribute(f'.sound[data-sound="{sound}"]', "aria-label") or "")
    assert mine.liked() == [sound]
    page.locator(f'.sound[data-sound="{sound}"]').first.focus()
    page.keyboard.press("f")
    toast(page, f"{re.escape(name)} is no longer liked")
    page.wait_for_selector(f'.sound[data-sound="{sound}"]:not(:has(.about:text("liked")))')
    assert mine.liked() == []


def test_a_like_by_button_is_of_the_best_sound_of_the_lane(page: Page, mine: Mine) -> None:
    lane = page.locator(".lane").first
    lane.locator(".lock").click()  # else the music may bring another best under the finger
    page.wait_for_selector(".lane.locked")
    lane = page.locator(".lane.locked")
    best = lane.locator(".sound").first.get_attribute("data-sound")
    lane.locator(".like").click()
    toast(page, "is liked")
    assert mine.liked() == [best]
    page.wait_for_selector(f'.lane:has(.sound:first-child[data-sound="{best}"]) .like[aria-pressed=true]')
    page.locator(f'.lane:has(.sound:first-child[data-sound="{best}"]) .like').click()
    toast(page, "is no longer liked")
    lane.locator(".lock").click()
    page.wait_for_selector(".lane.locked", state="detached")


def test_sliders_by_keys_set_the_daemon_and_another_page_follows(page: Page, chromium: Browser, mine: Mine) -> None:
    context = chromium.new_context()
    other = open_page(context.new_page(), mine.daemon.url, [])
    calibrated = page.input_value("#threshold")
    assert page.text_content("#threshold-text") == f"{float(calibrated):.2f}, as calibrated"
    assert page.is_disabled("#threshold-reset")
    page.focus("#threshold")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    other.wait_for_function("() => document.querySelector('#threshold').value === '0.01'")
    other.wait_for_function("() => document.querySelector('#threshold').ariaValueText?.startsWith('0.01, calibrated')")
    other.wait_for_function("() => document.querySelectorAll('.lane').length >= 5")  # hears more
    other.focus("#stability")
    other.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('#stability').value === '1'")
    page.click("#stability-reset")
    other.wait_for_function("() => document.querySelector('#stability-text').textContent === '0.50, as usual'")
    other.click("#threshold-reset")
    page.wait_for_function("(usual) => document.querySelector('#threshold').value === usual", arg=calibrated)
    assert page.locator(".toast").count() == 0
    context.close()


def test_a_slider_by_mouse_sets_where_it_was_let_go(page: Page, chromium: Browser, mine: Mine) -> None:
    context = chromium.new_context()
    other = open_page(context.new_page(), mine.daemon.url, [])
    page.locator("#stability").scroll_into_view_if_needed()
    box = page.locator("#stability").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in (0.6, 0.8, 1.0):
        page.mouse.move(box["x"] + share * box["width"] - 2, middle)
    page.mouse.up()
    other.wait_for_function("() => document.querySelector('#stability').value === '1'")  # the daemon has it
    page.reload()
    page.wait_for_function("() => document.querySelector('#stability').value === '1'")
    page.click("#stability-reset")
    page.wait_for_function("() => document.querySelector('#stability').value === '0.5'")
    context.close()


def test_an_input_is_picked_from_the_list_of_this_machine_and_settings_are_kept_when_asked(
    page: Page, mine: Mine
) -> None:
    page.focus("#inputs summary")
    page.keyboard.press("Enter")
    row = page.locator("#inputs-found button").filter(has_text="desk (A)")
    row.wait_for(timeout=WAIT_MS)
    assert row.text_content() == "desk (A)JACK ports · 2 ch · 48 kHz"
    row.focus()
    page.keyboard.press("Enter")
    assert toast(page, "listening to") == r"listening to jack:desk\ \(A\):.*"
    page.wait_for_function("() => document.querySelector('#input').textContent.startsWith('jack:desk')")
    page.wait_for_function("() => parseFloat(document.querySelector('#level').style.inlineSize) > 50")
    page.keyboard.press("Enter")  # the summary has the focus again
    page.wait_for_selector("#inputs-found button[aria-current=true]")
    page.focus("#threshold")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => !document.querySelector('#threshold-reset').disabled")
    assert mine.config.read_text() == CONFIG
    page.click("#keep")
    told = toast(page, "kept in")
    assert told == f"kept in {mine.config}: input, suggest.threshold"
    config = load_config(mine.config)
    assert (config.input, config.suggest.threshold) == (r"jack:desk\ \(A\):.*", 0.01)
    assert mine.config.read_text().startswith("# mine\n")
    assert "discover = false  # not here\n" in mine.config.read_text()


@pytest.mark.parametrize("width", [400, 1440])
def test_the_settings_fit_and_are_named(chromium: Browser, mine: Mine, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.goto(mine.daemon.url)
    opened.wait_for_selector("#threshold:enabled")
    opened.click("#inputs summary")
    opened.wait_for_selector("#inputs-found button")
    wide = opened.evaluate(
        """(width) => [...document.querySelectorAll('main *')].filter((one) =>
            !one.closest('.hidden') && one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML)""",
        width,
    )
    assert wide == []
    named = opened.get_by_role("slider", name="Threshold")
    assert (named.get_attribute("aria-valuetext") or "").count("calibrated") == 1
    assert opened.get_by_role("slider", name="Stability").is_enabled()
    assert opened.get_by_role("button", name="Keep these settings").is_enabled()
    context.close()
