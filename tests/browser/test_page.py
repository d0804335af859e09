"""Use the live page in Chromium as a musician does; every wait has a limit, none is for the clock."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.bridge.osc_peer import OscPeer
from tests.browser.browser import LOAD_MS, SONG, WAIT_MS, Served, open_page, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FIRST_NAMES = "() => [...document.querySelectorAll('.lane h3')].map((name) => name.textContent).join()"


@pytest.fixture
def errors() -> list[str]:
    """Collect what the page complains about; checked by `page`."""
    return []


@pytest.fixture
def page(chromium: Browser, daemon: Served, errors: list[str]) -> Iterator[Page]:
    """Open the page and wait for instruments; no script may fail and nothing be blocked."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = open_page(context.new_page(), daemon.url, errors)
    yield opened
    context.close()
    assert errors == []


def row(opened: Page) -> dict[str, str]:
    """Return slot, sound and name of the row that has the focus."""
    found: dict[str, str] = opened.evaluate(
        "() => ({...document.activeElement.dataset, name: document.activeElement.querySelector('.name').textContent})"
    )
    return found


def test_instruments_appear_and_change_with_the_song(page: Page) -> None:
    first = page.evaluate(FIRST_NAMES)
    page.wait_for_function(f"(first) => ({FIRST_NAMES})() !== first", arg=first)
    assert page.text_content("#state") == "listening"
    presence = page.locator(".lane .presence output").first.text_content()
    assert presence is not None
    assert presence == "held" or 0 <= int(presence.removesuffix(" % present")) <= 100
    page.wait_for_function("() => /program \\d+/.test(document.querySelector('.sound .about').textContent)")
    page.wait_for_function("() => document.querySelector('#latency').textContent.endsWith(' ms')")
    page.wait_for_function("() => parseFloat(document.querySelector('#level').style.inlineSize) > 0")


def test_a_lane_stays_the_same_element_while_its_instrument_plays(page: Page) -> None:
    mark = (
        "() => [...document.querySelectorAll('.lane')].map((lane) => {lane.dataset.mark = '1'; return lane.ariaLabel})"
    )
    before = {label.split(":")[0] for label in page.evaluate(mark)}
    version = int(page.get_attribute("body", "data-version") or 0)
    page.wait_for_function("(seen) => Number(document.body.dataset.version) > seen + 4", arg=version)
    new = page.evaluate("() => [...document.querySelectorAll('.lane:not([data-mark])')].map((lane) => lane.ariaLabel)")
    assert before & {label.split(":")[0] for label in new} == set()


def test_the_picture_of_the_window_and_the_strip_are_drawn(page: Page) -> None:
    for name in ("picture", "strip", "map"):
        page.wait_for_function(
            """(name) => { const canvas = document.getElementById(name);
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                return new Set(data).size > 20; }""",
            arg=name,
        )
    assert page.locator("#marks span").count() == 4


def test_a_preview_really_plays_and_stops(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.wait_for_selector("#player[data-state=playing]")
    assert page.get_attribute("#player", "data-audio") == "running"
    assert int(page.get_attribute("#player", "data-frames") or 0) > 20_000
    page.wait_for_function("() => document.querySelector('#player-at').value > 0.02")
    page.keyboard.press("Escape")
    page.wait_for_selector("#player[data-state=stopped]")


def test_a_choice_by_key_reaches_an_osc_client_and_is_told_on_the_page(page: Page, daemon: Served) -> None:
    with OscPeer(daemon.osc, WAIT_MS / 1000) as osc:
        osc.send("/timbrel/register", "siis", "desk", 300, 0, ":suggest:")
        osc.expect("/timbrel/registered")
        chosen = ""
        while chosen == "":  # the music may take a sound away under the finger
            page.keyboard.press("ArrowDown")
            wanted, told = row(page), page.locator("#log li").count()
            page.keyboard.press("Enter")
            page.wait_for_function("before => document.querySelectorAll('#log li').length > before", arg=told)
            if page.locator("#log li.ok").count():
                chosen = wanted["sound"]
        assert osc.expect("/timbrel/chosen")[2:5] == [chosen, "generic", "ok"]
    assert "generic: " in (page.text_content(".toast.ok") or "")
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('#log li').textContent.includes('undone: ') ||"
                           " document.querySelector('#log li').textContent.includes('nothing is known')")  # fmt: skip


def test_keys_lock_and_let_go_and_two_pages_stay_in_step(page: Page, daemon: Served, errors: list[str]) -> None:
    other = open_page(page.context.new_page(), daemon.url, errors)
    page.bring_to_front()
    page.keyboard.press("ArrowDown")
    slot = row(page)["slot"]
    page.keyboard.press("l")
    locked = f".lane.locked .sound[data-slot='{slot}']"
    other.wait_for_selector(locked)
    page.wait_for_selector(locked)
    page.keyboard.press("l")
    other.wait_for_function("(locked) => !document.querySelector(locked)", arg=locked)
    other.click("#auto")
    page.wait_for_selector("#auto[aria-pressed=true]")
    page.keyboard.press("a")
    other.wait_for_selector("#auto[aria-pressed=false]")
    other.close()


def test_skip_takes_a_sound_out_of_its_lane(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    gone = row(page)
    page.keyboard.press("x")
    page.wait_for_function(
        "(gone) => ![...document.querySelectorAll('.sound')].some((row) =>"
        " row.dataset.slot === gone.slot && row.dataset.sound === gone.sound)",
        arg=gone,
    )
    assert page.evaluate("() => document.activeElement.matches('.sound')")


def test_arrows_walk_through_rows_and_lanes_and_the_focus_shows(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    first = row(page)
    page.keyboard.press("ArrowDown")
    assert row(page) != first
    style = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#help:not([open])", state="attached")


def test_every_control_has_a_name_and_news_is_announced(page: Page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role=meter], [role=img]')].filter((one) =>
            !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.[0]?.textContent.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert (page.text_content("#spoken") or "").startswith("Heard: ")
    assert page.get_attribute("#toasts", "aria-live") == "polite"


def test_what_is_unknown_is_told_as_an_error(page: Page) -> None:
    page.fill("#bus-name", "file:/etc/passwd")
    page.press("#bus-name", "Enter")
    page.wait_for_selector(".toast.error")
    assert "can't be opened over the network" in (page.text_content(".toast.error") or "")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("width", "height"), [(400, 800), (1440, 900)])
def test_nothing_overflows(
    chromium: Browser, daemon: Served, errors: list[str], width: int, height: int, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    opened = open_page(context.new_page(), daemon.url, errors)
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= width
    wide = opened.evaluate(
        """(width) => [...document.querySelectorAll('body *')].filter((one) =>
            !one.closest('.hidden, .skip, dialog') && one.getBoundingClientRect().right > width + 1)
            .map((one) => one.className || one.tagName)""",
        width,
    )
    assert wide == []
    context.close()
    assert errors == []


def test_the_session_is_saved_as_json_and_csv_and_the_present_list_as_json(page: Page, tmp_path: Path) -> None:
    saved = {}
    for button in ("save-json", "save-csv", "save-snapshot"):
        with page.expect_download() as download:
            page.click(f"#{button}")
        saved[button] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[button])
    spans = json.loads(saved["save-json"].read_text())["spans"]
    assert spans
    assert all(span["from"] <= span["to"] for span in spans)
    with saved["save-csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= len(spans)
    assert {"time", "from_s", "to_s", "slot", "family", "name", "sound_id", "presence"} == set(rows[0])
    now = json.loads(saved["save-snapshot"].read_text())
    assert now["lanes"][0]["sounds"][0]["score"] <= 1.0


def test_the_map_finds_and_plays_a_sound(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("banjo")
    page.wait_for_selector("#map-found button:has-text('Banjo')")
    page.click("#map-found button")
    page.wait_for_selector("#player[data-state=playing]")
    page.click("#player-stop")


def test_a_page_connects_again_by_itself_after_a_restart(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context()
    opened = context.new_page()
    opened.set_default_timeout(LOAD_MS)
    with served(tmp_path) as first:
        opened.goto(first.url)
        opened.wait_for_selector(".lane .sound")
        port = int(first.url.rsplit(":", 1)[1].rstrip("/"))
        first.process.terminate()
        opened.wait_for_selector("body[data-link=closed]")
        opened.wait_for_function("() => document.querySelector('#sentence').textContent.includes('Timbrel ended')")
    with served(tmp_path, "--library", "gm", source=SONG, port=port) as second:
        assert second.url == first.url
        opened.wait_for_selector("body[data-link=open]")
        opened.wait_for_selector("body[data-state=listening] .lane:not(.away) .sound")
        opened.reload()
        opened.wait_for_selector("body[data-link=open] .lane .sound")
    context.close()
